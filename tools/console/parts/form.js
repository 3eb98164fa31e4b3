/* SPDX-License-Identifier: Apache-2.0 */
/* form: labelled fields. Each gets `value` and `set`, and says beside it what is wrong with it. */
import { html } from 'htm/preact';
import { useId, useRef, useState } from 'preact/hooks';
import { has_keys } from '../lib/has_keys.js';
import { useOnce } from '../lib/once.js';
import { duration, from_local, to_local } from '../lib/time.js';
import { matches } from '../lib/text.js';

/* A label, the field, a hint and what is wrong. children: a function of the id and the hint's. */
export function Field({ label, hint, wrong, children }) {
	const id = useId();
	const tip = hint || wrong ? `${id}-tip` : undefined;

	return html`<div class="field ${wrong ? 'wrong' : ''}">
		<label for=${id}>${label}</label>
		${children(id, tip)}
		${tip && html`<p class="tip" id=${tip}>${wrong || hint}</p>`}
	</div>`;
}

export function Text({ label, hint, wrong, value, set, type = 'text', placeholder, required, lines, mono, autofocus, list, spellcheck = false }) {
	return html`<${Field} label=${label} hint=${hint} wrong=${wrong}>${(id, tip) => lines
		? html`<textarea id=${id} rows=${lines} class=${mono ? 'mono' : ''} aria-describedby=${tip} aria-invalid=${wrong ? 'true' : undefined}
			placeholder=${placeholder} required=${required} spellcheck=${spellcheck} value=${value} onInput=${(event) => set(event.currentTarget.value)} />`
		: html`<input id=${id} type=${type} class=${mono ? 'mono' : ''} aria-describedby=${tip} aria-invalid=${wrong ? 'true' : undefined} autocomplete="off"
			spellcheck=${spellcheck} placeholder=${placeholder} required=${required} data-first=${autofocus} list=${list} value=${value}
			onInput=${(event) => set(event.currentTarget.value)} />`}<//>`;
}

/* options: [[value, text], …] or texts */
export function Select({ label, hint, wrong, value, set, options }) {
	return html`<${Field} label=${label} hint=${hint} wrong=${wrong}>${(id, tip) => html`<select id=${id} aria-describedby=${tip} aria-invalid=${wrong ? 'true' : undefined}
		value=${value} onChange=${(event) => set(event.currentTarget.value)}>
		${options.map((option) => {
			const [key, text] = Array.isArray(option) ? option : [option, option];
			return html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`;
		})}</select>`}<//>`;
}

/* A question with few answers: [[value, text, hint], …] */
export function Choice({ label, value, set, options }) {
	const name = useId();

	return html`<fieldset class="choice"><legend>${label}</legend>
		${options.map(([key, text, hint]) => html`<label key=${key} class=${key === value ? 'chosen' : ''}>
			<input type="radio" name=${name} checked=${key === value} onChange=${() => set(key)} />
			<span>${text}${hint && html`<small>${hint}</small>`}</span></label>`)}
	</fieldset>`;
}

export function Check({ label, hint, value, set, disabled }) {
	return html`<label class="check"><input type="checkbox" checked=${value} disabled=${disabled} onChange=${(event) => set(event.currentTarget.checked)} />
		<span>${label}${hint && html`<small>${hint}</small>`}</span></label>`;
}

/* On or off at once, as a switch with its word beside it. `label` is for those who do not see it. set(value) may return
 * a promise: until it is settled another press does nothing. */
export function Switch({ label, value, set, disabled, tab, word = value ? 'on' : 'off' }) {
	const press = useOnce(set);

	return html`<span class="onoff"><button type="button" role="switch" class="switch" aria-checked=${value ? 'true' : 'false'} aria-label=${label} disabled=${disabled} tabIndex=${tab}
		onClick=${(event) => {
			event.stopPropagation();
			press(!value);
		}}><span></span></button><span class=${value ? '' : 'dim'}>${word}</span></span>`;
}

const TIMES = [['', 'never'], ['2592000', '30 days'], ['7776000', '90 days'], ['15552000', '180 days'], ['31536000', '1 year'], ['other', 'at a time …']];

/* When something ends: {expires_in} of seconds, {expires_at} of Unix seconds, or {}. */
export function Ends({ label, hint, wrong, value, set, options = TIMES }) {
	const chosen = value.expires_at !== undefined ? 'other' : value.expires_in === undefined ? '' : String(value.expires_in);
	const known = options.some(([key]) => key === chosen);

	return html`<div class="pair">
		<${Select} label=${label} hint=${hint} wrong=${wrong} value=${chosen}
			options=${known ? options : [...options, [chosen, duration(value.expires_in)]]}
			set=${(key) => set(key === '' ? {} : key === 'other' ? { expires_at: Math.floor(Date.now() / 1000) + 86400 } : { expires_in: Number(key) })} />
		${chosen === 'other' && html`<${Text} label="Time" type="datetime-local" value=${to_local(value.expires_at)}
			set=${(text) => set({ expires_at: from_local(text) ?? value.expires_at })} />`}
	</div>`;
}

/*
 * Several words: what was typed becomes one with Enter, a comma or when the field is left. check(word) says what is wrong
 * with one, undefined if nothing; a word that is pressed can be typed again.
 */
export function Words({ label, hint, wrong, value, set, placeholder, options = [], check = () => undefined }) {
	const [text, set_text] = useState('');
	const list = useId();
	const field = useRef(null);
	const problem = value.map(check).find((why) => why !== undefined);
	const edit = (word) => {
		set(value.filter((one) => one !== word));
		set_text(word);
		field.current.focus();
	};
	const add = (words) => {
		const all = words.split(/[\s,]+/).filter((word) => word !== '' && !value.includes(word));

		if (all.length > 0) {
			set([...value, ...all]);
		}
		set_text('');
	};

	return html`<${Field} label=${label} hint=${hint} wrong=${problem || wrong}>${(id, tip) => html`<div class="words">
		${value.map((word) => html`<span class="chip ${check(word) ? 'bad' : ''}" key=${word}><button type="button" class="quiet word" title="Type it again" onClick=${() => edit(word)}>${word}</button><button type="button" class="quiet" aria-label=${`Remove ${word}`}
			onClick=${() => set(value.filter((one) => one !== word))}>✕</button></span>`)}
		<input id=${id} ref=${field} aria-describedby=${tip} aria-invalid=${problem || wrong ? 'true' : undefined} list=${list} autocomplete="off" spellcheck=${false} placeholder=${value.length === 0 ? placeholder : ''} value=${text}
			onInput=${(event) => set_text(event.currentTarget.value)} onBlur=${() => add(text)}
			onKeyDown=${(event) => {
				if ((event.key === 'Enter' || event.key === ',') && text.trim() !== '') {
					event.preventDefault();
					add(text);
				} else if (event.key === 'Backspace' && text === '' && value.length > 0) {
					set(value.slice(0, -1));
				}
			}} />
		<datalist id=${list}>${options.filter((option) => !value.includes(option)).slice(0, 500).map((option) => html`<option key=${option} value=${option} />`)}</datalist>
	</div>`}<//>`;
}

/* Some of a list, each with a box: [{key, text, about}]; long lists can be searched. */
export function Several({ label, hint, wrong, value, set, options }) {
	const [search, set_search] = useState('');
	const found = options.filter((option) => matches(search, option.key, option.text, option.about));

	return html`<fieldset class="several ${wrong ? 'wrong' : ''}"><legend>${label} ${value.length > 0 && html`<span class="count">${value.length}</span>`}</legend>
		${(wrong || hint) && html`<p class="tip" tabIndex=${wrong ? -1 : undefined} aria-invalid=${wrong ? 'true' : undefined}>${wrong || hint}</p>`}
		${options.length > 8 && html`<input type="search" aria-label=${`Search ${label}`} placeholder="Search" value=${search}
			onInput=${(event) => set_search(event.currentTarget.value)} />`}
		<div class="options">${found.slice(0, 200).map((option) => html`<${Check} key=${option.key} label=${option.text || option.key} hint=${option.about}
			value=${value.includes(option.key)} set=${(on) => set(on ? [...value, option.key] : value.filter((one) => one !== option.key))} />`)}
		${found.length === 0 && html`<p class="dim">Nothing is found.</p>`}</div>
	</fieldset>`;
}

/* The search field of a page. / jumps to it. */
export function Search({ value, set, label = 'Search' }) {
	return html`<input type="search" class="search" data-search aria-label=${label} placeholder=${has_keys.value ? `${label}  ( / )` : label} value=${value} autocomplete="off" spellcheck=${false}
		onInput=${(event) => set(event.currentTarget.value)} />`;
}
