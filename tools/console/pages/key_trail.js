/* SPDX-License-Identifier: Apache-2.0 */
/* key_trail: what was done with a key, newest first: who, and what became of what. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { call } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { Card, ErrorBox } from '../parts/bits.js';
import { Records } from '../parts/record.js';

const FIRST = 20;

export function TrailCard({ id }) {
	const [limit, set_limit] = useState(FIRST);
	const trail = useLoad(async () => {
		let items = [], cursor;

		do {
			const page = await call('audit.list', { key: id, newest_first: true, limit, cursor });
			items = items.concat(page.items);
			cursor = page.cursor;
		} while (cursor !== undefined && items.length < limit);
		return { items: items.slice(0, limit), more: cursor !== undefined || items.length > limit };
	}, [id, limit]);

	return html`<${Card} title="Trail" wide>
		<${ErrorBox} error=${trail.error} retry=${trail.reload} />
		${trail.data && html`<${Records} items=${trail.data.items} empty="Nothing is in the trail about it." />`}
		${trail.data?.more && html`<button type="button" class="quiet" onClick=${() => set_limit(limit * 5)}>Show more</button>`}<//>`;
}
