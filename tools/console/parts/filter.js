/* SPDX-License-Identifier: Apache-2.0 */
/* filter: what a list is narrowed by, beside its search. The address has it, so that a view can be kept and sent. */
import { html } from 'htm/preact';
import { useId, useState } from 'preact/hooks';
import { set_query } from '../lib/route.js';
import { Search } from './form.js';

const MANY = 12; /* values, from which on one types */

/* The button that shows the filters where they do not fit; number: of those that are set. */
export function FilterButton({ number, is_open, open }) {
	return html`<button type="button" class="more ${number > 0 ? 'set' : ''}" aria-expanded=${is_open ? 'true' : 'false'} onClick=${() => open(!is_open)}>Filter${number > 0 && ` (${number})`}</button>`;
}

/*
 * A search, the filters, and a button that shows them where they do not fit. words: those of the address that the
 * filters set; what: the list in words, such as "keys".
 */
export function Filters({ what, query, words, children }) {
	const [is_open, open] = useState(false);
	const number = words.filter((word) => query[word]).length;

	return html`<div class="bar narrow ${is_open ? 'open' : ''} ${words.length === 1 ? 'few' : ''}" role="search" aria-label=${`Which ${what}`}>
		<${Search} label=${`Search ${what}`} value=${query.search || ''} set=${(text) => set_query({ search: text })} />
		<${FilterButton} number=${number} is_open=${is_open} open=${open} />
		${children}
	</div>`;
}

/* Some text with what is there to choose from, for what has many values. */
function Typed({ label, any, value, set, options }) {
	const id = useId();

	return html`<input class="filter ${value ? 'set' : ''}" aria-label=${label} list=${id} value=${value} placeholder=${any} autocomplete="off" spellcheck=${false}
			onChange=${(event) => set(event.currentTarget.value.trim())} />
		<datalist id=${id}>${options.slice(0, 500).map(([key]) => html`<option key=${key} value=${key} />`)}</datalist>`;
}

/* One word of the address; `any` says what is shown without it. options: [[value, text], …] */
export function Filter({ label, any, query, word, options, may_type = false }) {
	const value = query[word] || '';
	const set = (text) => set_query({ [word]: text || undefined });
	const all = [['', any], ...options, ...(value === '' || options.some(([key]) => key === value) ? [] : [[value, value]])];

	return may_type && options.length > MANY ? html`<${Typed} label=${label} any=${any} value=${value} set=${set} options=${options} />`
		: html`<select class="filter ${value ? 'set' : ''}" aria-label=${label} value=${value} onChange=${(event) => set(event.currentTarget.value)}>
			${all.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
		</select>`;
}

/* The button that takes the search and all filters away. */
export function ShowAll({ query, words }) {
	const all = ['search', ...words];

	return all.some((word) => query[word]) && html`<button type="button" class="quiet" onClick=${() => set_query(Object.fromEntries(all.map((word) => [word, undefined])))}>Show all</button>`;
}
