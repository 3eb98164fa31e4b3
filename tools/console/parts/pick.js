/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pick: one of many, found by typing. It is an ARIA combobox: Up and Down move in what is found, Enter takes it,
 * Escape closes the list.
 */
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { matches } from '../lib/text.js';
import { Field } from './form.js';

const MOST = 50; /* that are shown at once */

/* options: [{key, text, about}]. value: a key, '' for none yet. */
export function Pick({ label, hint, wrong, value, set, options, placeholder, autofocus }) {
	const [text, set_text] = useState(null); /* what is typed; null: the list is closed */
	const [at, set_at] = useState(0);
	const field = useRef(null);
	const found = useMemo(() => text === null ? [] : options.filter((one) => matches(text, one.key, one.text, one.about)), [text, options]);
	const shown = found.slice(0, MOST);
	const take = (one) => {
		set(one.key);
		set_text(null);
		field.current.focus();
	};
	const on_key = (event) => {
		if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
			event.preventDefault();
			if (text === null) {
				set_text('');
				set_at(0);
			} else if (shown.length > 0) {
				set_at((at + (event.key === 'ArrowDown' ? 1 : -1) + shown.length) % shown.length);
			}
		} else if (event.key === 'Enter' && text !== null) {
			event.preventDefault();
			if (shown[at]) {
				take(shown[at]);
			}
		} else if (event.key === 'Escape' && text !== null) {
			event.preventDefault();
			event.stopPropagation();
			set_text(null);
		}
	};

	useEffect(() => {
		field.current.parentElement.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
	}, [at, text === null]);
	return html`<${Field} label=${label} hint=${hint} wrong=${wrong}>${(id, tip) => html`<div class="pick">
		<input id=${id} ref=${field} role="combobox" aria-expanded=${text !== null ? 'true' : 'false'} aria-controls=${`${id}-list`} aria-autocomplete="list"
			aria-activedescendant=${shown[at] ? `${id}-${at}` : undefined} aria-describedby=${tip} aria-invalid=${wrong ? 'true' : undefined}
			autocomplete="off" spellcheck=${false} data-first=${autofocus} placeholder=${placeholder} value=${text ?? value}
			onInput=${(event) => { set_text(event.currentTarget.value); set_at(0); }}
			onFocus=${(event) => event.currentTarget.select()} onClick=${() => text === null && set_text('')}
			onBlur=${() => set_text(null)} onKeyDown=${on_key} />
		<ul id=${`${id}-list`} role="listbox" aria-label=${label} hidden=${text === null}>
			${shown.map((one, i) => html`<li id=${`${id}-${i}`} key=${one.key} role="option" aria-selected=${i === at ? 'true' : 'false'}
				onMouseDown=${(event) => { event.preventDefault(); take(one); }}>${one.text || one.key}${one.about && html` <small class="dim">${one.about}</small>`}</li>`)}
			${text !== null && found.length === 0 && html`<li class="dim" role="option" aria-disabled="true" aria-selected="false">Nothing is found.</li>`}
			${found.length > MOST && html`<li class="dim" role="option" aria-disabled="true" aria-selected="false">${found.length - MOST} more: type to find them.</li>`}
		</ul></div>`}<//>`;
}
