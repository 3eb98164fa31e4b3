/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor_steps: the steps of the editor: which there are, the bar that shows them, and the buttons between them. */
import { html } from 'htm/preact';
import { counts, trees_of } from '../lib/role_draft.js';
import { href } from '../lib/route.js';

/* The tree of pages and buttons, by its name. */
const UI = /^(ui|pages|screens|frontend|front-end|app)$/;

/* [{key, title, tree}]: the name, a step for each tree, the tree authz last, and the review. */
export function steps_of(trees) {
	const names = trees.trees.map((tree) => tree.name);
	const ui = names.includes('ui') ? 'ui' : names.find((name) => UI.test(name));
	const rank = (name) => name === ui ? 0 : name === 'authz' ? 3 : name === 'api' ? 1 : 2;
	const sorted = trees.trees.filter((tree) => trees.index.by_resource.has(`${tree.name}:/`)).map((tree, i) => ({ tree, i }))
		.sort((a, b) => rank(a.tree.name) - rank(b.tree.name) || a.i - b.i).map((one) => one.tree);

	return [{ key: 'about', title: 'Name and description' },
		...sorted.map((tree) => ({ key: `tree ${tree.name}`, tree: tree.name, title: tree.name === 'authz' ? 'Managing' : tree.description || `Tree ${tree.name}` })),
		{ key: 'review', title: 'Review and save' }];
}

/* The number of the step that shows the parameter which the daemon names; -1: the review does. */
export function step_of_error(error, steps) {
	return ['name', 'description', 'inherits'].includes((error?.param || '').split('[')[0]) ? steps.findIndex((step) => step.key === 'about') : -1;
}

/* The number of the step in which a line that is kept as text can be changed. */
export function step_of_line(line, draft, steps, index) {
	const kept = draft.kept.find((one) => one.id === line.kept);
	const tree = kept.tree ?? trees_of(kept, index)[0];
	const step = steps.findIndex((one) => one.tree !== undefined && one.tree === tree);

	return step >= 0 ? step : steps.length - 2;
}

export function Steps({ steps, at, go_to, draft }) {
	return html`<ol class="steps" aria-label="Steps">${steps.map((step, i) => {
		const has = step.tree ? counts(draft, step.tree) : null;

		return html`<li key=${step.key}><button type="button" aria-current=${i === at ? 'step' : undefined} onClick=${() => go_to(i)}>
			<span class="ordinal">${i + 1}</span><span>${step.title}${step.tree && html`<small><code>${step.tree}</code>${has.allow > 0 && html` <span class="good">${has.allow} allowed</span>`}${has.deny > 0 && html` <span class="wrong">${has.deny} denied</span>`}</small>`}</span>${has && has.allow + has.deny > 0 && html`<span class="held" aria-hidden="true">${has.allow > 0 && html`<span class="good">✓${has.allow}</span>`}${has.deny > 0 && html`<span class="wrong">⊘${has.deny}</span>`}</span>`}</button></li>`;
	})}</ol>`;
}

/* id: of the role that is edited; undefined for a new one. */
export function Between({ steps, at, go_to, id }) {
	return html`<div class="row nav">
		<button type="button" disabled=${at === 0} onClick=${() => go_to(at - 1)}>Back</button>
		${at < steps.length - 1 && html`<button type="button" class="primary" onClick=${() => go_to(at + 1)}>Next</button>`}
		${at < steps.length - 2 && html`<button type="button" class="quiet" onClick=${() => go_to(steps.length - 1)}>To the review</button>`}
		<a class="right" href=${id === undefined ? href('roles') : href('roles', id)}>Leave without saving</a>
	</div>`;
}
