/* SPDX-License-Identifier: Apache-2.0 */
/* allowed: what is allowed, gained or lost, as the daemon lists it, drawn as a tree. */
import { html } from 'htm/preact';
import { useMemo } from 'preact/hooks';
import { nest, walk } from '../lib/nodes.js';
import { Chip } from './bits.js';
import { Legend, SIGNS } from './legend.js';
import { Tree } from './tree.js';

function items_of(node) {
	return node.item ? [{ ...node.item, also: undefined }, ...(node.item.also || [])] : [];
}

/* How many actions stand below a node. */
function actions_below(node) {
	return [...walk(node.children)].flatMap(items_of).reduce((sum, item) => sum + item.actions.length, 0);
}

/* Under which condition: now, before (`was`) or still. */
function When({ item }) {
	return html`${item.when && html`<${Chip} tone="info" title="Only when this is true">when ${item.when}<//>`}
		${item.was && html`<${Chip} title="The condition before">before: when ${item.was}<//>`}
		${item.still && html`<${Chip} tone="info" title="It stays allowed when this is true">still when ${item.still}<//>`}`;
}

/* items: [{resource, actions, when, was, still}]; tone: of the chips; mark: what stands before each action, if not whether it is always allowed. */
export function Allowed({ items, label, tone = 'good', mark = '', tools }) {
	const nodes = useMemo(() => nest(items), [items]);
	const row = (node, is_here, is_open) => html`${items_of(node).map((item, i) => html`<span class="together" key=${i}>
		${item.actions.map((action) => html`<${Chip} key=${action} tone=${item.when && tone === 'good' ? 'info' : tone}>${mark || `${SIGNS[item.when ? 'sometimes' : 'allowed'].sign} `}${action}<//>`)}
		${item.actions.length === 0 && html`<span class="dim">nothing here</span>`}<${When} item=${item} /></span>`)}${!is_open && html`<span class="dim">${actions_below(node).toLocaleString('en')} below</span>`}`;

	return html`${mark === '' && html`<${Legend} kinds=${new Set(items.map((item) => item.when ? 'sometimes' : 'allowed'))} />`}<${Tree} nodes=${nodes} row=${row} label=${label} tools=${tools}
		words=${(node) => items_of(node).map((item) => `${item.actions.join(' ')} ${item.when ? `when ${item.when}` : ''}`).join(', ')} />`;
}
