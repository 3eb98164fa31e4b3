/* SPDX-License-Identifier: Apache-2.0 */
/* person: one principal: what it is, what it holds, what it may do, its keys and its trail. */
import { html } from 'htm/preact';
import { may } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { can_turn } from '../lib/status.js';
import { ask, use_tenant } from '../lib/tenant_calls.js';
import { Badge, Card, DeclaredBy, Empty, ErrorBox, Facts, Head, Loaded, Status, Time } from '../parts/bits.js';
import { open_dialog } from '../parts/dialog.js';
import { Actor } from '../parts/record.js';
import { Trail } from '../parts/trail_of.js';
import { Assignments } from './assignments.js';
import { PersonSwitch, remove } from './person_acts.js';
import { PersonEdit } from './person_edit.js';
import { PersonKeys } from './person_keys.js';
import { PersonMay } from './person_may.js';

const BACK = { href: '#/people', text: 'People and services' };

function Attributes({ one }) {
	const rows = Object.entries(one.attributes || {});

	return rows.length > 0 && html`<ul class="attributes">${rows.map(([name, text]) => html`<li key=${name}><code>${name}</code> <span>${text === '' ? html`<span class="dim">empty</span>` : text}</span>
		${one.dangling?.includes(name) && html`<span class="wrong">not of the type that the policy declares: unknown to conditions</span>`}</li>`)}</ul>`;
}

function Buttons({ one }) {
	if (one.declared) {
		return null;
	}
	const node = `/principals/${one.id}`;

	return html`
		${can_turn(one) && html`<${PersonSwitch} one=${one} />`}
		${one.status !== 'altered' && may('update', node) && html`<button type="button" onClick=${() => open_dialog(PersonEdit, { one })}>Edit …</button>`}
		${may('delete', node) && html`<button type="button" class="risky" onClick=${() => remove(one)}>Delete …</button>`}`;
}

function Shared() {
	const all = useLoad(() => ask('assignments.list', { everyone: true, limit: 64 }));
	const anyone = useLoad(() => ask('assignments.list', { anyone: true, limit: 64 }));

	return html`${all.data?.items.length > 0 && html`<h3>As every principal</h3><${Assignments} holder=${{ everyone: true }} is_fixed=${true} />`}
		${anyone.data?.items.length > 0 && html`<h3>As every caller</h3><${Assignments} holder=${{ anyone: true }} is_fixed=${true} />`}`;
}

export function PersonPage({ id, query }) {
	use_tenant(query);
	const person = useLoad(() => ask('principals.get', { id }), [id]);

	if (person.error?.code === 'not_found') {
		return html`<${Head} title=${id} back=${BACK} /><${Empty} title="There is no such person or service"><p>The record may have been deleted. The trail stays.</p><//><${Trail} kind="principal" target=${id} />`;
	}
	return html`<${Head} title=${person.data?.name || id} back=${BACK} about=${person.data?.name ? html`<code>${id}</code>` : undefined}>
			${person.data && html`<${Buttons} one=${person.data} />`}<//>
		<${Loaded} of=${person}>${(one) => html`<div class="stack">
			${one.status === 'altered' && html`<div class="box bad"><strong>The record was altered outside of the daemon.</strong><p>No request in this name is allowed. Delete the record, which revokes the keys, and create it again.</p></div>`}
			<div class="columns two">
				<${Card} title="About"><${Facts} rows=${[
					['Status', (one.declared || !can_turn(one)) && html`<${Status} status=${one.status} />`],
					['Kind', one.kind === 'service' ? 'a service' : one.kind && 'a person'],
					['Keys', one.api_access === false ? html`<${Badge} tone="warn">may hold none<//>` : 'may hold keys'],
					['Attributes', html`<${Attributes} one=${one} />`],
					['Declared by', one.declared && html`<${DeclaredBy} of=${one} /> <span class="dim">change it there</span>`],
					['Tenant', one.tenant !== 'default' && one.tenant],
					['Created', one.created_at && html`<${Time} at=${one.created_at} />${one.created_by && html` by <${Actor} actor=${one.created_by} />`}`],
				].map(([term, value]) => [term, term === 'Attributes' && Object.keys(one.attributes || {}).length === 0 ? undefined : value])} /><//>
				<${Card} title="Roles"><${Assignments} holder=${{ principal: id }} />${may('list', '/assignments') && html`<${Shared} />`}<//>
			</div>
			<${PersonKeys} one=${one} />
			<${PersonMay} one=${one} />
			<${Trail} kind="principal" target=${id} />
		</div>`}<//>
		${person.error && person.data !== undefined && html`<${ErrorBox} error=${person.error} />`}`;
}
