/* SPDX-License-Identifier: Apache-2.0 */
/* policy_now: the revision that decides, what is missing from the policy, and the last attempts to read the folder. */
import { html } from 'htm/preact';
import { call, session } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { href } from '../lib/route.js';
import { count } from '../lib/text.js';
import { Badge, Card, Facts, Loaded, Time } from '../parts/bits.js';
import { Attempts } from './policy_attempts.js';

/* Something that names what is missing from the policy: its words, and its page. */
function Dangling({ item }) {
	const kind = ['principal', 'key', 'role', 'everyone', 'anyone'].find((one) => item[one] !== undefined);
	const page = { principal: 'people', key: 'keys', role: 'roles' }[kind];
	const what = Object.entries(item).filter(([key]) => key !== kind).map(([key, value]) => `${key.replaceAll('_', ' ')} ${value}`).join(', ');

	return html`<li>${page ? html`<a href=${href(page, item[kind])}>${kind} ${item[kind]}</a>` : html`<strong>${kind}</strong>`} <span>${what}</span></li>`;
}

/* Does the folder say something else than the policy that decides? */
function Folder({ revision }) {
	const folder = useLoad(() => call('folder.status', { revision }), [revision]);

	return folder.data && (folder.data.readable === false ? html`<p class="dim">The folder cannot be read here: ${folder.data.problem}</p>`
		: folder.data.same ? html`<${Badge} tone="good">folder unchanged<//>` : html`<${Badge} tone="warn">folder changed since<//>`);
}

export function Now() {
	const status = useLoad(() => call('policy.status'));

	return html`<${Loaded} of=${status}>${(policy) => html`<div class="stack">
		${policy.last_good && html`<div class="box bad"><strong>The folder was broken when the daemon started, and still is.</strong>
			<p>The policy that decides was kept <${Time} at=${policy.last_good.kept_at} />. ${policy.last_good.why}</p></div>`}
		<div class="columns">
		<${Card} title="The policy that decides"><${Facts} rows=${[
			['Revision', html`<code>${policy.revision}</code> ${session.value.folder && html`<${Folder} revision=${policy.revision} />`}`],
			['Commit', policy.commit && html`<code>${policy.commit}</code>`],
			['Folder', html`<code>${policy.folder}</code>`],
			['Loaded', html`<${Time} at=${policy.loaded_at} />`],
			['Contents', `${count(policy.trees, 'tree')}, ${count(policy.nodes, 'node')}, ${count(policy.permissions, 'permission')}, ${count(policy.roles, 'role of the files', 'roles of the files')}, ${count(policy.scopes, 'scope')}, ${count(policy.tests, 'test')}`],
			['Since the start', policy.reloads + policy.refused > 0 && `${count(policy.reloads, 'other policy was', 'other policies were')} accepted, ${policy.refused.toLocaleString('en')} refused`],
		]} /><//>
		<${Card} title="Missing from the policy" aside=${html`<span class="count">${policy.dangling.total}</span>`}>
			${policy.dangling.total === 0 ? html`<p class="dim">Every role, scope and place that an assignment or a key names is in the policy.</p>`
			: html`<ul class="lines">${policy.dangling.items.map((item, i) => html`<${Dangling} key=${i} item=${item} />`)}
				${policy.dangling.total > policy.dangling.items.length && html`<li class="dim">and ${count(policy.dangling.total - policy.dangling.items.length, 'other')}</li>`}</ul>`}
		<//>
		</div>
		<${Attempts} policy=${policy} />
	</div>`}<//>`;
}
