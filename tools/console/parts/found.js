/* SPDX-License-Identifier: Apache-2.0 */
/* found: how many of a list are found, between what narrows it and the list. */
import { html } from 'htm/preact';
import { count } from '../lib/text.js';

/* found, all: numbers; word: of one, such as "key"; busy: more is coming. */
export function Found({ found, all, word, busy = false, children }) {
	return html`<div class="strip"><span class="dim" role="status">${found === all ? count(all, word) : `${found.toLocaleString('en')} of ${count(all, word)}`}${busy ? ' …' : ''}</span>${children}</div>`;
}
