/* SPDX-License-Identifier: Apache-2.0 */
/* policy_tree: the resource trees as they are declared, with the actions and methods of each node. */
import { html } from 'htm/preact';
import { useMemo } from 'preact/hooks';
import { list } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { nest } from '../lib/nodes.js';
import { href } from '../lib/route.js';
import { Card, Loaded } from '../parts/bits.js';
import { useOneTree } from '../parts/one_tree.js';
import { Tree } from '../parts/tree.js';

/* Who may do this: the page that asks it. */
function ask(resource, action) {
	return href('try', null, { as: 'nobody', ask: 'action', action, resource });
}

function Actions({ node }) {
	return html`${(node.item?.actions || []).map((one) => html`<a key=${one.action} class="chip" href=${ask(node.resource, one.action)}
		title=${`Who may ${one.action} here?`}>${one.action}${(one.methods || []).length > 0 && html` <small class="dim">${one.methods.join(' ')}</small>`}</a>`)}
		${node.item?.description && html`<span class="dim">${node.item.description}</span>`}`;
}

function words(node) {
	return (node.item?.actions || []).map((one) => `${one.action} ${(one.methods || []).join(' ')}`).join(' ') + (node.item?.description || '');
}

export function ResourceTree() {
	const tree = useLoad(async () => (await list('policy.tree')).items);
	const nodes = useMemo(() => nest(tree.data || []), [tree.data]);

	const { tree: chosen, shown, pick } = useOneTree(nodes);

	return html`<${Card}><${Loaded} of=${tree}>${() => html`<${Tree} key=${chosen} nodes=${shown} tools=${pick} row=${(node) => html`<${Actions} node=${node} />`} words=${words} label="The resource trees" />`}<//><//>`;
}
