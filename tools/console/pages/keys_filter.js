/* SPDX-License-Identifier: Apache-2.0 */
/* keys_filter: what the list of keys is narrowed by. The address has it, so that a view can be kept and sent. */
import { html } from 'htm/preact';
import { useId, useMemo, useState } from 'preact/hooks';
import { is_filtered, ONLY, values_of } from '../lib/keys.js';
import { set_query } from '../lib/route.js';
import { Search } from '../parts/form.js';

const STATUSES = [['active', 'active'], ['inactive', 'inactive'], ['expired', 'expired'], ['revoked', 'revoked'], ['deleted', 'deleted'], ['altered', 'altered']];
const NONE = { search: undefined, status: undefined, environment: undefined, principal: undefined, label: undefined, only: undefined };

/* A short select; its first option says what it is about. options: [[value, text], …] */
function One({ label, any, value = '', set, options }) {
	const all = [['', any], ...options, ...(value === '' || options.some(([key]) => key === value) ? [] : [[value, value]])];

	return html`<select class="filter ${value ? 'set' : ''}" aria-label=${label} value=${value} onChange=${(event) => set(event.currentTarget.value || undefined)}>
		${all.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
	</select>`;
}

/* A text with what is there to choose from, for what has many values. */
function Typed({ label, any, value = '', set, values }) {
	const id = useId();

	return html`<input class="filter ${value ? 'set' : ''}" aria-label=${label} list=${id} value=${value} placeholder=${any} autocomplete="off" spellcheck=${false}
			onChange=${(event) => set(event.currentTarget.value.trim() || undefined)} />
		<datalist id=${id}>${values.slice(0, 500).map((one) => html`<option key=${one} value=${one} />`)}</datalist>`;
}

const MANY = 12; /* values, from which on one types */

function Field({ label, query, word, values }) {
	const set = (value) => set_query({ [word]: value });
	const any = `Any ${word}`;

	if (values.length === 0 && !query[word]) {
		return null;
	}
	return values.length > MANY ? html`<${Typed} label=${label} any=${any} value=${query[word]} set=${set} values=${values} />`
		: html`<${One} label=${label} any=${any} value=${query[word]} set=${set} options=${values.map((one) => [one, one])} />`;
}

/* The button that takes all of it away. */
export function ShowAll({ query }) {
	return is_filtered(query) && html`<button type="button" class="quiet" onClick=${() => set_query(NONE)}>Show all</button>`;
}

/* all: the keys that are loaded. */
export function KeysFilter({ query, all }) {
	const [is_open, open] = useState(false);
	const values = useMemo(() => ({ principal: values_of(all, 'principal'), label: values_of(all, 'label'), environment: values_of(all, 'environment') }), [all]);

	return html`<div class="bar keys-filter ${is_open ? 'open' : ''}" role="search" aria-label="Which keys">
		<${Search} label="Search keys" value=${query.search || ''} set=${(text) => set_query({ search: text })} />
		<button type="button" class="more" aria-expanded=${is_open ? 'true' : 'false'} onClick=${() => open(!is_open)}>Filter</button>
		<${One} label="Status" any="Any status" value=${query.status} set=${(status) => set_query({ status })} options=${STATUSES} />
		<${Field} label="Principal" query=${query} word="principal" values=${values.principal} />
		<${Field} label="Label" query=${query} word="label" values=${values.label} />
		${(values.environment.length > 1 || query.environment) && html`<${Field} label="Environment" query=${query} word="environment" values=${values.environment} />`}
		<${One} label="More" any="More …" value=${query.only} set=${(only) => set_query({ only })} options=${Object.entries(ONLY).map(([key, one]) => [key, one.text])} />
	</div>`;
}
