/* SPDX-License-Identifier: Apache-2.0 */
/* tree_row: one row of a tree: the button that opens it, what the page puts before and after its name, and the name. */
import { html } from 'htm/preact';

/* one: of rows_of(). open(node, on), enter(node): the focus comes to it. checked, before and row: as Tree takes them. */
export function TreeRow({ one, number, is_here, is_open, open, enter, checked, before, row }) {
	const { node, index, of } = one;
	const has_more = node.children.length > 0;

	return html`<div role="treeitem" class="node" data-row=${number} tabIndex=${is_here ? 0 : -1}
		aria-level=${node.depth + 1} aria-posinset=${index + 1} aria-setsize=${of} aria-checked=${checked?.(node)}
		aria-expanded=${has_more ? (is_open ? 'true' : 'false') : undefined} style=${{ '--depth': node.depth }} onFocus=${() => enter(node)}>
		<span class="lead">
			<button type="button" class="quiet twist" tabIndex="-1" aria-hidden="true" disabled=${!has_more}
				onClick=${() => open(node, !is_open)}>${has_more ? (is_open ? '▾' : '▸') : ''}</button>
			${before?.(node)}
			<code class="name" title=${node.item?.description || node.resource}>${node.name}</code>
		</span>
		<span class="what">${row?.(node, is_here, !has_more || is_open)}</span>
	</div>`;
}
