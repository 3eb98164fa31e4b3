/* SPDX-License-Identifier: Apache-2.0 */
/* keys_columns: the columns of the list of keys. */
import { html } from 'htm/preact';
import { holder, is_dangling, mark_of, narrowed_by, other_secret } from '../lib/keys.js';
import { href } from '../lib/route.js';
import { now } from '../lib/time.js';
import { Badge, Chips, Time } from '../parts/bits.js';
import { KeySwitch } from './key_turn.js';

function Holder({ of, tab }) {
	const bound = holder(of);
	const narrow = narrowed_by(of);
	const only = narrow.length > 0 && `only ${narrow.join(', ')}`;

	return bound.kind === 'principal'
		? html`<a href=${href('people', of.principal)} tabIndex=${tab}>${of.principal}</a>${only && html`<small class="under dim" title=${narrow.join('\n')}>${only}</small>`}`
		: html`<${Chips} items=${bound.names} most=${1} page=${bound.kind === 'roles' ? 'roles' : undefined} tab=${tab} />
			<small class="under dim" title=${narrow.join('\n')}>${bound.kind === 'roles' ? 'role' : 'scope'}${only && `, ${only}`}</small>`;
}

/* What the key is bound to, in few words. */
function briefly_held(key) {
	const { kind, names } = holder(key);
	const others = names.length > 1 ? ` +${names.length - 1}` : '';

	return kind === 'principal' ? names[0] : `${kind === 'roles' ? 'role' : 'scope'} ${names[0] ?? '—'}${others}`;
}

function Rotation({ of }) {
	const other = other_secret(of);

	if (other) {
		return html`<${Badge} tone="info">${other.state === 'retiring' ? 'rotating' : 'pending'}<//>`;
	}
	if (of.next_rotation_at !== undefined && of.next_rotation_at <= now()) {
		return html`<${Badge} tone=${of.renew_by <= now() ? 'bad' : 'warn'}>${of.renew_by <= now() ? 'overdue' : 'due'}<//>`;
	}
	return html`<${Time} at=${of.next_rotation_at} none="—" />`;
}

function Ends({ of }) {
	const is_near = of.status === 'active' && of.expires_at !== undefined && of.expires_at - now() < 14 * 86400;

	return html`<span class=${is_near ? 'near' : ''}><${Time} at=${of.expires_at} none="never" /></span>`;
}

/* turn(key, on): the switch was used. apart: 'deleted', if the list has deleted keys. tenants: are the keys of several tenants shown? */
export function columns({ turn, apart, tenants, environments }) {
	return [
		{ key: 'name', title: 'Key', min: 160, grow: 5, weight: 20, value: (key) => key.name || key.id,
			cell: (key, tab) => html`<a href=${href('keys', key.id)} tabIndex=${tab} title=${key.name}>${key.name || 'no name'}</a>
				${is_dangling(key) && html` <span class="mark warn" title="It names what is missing from the policy" aria-label="It names what is missing from the policy">!</span>`}
				<small class="under"><code>${key.prefix}${key.id}…</code></small>` },
		{ key: 'label', title: 'Label', min: 90, grow: 1, weight: 8, value: (key) => key.label, cell: (key) => key.label ? html`<span title=${key.label}>${key.label}</span>` : html`<span class="dim">—</span>` },
		{ key: 'holder', title: 'Holder', min: 136, grow: 2, weight: 16, value: (key) => holder(key).names.join(), brief: (key) => briefly_held(key), cell: (key, tab) => html`<${Holder} of=${key} tab=${tab} />` },
		tenants && { key: 'tenant', title: 'Tenant', min: 90, grow: 1, weight: 15, value: (key) => key.tenant, cell: (key) => key.tenant },
		{ key: 'environment', title: 'Env.', min: 56, weight: environments > 1 ? 5 : 1, value: (key) => key.environment, cell: (key) => key.environment },
		{ key: 'status', title: 'Status', min: 106, weight: 18, value: (key) => key.status, cell: (key, tab) => html`<${KeySwitch} of=${key} turn=${turn} tab=${tab} />${mark_of(key) && html`<small class="under" title="On this host alone, until the shared store’s database has it"><span class="wrong">${mark_of(key)}</span></small>`}` },
		apart === 'deleted' && { key: 'deleted', title: 'Deleted', min: 132, weight: 17, value: (key) => key.deleted_at, cell: (key) => html`<${Time} at=${key.deleted_at} />` },
		{ key: 'last', title: 'Last use', min: 138, weight: 14, value: (key) => key.last_used_at, brief: (key) => key.last_used_at === undefined ? 'never used' : html`used <${Time} at=${key.last_used_at} />`, cell: (key) => html`<${Time} at=${key.last_used_at} none="never" />` },
		{ key: 'expires', title: 'Expires', min: 126, weight: 12, value: (key) => key.expires_at, brief: (key) => key.expires_at !== undefined && html`ends <${Ends} of=${key} />`, cell: (key) => html`<${Ends} of=${key} />` },
		{ key: 'rotation', title: 'Rotation', min: 126, weight: 10, value: (key) => other_secret(key)?.until ?? key.next_rotation_at, cell: (key) => html`<${Rotation} of=${key} />` },
		{ key: 'uses', title: 'Uses', min: 80, weight: 3, end: true, value: (key) => key.uses, cell: (key) => (key.uses ?? 0).toLocaleString('en') },
		{ key: 'created', title: 'Created', min: 128, weight: 2, value: (key) => key.created_at, cell: (key) => html`<${Time} at=${key.created_at} />` },
	].filter(Boolean);
}
