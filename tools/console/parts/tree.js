/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a resource tree to search and to expand. It is an ARIA tree: Up and Down move, Right expands or goes to the
 * first below, Left closes or goes to the one above, Home and End, * expands all beside, Tab goes to the buttons of the
 * row. Of a long tree only the rows in sight are in the document.
 */
import { html } from 'htm/preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { search as search_nodes, walk } from '../lib/nodes.js';
import { matches } from '../lib/text.js';

const OPEN_AT_FIRST = 40; /* rows that are shown before anything is expanded, at most */
const LONG = 150;         /* rows: a longer tree scrolls by itself */
const ROW = 36;           /* pixels of a row that was not measured yet */
const BEYOND = 600;       /* pixels above and below what is in sight */

/* The resources to open at first: level by level, while the rows stay few. */
function first_opened(roots) {
	const opened = new Set();
	let rows = roots.length;

	for (let level = roots; level.length > 0; level = level.flatMap((node) => node.children)) {
		rows += level.reduce((sum, node) => sum + node.children.length, 0);
		if (rows > OPEN_AT_FIRST && level !== roots) {
			break;
		}
		level.forEach((node) => opened.add(node.resource));
	}
	return opened;
}

/* The rows in sight of a box that scrolls: {first, last, above, below}, in rows and pixels. */
function in_sight(rows, heights, top, height) {
	const height_of = (one) => heights.get(one.node.resource) || ROW;
	let first = 0, above = 0;

	while (first < rows.length && above + height_of(rows[first]) < top - BEYOND) {
		above += height_of(rows[first++]);
	}
	let last = first, at = above;
	while (last < rows.length && at < top + height + BEYOND) {
		at += height_of(rows[last++]);
	}
	return { first, last, above, below: rows.slice(last).reduce((sum, one) => sum + height_of(one), 0) };
}

/*
 * nodes: of nest(). row(node, is_here, is_open): what stands right of the name; its buttons are in the order of Tab if
 * `is_here`. before(node): what stands before the name, such as a box; press(node): what Enter and Space do, and `keys`
 * maps other keys to functions of the node. checked(node): 'true', 'false' or 'mixed', for screen readers.
 * words(node): what is searched beside the resource. label: what the tree is. tools: what stands beside the search.
 */
export function Tree({ nodes, row, before, press, keys = {}, checked, words = () => '', label, tools }) {
	const [text, set_text] = useState('');
	const all = useMemo(() => [...walk(nodes)], [nodes]);
	const [opened, set_opened] = useState(() => first_opened(nodes));
	const [at, set_at] = useState(null);
	const [view, set_view] = useState({ top: 0, height: 800 });
	const [, measured] = useState(0);
	const place = useRef(null);
	const heights = useRef(new Map());
	const wants_focus = useRef(false);
	const now_at = useRef(null); /* as `at`, before the next drawing: keys may come faster than that */
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
	const row_at = (resource) => Math.max(0, seen.findIndex((one) => one.node.resource === resource));
	const here = row_at(at);
	const is_long = seen.length > LONG;
	const sight = is_long ? in_sight(seen, heights.current, view.top, view.height) : { first: 0, last: seen.length, above: 0, below: 0 };

	useLayoutEffect(() => {
		let is_new = false;

		if (is_long) {
			for (const element of place.current.querySelectorAll('[data-row]')) {
				const resource = seen[element.dataset.row]?.node.resource;

				if (heights.current.get(resource) !== element.offsetHeight) {
					heights.current.set(resource, element.offsetHeight);
					is_new = true;
				}
			}
			if (view.height !== place.current.clientHeight) {
				set_view({ top: place.current.scrollTop, height: place.current.clientHeight });
			}
		}
		if (is_new) {
			measured((was) => was + 1);
		}
	});
	useLayoutEffect(() => {
		if (wants_focus.current) {
			const element = place.current.querySelector(`[data-row="${row_at(now_at.current)}"]`);

			wants_focus.current = element === null;
			element?.focus({ preventScroll: true });
			element?.scrollIntoView({ block: 'nearest' });
		}
	});

	const search = (words) => {
		set_text(words);
		place.current.scrollTop = 0;
		set_view({ top: 0, height: place.current.clientHeight });
	};
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
		if (!seen[index]) {
			return;
		}
		wants_focus.current = true;
		now_at.current = seen[index].node.resource;
		set_at(now_at.current);
		if (is_long && (index < sight.first || index >= sight.last)) {
			const top = seen.slice(0, index).reduce((sum, one) => sum + (heights.current.get(one.node.resource) || ROW), 0);

			place.current.scrollTop = top;
			set_view({ top, height: place.current.clientHeight });
		}
	};
	const on_key = (event) => {
		const mine = row_at(now_at.current);
		const { node, above } = seen[mine] || {};

		if (!node || event.target.getAttribute('role') !== 'treeitem' || event.ctrlKey || event.metaKey || event.altKey) {
			return;
		}
		const acts = {
			ArrowDown: () => go_to(mine + 1),
			ArrowUp: () => go_to(mine - 1),
			Home: () => go_to(0),
			End: () => go_to(seen.length - 1),
			ArrowRight: () => node.children.length > 0 && (is_open(node) ? go_to(mine + 1) : open(node, true)),
			ArrowLeft: () => node.children.length > 0 && is_open(node) && text.trim() === '' ? open(node, false) : above && go_to(seen.findIndex((one) => one.node === above)),
			'*': () => set_opened(new Set([...opened, ...(above ? above.children : found).map((one) => one.resource)])),
			Enter: press && (() => press(node)),
			' ': press && (() => press(node)),
		};
		const act = acts[event.key] || keys[event.key];

		if (act) {
			event.preventDefault();
			act(node);
		}
	};

	return html`<div class="tree">
		<div class="row tools">
			<input type="search" data-search aria-label=${`Search ${label}`} placeholder="Search" value=${text} autocomplete="off" spellcheck=${false}
				onInput=${(event) => search(event.currentTarget.value)} />
			<button type="button" class="quiet" onClick=${() => set_opened(new Set(all.map((node) => node.resource)))}>Expand all</button>
			<button type="button" class="quiet" onClick=${() => set_opened(new Set(nodes.length === 1 ? [nodes[0].resource] : []))}>Close all</button>
			${tools}
		</div>
		<div role="tree" aria-label=${label} aria-multiselectable=${checked ? 'true' : undefined} class=${is_long ? 'long' : ''} ref=${place} onKeyDown=${on_key}
			onScroll=${(event) => is_long && set_view({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}>
			${sight.above > 0 && html`<div key="above" role="none" style=${{ height: `${sight.above}px` }}></div>`}
			${seen.slice(sight.first, sight.last).map(({ node, index, of }, i) => {
				const number = sight.first + i, is_here = number === here;

				return html`<div role="treeitem" key=${node.resource} class="node" data-row=${number} tabIndex=${is_here ? 0 : -1}
					aria-level=${node.depth + 1} aria-posinset=${index + 1} aria-setsize=${of} aria-checked=${checked?.(node)}
					aria-expanded=${node.children.length > 0 ? (is_open(node) ? 'true' : 'false') : undefined}
					style=${{ '--depth': node.depth }} onFocus=${() => {
						now_at.current = node.resource;
						set_at(node.resource);
					}}>
					<span class="lead">
						<button type="button" class="quiet twist" tabIndex="-1" aria-hidden="true" disabled=${node.children.length === 0}
							onClick=${() => open(node, !is_open(node))}>${node.children.length === 0 ? '' : is_open(node) ? '▾' : '▸'}</button>
						${before?.(node)}
						<code class="name" title=${node.item?.description || node.resource}>${node.name}</code>
					</span>
					<span class="what">${row?.(node, is_here, node.children.length === 0 || is_open(node))}</span>
				</div>`;
			})}
			${sight.below > 0 && html`<div key="below" role="none" style=${{ height: `${sight.below}px` }}></div>`}
		</div>
		${seen.length === 0 && html`<p class="dim">${all.length === 0 ? 'There is nothing in it.' : 'Nothing is found.'}</p>`}
	</div>`;
}
