/* SPDX-License-Identifier: Apache-2.0 */
/* key_cards: what a key is, and its secrets. */
import { html } from 'htm/preact';
import { may } from '../lib/api.js';
import { holder, other_secret } from '../lib/keys.js';
import { secrets_of } from '../lib/overlap.js';
import { href } from '../lib/route.js';
import { duration, now } from '../lib/time.js';
import { Card, Chips, Facts, Time } from '../parts/bits.js';
import { open_dialog } from '../parts/dialog.js';
import { Overlap } from '../parts/overlap.js';
import { Actor } from '../parts/record.js';
import { ask_finish, ask_rollback, KeyProlong } from './key_rotate.js';

function Names({ items, page }) {
	return html`<span class="chips">${items.map((one) => html`<a class="chip" key=${one} href=${href(page, one)}>${one}</a>`)}</span>`;
}

export function FactsCard({ record }) {
	const bound = holder(record);
	const waits = record.not_before !== undefined && record.not_before > now();

	return html`<${Card} title="About"><${Facts} rows=${[
		[{ principal: 'Principal', roles: 'Roles', scopes: 'Scopes' }[bound.kind],
			bound.kind === 'principal' ? html`<a href=${href('people', record.principal)}>${record.principal}</a>`
			: bound.kind === 'roles' ? html`<${Names} items=${bound.names} page="roles" />` : html`<${Chips} items=${bound.names} most=${50} />`],
		['Only these scopes', bound.kind !== 'scopes' && record.scopes && html`<${Chips} items=${record.scopes} most=${50} />`],
		['Only at', record.at && html`<${Chips} items=${record.at} most=${50} />`],
		['Networks', record.networks ? html`<${Chips} items=${record.networks} most=${50} />` : html`<span class="dim">from everywhere</span>`],
		['Label', record.label],
		['Environment', record.environment],
		['Tenant', record.tenant !== 'default' && record.tenant],
		['Not before', waits && html`<${Time} at=${record.not_before} />`],
		['Expires', html`<${Time} at=${record.expires_at} none="never" />`],
		['Created', html`<${Time} at=${record.created_at} /> by <${Actor} actor=${record.created_by || 'unknown'} />`],
		['Deleted', record.deleted_at && html`<${Time} at=${record.deleted_at} />`],
		['Imported', record.imported && 'from another system; its token becomes one of authzd with the first rotation'],
	]} /><//>`;
}

export function SecretCard({ record }) {
	const other = other_secret(record);
	const path = `/keys/${record.id}`;
	const can = may('rotate', path) && record.deleted_at === undefined && record.status !== 'revoked';

	return html`<${Card} title="Secret" aside=${html`<span class="dim">number ${record.generation}, made <${Time} at=${record.rotated_at ?? record.created_at} /></span>`}>
		<div class="stack">
			<${Overlap} secrets=${secrets_of(record, now())} label="The secrets of the key over time" />
			<${Facts} rows=${[
				['Schedule', record.rotate_every === undefined ? html`<span class="dim">none</span>` : `every ${duration(record.rotate_every)}`],
				['Next rotation', record.next_rotation_at !== undefined && html`<${Time} at=${record.next_rotation_at} />`],
				['Ends without it', record.renew_by !== undefined && html`<${Time} at=${record.renew_by} />`],
			]} />
			${can && other && html`<div class="row">
				${other.state === 'retiring' && html`<button type="button" onClick=${() => ask_finish(record)}>End the old one …</button>
					<button type="button" onClick=${() => open_dialog(KeyProlong, { record })}>Give it more time …</button>
					<button type="button" onClick=${() => ask_rollback(record)}>Back to the old one …</button>`}
				${other.state === 'pending' && html`<button type="button" onClick=${() => ask_rollback(record)}>Drop the new one …</button>`}
			</div>`}
		</div><//>`;
}
