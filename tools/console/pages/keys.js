/* SPDX-License-Identifier: Apache-2.0 */
/* keys: all keys, to search, filter, sort and select many. */
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { call, list, may } from '../lib/api.js';
import { changed, useLoad } from '../lib/load.js';
import { go, set_query } from '../lib/route.js';
import { count, matches } from '../lib/text.js';
import { Chips, Head, Loaded, Status, Time } from '../parts/bits.js';
import { Search, Switch } from '../parts/form.js';
import { Table } from '../parts/table.js';
import { say, say_error } from '../parts/toast.js';

async function turn(key, on) {
	try {
		await call(on ? 'keys.enable' : 'keys.disable', { id: key.id });
		say(on ? `Key ${key.id} is on.` : `Key ${key.id} is off: requests with it are denied from now on.`);
	} catch (error) {
		say_error(error);
	}
	changed();
}

const COLUMNS = [
	{ key: 'name', title: 'Key', min: 170, grow: 3, weight: 9, value: (key) => key.name || key.id,
		cell: (key) => html`<a href=${`#/keys/${key.id}`}>${key.name || html`<span class="dim">no name</span>`}</a>` },
	{ key: 'id', title: 'Token', min: 190, grow: 1, weight: 5, value: (key) => key.id, cell: (key) => html`<code>${key.prefix}${key.id}…</code>` },
	{ key: 'on', title: 'On', min: 64, weight: 7, cell: (key) => html`<${Switch} label=${`Key ${key.id} is on`} value=${key.status === 'active'}
		disabled=${!['active', 'inactive'].includes(key.status) || !may(key.status === 'active' ? 'disable' : 'enable', `/keys/${key.id}`)} set=${(on) => turn(key, on)} />` },
	{ key: 'status', title: 'Status', min: 100, weight: 8, value: (key) => key.status, cell: (key) => html`<${Status} status=${key.status} />` },
	{ key: 'holder', title: 'Holder', min: 150, grow: 2, weight: 6, value: (key) => key.principal || (key.roles || key.scopes || []).join(),
		cell: (key) => key.principal ? html`<a href=${`#/people/${encodeURIComponent(key.principal)}`}>${key.principal}</a>` : html`<${Chips} items=${key.roles || key.scopes} most=${2} />` },
	{ key: 'last', title: 'Last use', min: 120, weight: 4, value: (key) => key.last_used_at, cell: (key) => html`<${Time} at=${key.last_used_at} none="never" />` },
	{ key: 'expires', title: 'Expires', min: 120, weight: 3, value: (key) => key.expires_at, cell: (key) => html`<${Time} at=${key.expires_at} none="never" />` },
];

export function KeysPage({ query }) {
	const [sort, set_sort] = useState({ key: 'name', down: false });
	const [selected, select] = useState(new Set());
	const keys = useLoad(async (show) => (await list('keys.list', {}, (items) => show(items))).items);
	const search = query.search || '';
	const found = useMemo(() => (keys.data || []).filter((key) => matches(search, key.id, key.name, key.label, key.principal, key.status, ...(key.roles || []), ...(key.scopes || []))),
		[keys.data, search]);

	return html`<${Head} title="Keys" about="What the holder of a key may do is asked of the daemon for each request." />
		<${Loaded} of=${keys}>${(all) => html`
			<div class="bar"><${Search} label="Search keys" value=${search} set=${(text) => set_query({ search: text })} />
				<span class="dim right">${found.length === all.length ? count(all.length, 'key') : `${count(found.length, 'key')} of ${all.length}`}</span></div>
			<${Table} columns=${COLUMNS} rows=${found} id=${(key) => key.id} open=${(key) => go('keys', key.id)} label="Keys" sort=${sort} set_sort=${set_sort}
				selected=${selected} select=${select} busy=${keys.loading} empty="No key is found." />`}<//>`;
}
