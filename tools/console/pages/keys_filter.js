/* SPDX-License-Identifier: Apache-2.0 */
/* keys_filter: what the list of keys is narrowed by. */
import { html } from 'htm/preact';
import { useMemo } from 'preact/hooks';
import { holders_of, NARROWING, ONLY, values_of } from '../lib/keys.js';
import { status_word } from '../lib/status.js';
import { Filter, Filters } from '../parts/filter.js';

const STATUSES = ['active', 'inactive', 'expired', 'revoked', 'deleted', 'altered'].map((one) => [one, status_word(one)]);

/* One of the values that the keys have. */
function OfThese({ label, query, word, values, any = `Any ${word}` }) {
	return (values.length > 0 || query[word]) && html`<${Filter} label=${label} any=${any} query=${query} word=${word} options=${values.map((one) => [one, one])} may_type />`;
}

/* all: the keys that are loaded. */
export function KeysFilter({ query, all }) {
	const values = useMemo(() => ({ holder: holders_of(all), label: values_of(all, 'label'), environment: values_of(all, 'environment') }), [all]);

	return html`<${Filters} what="keys" query=${query} words=${NARROWING}>
		<${Filter} label="Status" any="Any status" query=${query} word="status" options=${STATUSES} />
		<${OfThese} label="Holder" query=${query} word="holder" values=${values.holder} />
		<${OfThese} label="Label" query=${query} word="label" values=${values.label} />
		${(values.environment.length > 1 || query.environment) && html`<${OfThese} label="Environment" query=${query} word="environment" values=${values.environment} />`}
		<${Filter} label="More" any="More …" query=${query} word="only" options=${Object.entries(ONLY).map(([key, one]) => [key, one.text])} /><//>`;
}
