/* SPDX-License-Identifier: Apache-2.0 */
/* trail_of: what was done with one record, newest first: who, and what became of what. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { is_peer, may } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { ask } from '../lib/tenant_calls.js';
import { tenant_param } from '../lib/tenant.js';
import { Card, Loaded } from './bits.js';
import { Records } from './record.js';

const FIRST = 20; /* records, before more are asked for */

/* A peer of the daemon's socket would see what is called the same in other tenants, too. */
async function find(kind, target, limit) {
	const tenant = kind === 'key' ? undefined : tenant_param() ?? (is_peer() ? 'default' : undefined);
	let items = [], cursor;

	do {
		const page = await ask('audit.list', { kind, target, tenant, newest_first: true, limit, cursor });

		items = items.concat(page.items);
		cursor = page.cursor;
	} while (cursor !== undefined && items.length < limit);
	return { items: items.slice(0, limit), more: cursor !== undefined || items.length > limit };
}

/* kind: as records of the trail have it. */
export function Trail({ kind, target, wide }) {
	const [limit, set_limit] = useState(FIRST);
	const of = useLoad(() => may('read', '/audit') ? find(kind, target, limit) : null, [kind, target, limit]);

	return may('read', '/audit') && html`<${Card} title="Trail" wide=${wide}><${Loaded} of=${of}>${({ items, more }) => html`
		<${Records} items=${items} />
		${more && html`<div class="row"><button type="button" class="quiet" onClick=${() => set_limit(limit * 5)}>Show more</button></div>`}`}<//><//>`;
}
