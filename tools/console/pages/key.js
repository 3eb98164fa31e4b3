/* SPDX-License-Identifier: Apache-2.0 */
/* key: one key: what it is, its secrets, its use, what was found about it, and its trail. */
import { html } from 'htm/preact';
import { call, list, may, session } from '../lib/api.js';
import { findings_of } from '../lib/findings.js';
import { dangling_names, mark_of } from '../lib/keys.js';
import { useLoad, useTick } from '../lib/load.js';
import { href } from '../lib/route.js';
import { can_turn } from '../lib/status.js';
import { Chips, Empty, Head, Loaded, Status } from '../parts/bits.js';
import { open_dialog } from '../parts/dialog.js';
import { Trail } from '../parts/trail_of.js';
import { KeyActions } from './key_actions.js';
import { FactsCard, SecretCard } from './key_cards.js';
import { KeyEdit } from './key_edit.js';
import { KeyRotate } from './key_rotate.js';
import { DenialsCard, PermissionsCard, UseCard } from './key_use.js';

const BACK = { href: '#/keys', text: 'Keys' };
const REFRESH_MS = 20000; /* between two looks at the use */

/* The record; a deleted key is only in the list of these. */
async function load_key(id) {
	try {
		return await call('keys.get', { id });
	} catch (error) {
		if (error.code !== 'not_found' || !may('list', '/keys')) {
			throw error;
		}
		let found;
		await list('keys.list', { status: 'deleted', tenant: session.value.caller.everything ? '*' : undefined }, (items) => {
			found = items.find((key) => key.id === id);
			return found === undefined;
		});
		if (found === undefined) {
			throw error;
		}
		return found;
	}
}

/* The item of keys.audit about the key; undefined where there is none, or the caller may not ask. */
async function load_audit(id) {
	if (!may('list', '/keys')) {
		return undefined;
	}
	return (await call('keys.audit', { key: id }).catch(() => ({ items: [] }))).items[0];
}

function Findings({ record, item }) {
	const act = { edit: () => open_dialog(KeyEdit, { record }), rotate: () => open_dialog(KeyRotate, { record }) };
	const found = findings_of(item);
	const rights = { edit: 'update', rotate: 'rotate' };

	if (found.length === 0) {
		return null;
	}
	return html`<ul class="notices" aria-label="What was found about it">${found.map((one) => html`<li key=${one.name} class="notice ${one.tone}">
		<p><strong>${one.title}.</strong> <span>${one.advice}</span></p>
		${act[one.act] && may(rights[one.act], `/keys/${record.id}`) && html`<button type="button" class="quiet" onClick=${act[one.act]}>${one.act === 'edit' ? one.name === 'unused_permissions' ? 'Narrow …' : 'Set an expiry …' : 'Rotate …'}</button>`}
	</li>`)}</ul>`;
}

function Dangling({ record }) {
	const names = dangling_names(record);

	return names.length > 0 && html`<div class="box warn" role="status"><strong>It names what is missing from the policy: <${Chips} items=${names} most=${20} /></strong>
		<p>These have no effect. Put them into the policy again, or create another key without them.</p></div>`;
}

/* It was refused on this host by authzcheck --local, while the database of the shared store was away, say. */
function Marked({ record }) {
	return mark_of(record) && html`<div class="box warn" role="status"><strong>It is ${mark_of(record)}, on this host alone.</strong>
		<p>Other hosts refuse it when the shared store’s database has the change, which this host appends as soon as it can. Until then, do the same on each host that matters.</p></div>`;
}

function Altered() {
	return html`<div class="box bad" role="alert"><strong>The record of this key was changed outside of the daemon.</strong>
		<p>It is refused everywhere. Revoke it, which puts a revoked key in its place, or purge it; then look at the trail with verify.</p></div>`;
}

function One({ record, item }) {
	if (record.status === 'altered') {
		return html`<div class="stack"><${Altered} /><${Trail} kind="key" target=${record.id} wide /></div>`;
	}
	return html`<div class="stack">
		<${Marked} record=${record} /><${Dangling} record=${record} />
		${record.deleted_at === undefined && html`<${Findings} record=${record} item=${item} />`}
		<div class="columns two">
			<${FactsCard} record=${record} /><${SecretCard} record=${record} />
			<${UseCard} record=${record} /><${DenialsCard} record=${record} />
			<${PermissionsCard} item=${item} />
			<${Trail} kind="key" target=${record.id} wide />
		</div>
	</div>`;
}

export function KeyPage({ id }) {
	const key = useLoad(async () => {
		const [record, item] = await Promise.all([load_key(id), load_audit(id)]);

		return { record, item };
	}, [id]);
	const record = key.data?.record;

	useTick(key.reload, REFRESH_MS);
	if (key.error?.code === 'not_found' && record === undefined) {
		return html`<${Head} title=${id} back=${BACK} /><${Empty} title="There is no such key"><p>It may have been purged. The trail stays.</p><//><${Trail} kind="key" target=${id} />`;
	}
	return html`<${Head} title=${record?.name || id} back=${BACK}
		about=${record && html`<code>${record.prefix}${id}…</code>${!can_turn(record) && html` <${Status} status=${record.deleted_at !== undefined ? 'deleted' : record.status} />`}`}>
			${record && html`<${KeyActions} record=${record}>
				${record.status !== 'altered' && record.deleted_at === undefined && may('list', '/principals') && may('list', '/roles') && html`<a class="button" href=${href('try', null, { as: 'key', id })}>Try a request</a>`}<//>`}
		<//>
		<${Loaded} of=${key}>${(data) => html`<${One} ...${data} />`}<//>`;
}
