/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor_lines: the lines of a role that are not boxes, as text: those with conditions, and what the page cannot draw. */
import { html } from 'htm/preact';
import { parse, select } from '../lib/grants.js';

/* The number of the line that the daemon's error is about: `grants[3]`, or "entry 3" in its message. -1: none. */
export function line_of_error(error) {
	const found = /^grants\[(\d+)\]/.exec(error?.param || '') || (error?.param === 'grants' && /\bentry (\d+)\b/.exec(error.message)) || null;

	return found ? Number(found[1]) : -1;
}

/* What can be said of a line before the daemon sees it. */
function hint_of(text, index) {
	const line = parse(text);

	if (text.trim() === '') {
		return 'An empty line is left out.';
	}
	if (line === null) {
		return 'This page does not understand it; the daemon may.';
	}
	return select(line, index) === null ? 'A pattern or an action in it selects nothing in the present policy.' : undefined;
}

let number = 100000; /* ids of lines that are added, apart from those that were there */

export function Kept({ kept, set, index, error, lines, tree }) {
	const wrong_line = lines[line_of_error(error)];
	const put = (id, text) => set((was) => ({ ...was, kept: was.kept.map((one) => one.id === id ? { ...one, text } : one) }));
	const add = () => set((was) => ({ ...was, kept: [...was.kept, { id: ++number, text: 'allow ', of: undefined, tree }] }));

	return html`<section class="kept" aria-label="As written">
		<h3>As written</h3>
		<p class="tip">Lines with conditions, and what this page cannot draw as boxes. They stay as they are unless you change them here.</p>
		${kept.map((one) => {
			const is_wrong = wrong_line?.kept === one.id;
			const hint = is_wrong ? error.message : hint_of(one.text, index);

			return html`<div class="line ${is_wrong ? 'wrong' : ''}" key=${one.id}>
				<textarea class="mono" rows=${Math.min(6, Math.ceil(one.text.length / 70) || 1)} aria-label="A line of grants" aria-invalid=${is_wrong ? 'true' : undefined} spellcheck=${false} value=${one.text} onInput=${(event) => put(one.id, event.currentTarget.value.replace(/\s*\n\s*/g, ' '))}></textarea>
				<button type="button" class="quiet" aria-label="Remove the line" onClick=${() => set((was) => ({ ...was, kept: was.kept.filter((other) => other.id !== one.id) }))}>✕</button>
				${hint && html`<p class="tip">${hint}</p>`}</div>`;
		})}
		<button type="button" onClick=${add}>Add a line</button>
	</section>`;
}
