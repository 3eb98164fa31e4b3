/* SPDX-License-Identifier: Apache-2.0 */
/* toast: what was done, said for some seconds; an error stays until it is closed. */
import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { ErrorBox } from './bits.js';

const SECONDS = 6;

const said = signal([]);
let number = 0;

function drop(id) {
	said.value = said.value.filter((one) => one.id !== id);
}

export function say(text) {
	const id = ++number;

	said.value = [...said.value, { id, text }];
	setTimeout(drop, SECONDS * 1000, id);
}

export function say_error(error) {
	said.value = [...said.value.filter((one) => one.error?.message !== error.message), { id: ++number, error }];
}

export function Toasts() {
	return html`<div class="toasts" aria-live="polite">
		${said.value.map((one) => html`<div class="toast" key=${one.id}>
			${one.error ? html`<${ErrorBox} error=${one.error} />` : html`<p>${one.text}</p>`}
			<button type="button" class="quiet" aria-label="Close" onClick=${() => drop(one.id)}>✕</button>
		</div>`)}
	</div>`;
}
