/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor: creates or changes a role of the store, in steps: its name, its trees, and what the change comes to. */
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { changed, useLoad } from '../lib/load.js';
import { begin, lines_of } from '../lib/role_draft.js';
import { all_roles } from '../lib/roles.js';
import { go, href, keep_page } from '../lib/route.js';
import { ask, use_tenant } from '../lib/tenant_calls.js';
import { load_trees } from '../lib/trees.js';
import { Empty, Head, Loaded } from '../parts/bits.js';
import { confirm } from '../parts/dialog.js';
import { say } from '../parts/toast.js';
import { About } from './role_editor_about.js';
import { Review } from './role_editor_review.js';
import { Between, step_of_error, step_of_line, Steps, steps_of } from './role_editor_steps.js';
import { TreeStep } from './role_editor_tree.js';

/* The record with its patterns as the present policy has them, the trees and all roles. */
async function load(id, from) {
	const name = id ?? from;
	const [trees, by_name, record] = await Promise.all([load_trees(), all_roles(), name === undefined ? {} : ask('roles.get', { name })]);
	const now = id === undefined || record.declared ? undefined : await ask('roles.update', { name: id, grants: record.grants || [], dry_run: true }).catch(() => undefined);

	return { trees, by_name, record, newer: now?.gains_total || 0 };
}

/* Asks before the page is left with changes that were not saved. */
function useLeave(is_touched) {
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
}

/* The parameters of the call that writes the draft: of a role that is there, null removes a field. */
function params_of(id, draft, grants) {
	const none = id === undefined ? undefined : null;
	const text = draft.description.trim();

	return { name: id ?? draft.name.trim(), description: text === '' ? none : text, inherits: draft.inherits.length > 0 ? draft.inherits : none, grants: grants.length > 0 ? grants : none };
}

/* Calls of the daemon: {send(extra), save()}. is_touched is false once the role is saved. */
function calls_of({ id, record, params, is_touched, set_error }) {
	const is_new = id === undefined;
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
		say(is_new ? `The role ${params.name} is created. Assign it on the page of a person or a service.` : `The role ${id} is changed: it counts from now on.`);
		changed();
		go('roles', params.name);
	};

	return { send, save };
}

/* Where the editor is, and what the daemon refused: {step, at, go_to(number), head: of the step's title, error, set_error, fails(error)}. */
function useStep(steps) {
	const [at, set_at] = useState(0);
	const [error, set_error] = useState(null);
	const head = useRef(null);
	const go_to = (number) => {
		set_at(number);
		requestAnimationFrame(() => head.current?.focus());
	};
	const fails = (problem) => {
		set_error(problem);
		const where = step_of_error(problem, steps);

		if (where >= 0) {
			go_to(where);
		}
	};

	return { step: steps[at], at, go_to, head, error, set_error, fails };
}

function Newer({ number }) {
	return number > 0 && html`<div class="box warn">Since this role was saved the policy has gained ${number === 1 ? 'one permission' : `${number} permissions`} that its patterns name. Here they are drawn as allowed; saving adds them to the role.</div>`;
}

function Editor({ id, data }) {
	const { trees, by_name, record, newer } = data;
	const is_new = id === undefined;
	const [draft, set_draft] = useState(() => begin(is_new ? { ...record, name: '' } : record, trees.index));
	const is_touched = useRef(false);
	const steps = steps_of(trees);
	const { step, at, go_to, head, error, set_error, fails } = useStep(steps);
	const is_review = step.key === 'review';
	/* They take a moment to find in a large tree, so they are found only where they are shown. */
	const lines = useMemo(() => is_review || error !== null ? lines_of(draft, trees.index) : [], [draft, is_review, error === null]);
	const params = params_of(id, draft, lines.map((line) => line.text));
	const { send, save } = calls_of({ id, record, params, is_touched, set_error });
	const set = (next) => {
		is_touched.current = true;
		set_draft(next);
		set_error(null);
	};
	const wrong = (name) => error !== null && (error.param || '').split('[')[0] === name ? error.message : undefined;

	useLeave(is_touched);
	return html`
		<${Steps} steps=${steps} at=${at} go_to=${go_to} draft=${draft} />
		<${Newer} number=${newer} />
		<section class="card step" aria-label=${step.title}>
			<header><h2 tabIndex="-1" ref=${head}>${step.title}</h2><span class="dim">${step.tree && html`<code>${step.tree}</code>, `}step ${at + 1} of ${steps.length}</span></header>
			${step.key === 'about' && html`<${About} draft=${draft} set=${set} is_new=${is_new} by_name=${by_name} wrong=${wrong} />`}
			${step.tree && html`<${TreeStep} key=${step.key} tree=${step.tree} trees=${trees} draft=${draft} set=${set} by_name=${by_name} error=${error} lines=${lines}
				is_last=${steps[at + 1]?.key === 'review'} />`}
			${is_review && html`<${Review} key=${JSON.stringify(params)} name=${params.name} is_new=${is_new} lines=${lines} check=${() => send({ dry_run: true })} save=${save} fails=${fails} error=${error}
				was=${record} go_to_line=${(line) => go_to(step_of_line(line, draft, steps, trees.index))} />`}
		</section>
		<${Between} steps=${steps} at=${at} go_to=${go_to} id=${id} />`;
}

export function RoleEditor({ id, query }) {
	use_tenant(query);
	const of = useLoad(() => load(id, query.from), []);
	const back = id === undefined ? { href: href('roles'), text: 'Roles' } : { href: href('roles', id), text: id };
	const record = of.data?.record;

	return html`<${Head} title=${id === undefined ? 'New role' : `Edit ${id}`} back=${back} about=${id === undefined && query.from ? `Begins with the grants of ${query.from}.` : undefined} />
		<${Loaded} of=${{ ...of, data: of.data }}>${(data) => id !== undefined && (record.declared || record.shadowed || record.status === 'altered')
			? html`<${Empty} title=${record.declared ? 'The policy’s files declare this role' : 'This role cannot be changed'}><p>${record.declared ? 'Change it there.' : 'Create it again under another name, then delete it.'}</p><//>`
			: html`<${Editor} id=${id} data=${data} />`}<//>`;
}
