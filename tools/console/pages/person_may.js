/* SPDX-License-Identifier: Apache-2.0 */
/* person_may: what a principal may do, as a tree. */
import { html } from 'htm/preact';
import { useLoad } from '../lib/load.js';
import { ask_list } from '../lib/tenant_calls.js';
import { count } from '../lib/text.js';
import { Allowed } from '../parts/allowed.js';
import { Card, Loaded } from '../parts/bits.js';
import { useOneTree } from '../parts/one_tree.js';

const MOST = 20000; /* items that are drawn */

export function PersonMay({ one }) {
	const of = useLoad(() => ask_list('principals.permissions', { id: one.id }, () => true, MOST), [one.id]);
	const { tree, shown, pick } = useOneTree(of.data?.items);

	return html`<${Card} title="Permissions" aside=${html`<span class="dim">by all roles, in any environment</span>`}>
		<${Loaded} of=${of}>${({ items, more }) => items.length === 0 ? html`<p class="dim">${one.status === 'active' ? 'None: no role here allows anything.' : 'None while switched off.'}</p>`
			: html`${more && html`<p class="dim">Only the first ${count(items.length, 'item')} are drawn.</p>`}
				<${Allowed} key=${tree} items=${shown} label=${`What ${one.id} may do`} tools=${pick} />`}<//><//>`;
}
