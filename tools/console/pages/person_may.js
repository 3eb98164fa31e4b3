/* SPDX-License-Identifier: Apache-2.0 */
/* person_may: what a principal may do, as a tree. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { useLoad } from '../lib/load.js';
import { tree_of } from '../lib/permissions.js';
import { ask_list } from '../lib/tenant_calls.js';
import { count } from '../lib/text.js';
import { Allowed } from '../parts/allowed.js';
import { Card, Loaded } from '../parts/bits.js';

const MOST = 20000; /* items that are drawn */

export function PersonMay({ one }) {
	const [tree, set_tree] = useState('');
	const of = useLoad(() => ask_list('principals.permissions', { id: one.id }, () => true, MOST), [one.id]);

	return html`<${Card} title="What it may do" aside=${html`<span class="dim">by its roles, in any environment</span>`}>
		<${Loaded} of=${of}>${({ items, more }) => {
			const trees = [...new Set(items.map((item) => tree_of(item.resource)))];
			const shown = tree === '' ? items : items.filter((item) => tree_of(item.resource) === tree);
			const pick = trees.length > 1 && html`<select aria-label="Tree" value=${tree} onChange=${(event) => set_tree(event.currentTarget.value)}>
				<option value="">all trees</option>${trees.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select>`;

			return items.length === 0 ? html`<p class="dim">${one.status === 'active' ? 'Nothing: no role that it holds allows anything.' : 'Nothing while it is off.'}</p>`
				: html`${more && html`<p class="dim">Only the first ${count(items.length, 'item')} are drawn.</p>`}
					<${Allowed} key=${tree} items=${shown} label=${`What ${one.id} may do`} tools=${pick} />`;
		}}<//><//>`;
}
