/* SPDX-License-Identifier: Apache-2.0 */
/* trail_of: the latest changes of one record, looked for among the newest of the trail. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { may } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { ask } from '../lib/tenant_calls.js';
import { Card, Loaded } from './bits.js';
import { Records } from './record.js';

const PAGE = 1000;
const PAGES = 3;  /* pages of the trail that are looked through at first */
const SHOWN = 10; /* records, before more are asked for */

async function find(kind, target, pages) {
	let items = [], cursor, looked = 0;

	do {
		const page = await ask('audit.list', { newest_first: true, limit: PAGE, cursor });

		items = items.concat(page.items.filter((record) => record.kind === kind && record.target === target));
		looked += page.items.length;
		cursor = page.cursor;
	} while (cursor !== undefined && --pages > 0);
	return { items, looked, more: cursor !== undefined };
}

export function Trail({ kind, target }) {
	const [pages, set_pages] = useState(PAGES);
	const [shown, set_shown] = useState(SHOWN);
	const of = useLoad(() => may('read', '/audit') ? find(kind, target, pages) : null, [kind, target, pages]);

	if (!may('read', '/audit')) {
		return null;
	}
	return html`<${Card} title="Trail"><${Loaded} of=${of}>${({ items, looked, more }) => html`
		<${Records} items=${items.slice(0, shown)} empty=${more ? `Nothing is among the latest ${looked.toLocaleString('en')} records.` : 'Nothing is recorded.'} />
		<div class="row">${items.length > shown && html`<button type="button" onClick=${() => set_shown(shown * 5)}>Show more</button>`}
			${more && html`<button type="button" onClick=${() => set_pages(pages * 4)}>Look further back</button>`}</div>`}<//><//>`;
}
