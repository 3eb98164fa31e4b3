/* SPDX-License-Identifier: Apache-2.0 */
/* try_facts: the facts of a question, each with a field that fits its type. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { text_of } from '../lib/facts.js';
import { Select, Text } from '../parts/form.js';

const FEW = 12; /* facts that are all shown; of more, one adds those that one needs */
const HINTS = { strings: 'several, with commas', duration: 'such as 90s, 8h or 30d', int: 'a whole number', address: 'an IP address' };

function options_of({ type, words }) {
	return type === 'bool' ? [['true', 'yes'], ['false', 'no']] : type === 'word' ? words.map((word) => [word, word]) : null;
}

/* of: one of fact_types of policy.names */
function Fact({ of, value, set, wrong }) {
	const { name, type } = of;
	const options = options_of(of);
	const preset = of.default === undefined ? undefined : text_of(type, of.default);
	const unset = preset === undefined ? 'not stated' : `not stated: ${options?.find(([key]) => key === preset)?.[1] ?? preset}`;

	if (options) {
		return html`<${Select} label=${name} value=${value} set=${set} wrong=${wrong} options=${[['', unset], ...options]} />`;
	}
	return html`<${Text} label=${name} value=${value} set=${set} wrong=${wrong} type=${type === 'time' ? 'datetime-local' : 'text'} mono=${type !== 'time'}
		placeholder=${preset} hint=${[HINTS[type], preset !== undefined && `empty: ${preset}`].filter(Boolean).join('; ') || undefined} />`;
}

/* types: fact_types of policy.names. given: {NAME: text}. wrong(name) says what is wrong with one. */
export function Facts({ types, given, set, wrong }) {
	const [added, add] = useState([]);
	const is_few = types.length <= FEW;
	const shown = is_few ? types : added.map((name) => types.find((one) => one.name === name));
	const left = types.filter((one) => !added.includes(one.name)).map((one) => [one.name, one.name]);

	return html`<fieldset class="stack"><legend>Facts</legend>
		<div class="pair">${shown.map((one) => html`<${Fact} key=${one.name} of=${one} value=${given[one.name] || ''} wrong=${wrong(one.name)} set=${(text) => set({ ...given, [one.name]: text })} />`)}</div>
		${!is_few && html`<${Select} label="Add a fact" value="" options=${[['', 'choose one'], ...left]} set=${(name) => name !== '' && add([...added, name])} />`}
	</fieldset>`;
}
