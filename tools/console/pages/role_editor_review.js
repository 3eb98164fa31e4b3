/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor_review: the last step: what the change gives and takes, for whom, the lines as they will be, and Save. */
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { useOnce } from '../lib/once.js';
import { ErrorBox, Loading } from '../parts/bits.js';
import { Effect } from './role_editor_effect.js';
import { line_of_error } from './role_editor_lines.js';

/* The lines as they will be written; the one that the daemon refuses is marked. */
function Lines({ lines, error, was, go_to_line }) {
	const wrong = line_of_error(error);
	const old = new Set(was || []);

	return lines.length === 0 ? html`<p class="dim">It has no grants of its own.</p>` : html`<ol class="grants">${lines.map((line, i) => html`<li key=${i} class=${i === wrong ? 'wrong' : ''}>
		<code class=${line.text.startsWith('deny') ? 'denial' : ''}>${line.text}</code>${was && !old.has(line.text) && html` <span class="badge info">new</span>`}
		${i === wrong && html`<p class="wrong">${error.message}</p>${line.kept !== undefined && html`<p><button type="button" onClick=${() => go_to_line(line)}>Change this line</button></p>`}`}</li>`)}
		${(was || []).filter((text) => !lines.some((line) => line.text === text)).map((text) => html`<li key=${`old ${text}`} class="gone"><code>${text}</code> <span class="badge">removed</span></li>`)}</ol>`;
}

export function Review({ name, is_new, lines, check, save, fails, error, was, go_to_line }) {
	const [state, set_state] = useState({ record: null, busy: false });
	const dry = async () => {
		try {
			set_state({ record: await check(), busy: false });
		} catch (problem) {
			set_state({ record: null, busy: false });
			fails(problem);
		}
	};
	const send = useOnce(async () => {
		set_state((before) => ({ ...before, busy: true }));
		try {
			await save();
		} catch (problem) {
			set_state((before) => ({ ...before, busy: false }));
			fails(problem);
		}
	});

	useEffect(() => {
		dry();
	}, []);
	if (state.record === null && !error) {
		return html`<${Loading} />`;
	}
	return html`<div class="stack">
		${error && html`<${ErrorBox} error=${error} retry=${dry} />`}
		${state.record && html`<${Effect} record=${state.record} name=${name} is_new=${is_new} />`}
		<section><h3>Its grants, as they will be written</h3><${Lines} lines=${lines} error=${error} was=${is_new ? undefined : was.grants} go_to_line=${go_to_line} />
			<p class="tip">The daemon expands patterns such as <code>/**</code> when the role is saved. Permissions that are added to the policy later are not in it.</p></section>
		<div class="row"><button type="button" class="primary" disabled=${state.busy || state.record === null} onClick=${send}>${state.busy ? 'Saving …' : is_new ? 'Create the role' : 'Save the change'}</button></div>
	</div>`;
}
