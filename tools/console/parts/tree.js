/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a resource tree to search and to expand. It is an ARIA tree: Up and Down move, Right expands
 * or goes to the first below, Left closes or goes to the one above, Home and End, * expands all beside.
 */
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { search as search_nodes, walk } from '../lib/nodes.js';
import { matches } from '../lib/text.js';

const OPEN_AT_FIRST = 40; /* nodes: a tree that small is shown whole */

/*
 * nodes: of nest(). row(node): what stands right of the name. before(node): what stands before it, such as a box;
 * press(node): what Enter and Space do. words(node): what is searched beside the resource. label: what the tree is.
 */
export function Tree({ nodes, row, before, press, words = () => '', label, tools }) {
	const [text, set_text] = useState('');
	const all = useMemo(() => [...walk(nodes)], [nodes]);
	const [opened, set_opened] = useState(() => new Set(all.length <= OPEN_AT_FIRST ? all.map((node) => node.resource) : nodes.map((node) => node.resource)));
	const [at, set_at] = useState(null);
	const place = useRef(null);
	const wants_focus = useRef(false);
	const found = useMemo(() => text.trim() === '' ? nodes : search_nodes(nodes, (node) => matches(text, node.resource, words(node))), [nodes, text]);
	const is_open = (node) => text.trim() !== '' || opened.has(node.resource);
	const seen = useMemo(() => {
		const rows = [];
		const add = (list, above) => list.forEach((node, i) => {
			rows.push({ node, above, index: i, of: list.length });
			if (node.children.length > 0 && is_open(node)) {
				add(node.children, node);
			}
		});

		add(found, null);
		return rows;
	}, [found, opened, text]);
	const here = Math.max(0, seen.findIndex((one) => one.node.resource === at));

	useEffect(() => {
		if (wants_focus.current) {
			wants_focus.current = false;
			place.current.querySelectorAll('[role="treeitem"]')[here]?.focus();
		}
	});

	const open = (node, on) => {
		const next = new Set(opened);

		if (on) {
			next.add(node.resource);
		} else {
			next.delete(node.resource);
		}
		set_opened(next);
	};
	const go_to = (index) => {
		if (seen[index]) {
			wants_focus.current = true;
			set_at(seen[index].node.resource);
		}
	};
	const on_key = (event) => {
		const { node, above } = seen[here] || {};

		if (!node || event.target.getAttribute('role') !== 'treeitem') {
			return;
		}
		const acts = {
			ArrowDown: () => go_to(here + 1),
			ArrowUp: () => go_to(here - 1),
			Home: () => go_to(0),
			End: () => go_to(seen.length - 1),
			ArrowRight: () => node.children.length > 0 && (is_open(node) ? go_to(here + 1) : open(node, true)),
			ArrowLeft: () => node.children.length > 0 && is_open(node) && text.trim() === '' ? open(node, false) : above && go_to(seen.findIndex((one) => one.node === above)),
			'*': () => set_opened(new Set([...opened, ...(above ? above.children : found).map((one) => one.resource)])),
			Enter: () => press?.(node),
			' ': () => press?.(node),
		};
		if (acts[event.key]) {
			event.preventDefault();
			acts[event.key]();
		}
	};

	return html`<div class="tree">
		<div class="row tools">
			<input type="search" data-search aria-label=${`Search ${label}`} placeholder="Search" value=${text} autocomplete="off" spellcheck="false"
				onInput=${(event) => set_text(event.currentTarget.value)} />
			<button type="button" onClick=${() => set_opened(new Set(all.map((node) => node.resource)))}>Expand all</button>
			<button type="button" onClick=${() => set_opened(new Set())}>Close all</button>
			${tools}
		</div>
		<div role="tree" aria-label=${label} ref=${place} onKeyDown=${on_key}>
			${seen.map(({ node, index, of }, i) => html`<div role="treeitem" key=${node.resource} class="node" tabIndex=${i === here ? 0 : -1}
				aria-level=${node.depth + 1} aria-posinset=${index + 1} aria-setsize=${of} aria-label=${`${node.resource} ${words(node)}`}
				aria-expanded=${node.children.length > 0 ? (is_open(node) ? 'true' : 'false') : undefined}
				style=${{ '--depth': node.depth }} onFocus=${(event) => event.target === event.currentTarget && set_at(node.resource)}>
				<button type="button" class="quiet twist" tabIndex="-1" aria-hidden="true" disabled=${node.children.length === 0}
					onClick=${() => open(node, !is_open(node))}>${node.children.length === 0 ? '' : is_open(node) ? '▾' : '▸'}</button>
				${before?.(node)}
				<code class="name">${node.name}</code>
				<span class="what">${row?.(node)}</span>
			</div>`)}
			${seen.length === 0 && html`<p class="dim">Nothing is found.</p>`}
		</div>
	</div>`;
}
