/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor: makes or changes a role of the store, in steps: its name, its trees, and what the change comes to. */
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { changed, useLoad } from '../lib/load.js';
import { begin, counts, lines_of, trees_of } from '../lib/role_draft.js';
import { all_roles } from '../lib/roles.js';
import { go, href, keep_page } from '../lib/route.js';
import { ask, use_tenant } from '../lib/tenant_calls.js';
import { load_trees } from '../lib/trees.js';
import { Empty, Head, Loaded } from '../parts/bits.js';
import { confirm } from '../parts/dialog.js';
import { say } from '../parts/toast.js';
import { About } from './role_editor_about.js';
import { Review } from './role_editor_review.js';
import { TreeStep } from './role_editor_tree.js';

/* The tree of pages and buttons, by its name. */
const UI = /^(ui|pages|screens|frontend|front-end|app)$/;

/* The record with its patterns as the present policy has them, the trees and all roles. */
async function load(id, from) {
	const name = id ?? from;
	const [trees, by_name, record] = await Promise.all([load_trees(), all_roles(), name === undefined ? {} : ask('roles.get', { name })]);
	const now = id === undefined || record.declared ? undefined : await ask('roles.update', { name: id, grants: record.grants || [], dry_run: true }).catch(() => undefined);

	return { trees, by_name, record, newer: now?.gains_total || 0 };
}

/* [{key, title, about}]: the name, a step for each tree, the tree authz last, and the review. */
function steps_of(trees) {
	const names = trees.trees.map((tree) => tree.name);
	const ui = names.includes('ui') ? 'ui' : names.find((name) => UI.test(name));
	const rank = (name) => name === ui ? 0 : name === 'authz' ? 3 : name === 'api' ? 1 : 2;
	const sorted = trees.trees.filter((tree) => trees.index.by_resource.has(`${tree.name}:/`)).map((tree, i) => ({ tree, i }))
		.sort((a, b) => rank(a.tree.name) - rank(b.tree.name) || a.i - b.i).map((one) => one.tree);

	return [{ key: 'about', title: 'Name and description' },
		...sorted.map((tree) => ({ key: `tree ${tree.name}`, tree: tree.name, title: tree.name === 'authz' ? 'Managing' : tree.description || `Tree ${tree.name}` })),
		{ key: 'review', title: 'Review and save' }];
}

function Steps({ steps, at, go_to, draft }) {
	const list = useRef(null);

	/* Where they do not fit beside each other, the present one is in sight. */
	useEffect(() => list.current.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }), [at]);
	return html`<ol class="steps" aria-label="Steps" ref=${list}>${steps.map((step, i) => {
		const has = step.tree ? counts(draft, step.tree) : null;

		return html`<li key=${step.key}><button type="button" aria-current=${i === at ? 'step' : undefined} onClick=${() => go_to(i)}>
			<span class="ordinal">${i + 1}</span><span>${step.title}${step.tree && html`<small><code>${step.tree}</code>${has.allow > 0 && html` <span class="good">${has.allow} allowed</span>`}${has.deny > 0 && html` <span class="wrong">${has.deny} denied</span>`}</small>`}</span></button></li>`;
	})}</ol>`;
}

/* Which step shows the parameter that the daemon names; -1: the review does. */
function step_of_error(error, steps) {
	return ['name', 'description', 'inherits'].includes((error?.param || '').split('[')[0]) ? steps.findIndex((step) => step.key === 'about') : -1;
}

function Editor({ id, data }) {
	const { trees, by_name, record, newer } = data;
	const [draft, set_draft] = useState(() => begin(id === undefined ? { ...record, name: '' } : record, trees.index));
	const [at, set_at] = useState(0);
	const [error, set_error] = useState(null);
	const head = useRef(null);
	const is_touched = useRef(false);
	const steps = steps_of(trees);
	const is_review = steps[at].key === 'review';
	/* They take a moment to find in a large tree, so they are found only where they are shown. */
	const lines = useMemo(() => is_review || error !== null ? lines_of(draft, trees.index) : [], [draft, is_review, error === null]);
	const grants = lines.map((line) => line.text);
	const text = (value) => value.trim() === '' ? undefined : value.trim();
	const is_new = id === undefined;
	const params = is_new ? { name: draft.name.trim(), description: text(draft.description), inherits: draft.inherits.length > 0 ? draft.inherits : undefined, grants: grants.length > 0 ? grants : undefined }
		: { name: id, description: text(draft.description) ?? null, inherits: draft.inherits.length > 0 ? draft.inherits : null, grants: grants.length > 0 ? grants : null };
	const set = (next) => {
		is_touched.current = true;
		set_draft(next);
		set_error(null);
	};
	const go_to = (step) => {
		set_at(step);
		requestAnimationFrame(() => head.current?.focus());
	};
	/* The step in which a line that is kept as text can be changed. */
	const go_to_line = (line) => {
		const kept = draft.kept.find((one) => one.id === line.kept);
		const tree = kept.tree ?? trees_of(kept, trees.index)[0];
		const step = steps.findIndex((one) => one.tree !== undefined && one.tree === tree);

		go_to(step >= 0 ? step : steps.length - 2);
	};
	const send = async (extra) => {
		const result = await ask(is_new ? 'roles.create' : 'roles.update', { ...params, ...extra });

		set_error(null);
		return result;
	};
	const save = async () => {
		if (!is_new && JSON.stringify(await ask('roles.get', { name: id })) !== JSON.stringify(record)) {
			throw Object.assign(new Error('somebody else has changed this role since this page was opened'), { code: 'conflict' });
		}
		await send({});
		is_touched.current = false;
		say(is_new ? `The role ${params.name} is made. Assign it on the page of a person or a service.` : `The role ${id} is changed: it counts from now on.`);
		changed();
		go('roles', params.name);
	};

	useEffect(() => {
		const unload = (event) => is_touched.current && event.preventDefault();
		const let_go = keep_page(() => is_touched.current, (leave) => confirm({ title: 'Leave without saving?', about: 'What you have changed in this role is lost.', action: 'Leave',
			doing: () => {
				is_touched.current = false;
				leave();
			} }));

		addEventListener('beforeunload', unload);
		return () => {
			removeEventListener('beforeunload', unload);
			let_go();
		};
	}, []);
	const step = steps[at];
	const wrong = (name) => error !== null && (error.param || '').split('[')[0] === name ? error.message : undefined;
	const fails = (problem) => {
		set_error(problem);
		const where = step_of_error(problem, steps);

		if (where >= 0) {
			go_to(where);
		}
	};

	return html`
		<${Steps} steps=${steps} at=${at} go_to=${go_to} draft=${draft} />
		${newer > 0 && html`<div class="box warn">Since this role was written the policy has got ${newer === 1 ? 'one permission' : `${newer} permissions`} more that its patterns name. They are drawn as allowed here, and the role gets them when it is saved.</div>`}
		<section class="card step" aria-label=${step.title}>
			<header><h2 tabIndex="-1" ref=${head}>${step.title}</h2><span class="dim">${step.tree && html`<code>${step.tree}</code>, `}step ${at + 1} of ${steps.length}</span></header>
			${step.key === 'about' && html`<${About} draft=${draft} set=${set} is_new=${is_new} by_name=${by_name} wrong=${wrong} />`}
			${step.tree && html`<${TreeStep} key=${step.key} tree=${step.tree} trees=${trees} draft=${draft} set=${set} by_name=${by_name} error=${error} lines=${lines}
				is_last=${steps[at + 1]?.key === 'review'} />`}
			${step.key === 'review' && html`<${Review} key=${JSON.stringify(params)} name=${params.name} is_new=${is_new} lines=${lines} check=${() => send({ dry_run: true })} save=${save} fails=${fails} error=${error}
				was=${record} go_to_line=${go_to_line} />`}
		</section>
		<div class="row nav">
			<button type="button" disabled=${at === 0} onClick=${() => go_to(at - 1)}>Back</button>
			${at < steps.length - 1 && html`<button type="button" class="primary" onClick=${() => go_to(at + 1)}>Next</button>`}
			${at < steps.length - 2 && html`<button type="button" class="quiet" onClick=${() => go_to(steps.length - 1)}>To the review</button>`}
			<a class="right" href=${is_new ? href('roles') : href('roles', id)}>Leave without saving</a>
		</div>`;
}

export function RoleEditor({ id, query }) {
	use_tenant(query);
	const of = useLoad(() => load(id, query.from), []);
	const back = id === undefined ? { href: href('roles'), text: 'Roles' } : { href: href('roles', id), text: id };
	const record = of.data?.record;

	return html`<${Head} title=${id === undefined ? 'New role' : `Edit ${id}`} back=${back} about=${id === undefined && query.from ? `Begins with the grants of ${query.from}.` : undefined} />
		<${Loaded} of=${{ ...of, data: of.data }}>${(data) => id !== undefined && (record.declared || record.shadowed || record.status === 'altered')
			? html`<${Empty} title=${record.declared ? 'The policy’s files declare this role' : 'This role cannot be changed'}><p>${record.declared ? 'Change it there.' : 'Make it again under another name, then delete it.'}</p><//>`
			: html`<${Editor} id=${id} data=${data} />`}<//>`;
}
