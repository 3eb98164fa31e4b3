/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a resource tree to search and to expand. It is an ARIA tree: Up and Down move, Right expands or goes to the
 * first below, Left closes or goes to the one above, Home and End, * expands all beside, Tab goes to the buttons of the
 * row. Of a long tree only the rows in sight are in the document.
 */
import { html } from 'htm/preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { has_keys } from '../lib/has_keys.js';
import { search as search_nodes, walk } from '../lib/nodes.js';
import { matches } from '../lib/text.js';
import { first_opened, height_of, in_sight, rows_of } from '../lib/tree_rows.js';
import { TreeRow } from './tree_row.js';

const LONG = 150; /* rows: a longer tree scrolls by itself */

/* What is open and found: {text, set_text, is_searched, found, rows, is_open(node), open(node, on), opened, open_these(resources)}. */
function useRows(nodes, words) {
	const [text, set_text] = useState('');
	const [opened, set_opened] = useState(() => first_opened(nodes));
	const is_searched = text.trim() !== '';
	const found = useMemo(() => is_searched ? search_nodes(nodes, (node) => matches(text, node.resource, words(node))) : nodes, [nodes, text]);
	const is_open = (node) => is_searched || opened.has(node.resource);
	const rows = useMemo(() => rows_of(found, is_open), [found, opened, text]);
	const open = (node, on) => {
		const next = new Set(opened);

		if (on) {
			next.add(node.resource);
		} else {
			next.delete(node.resource);
		}
		set_opened(next);
	};

	return { text, set_text, is_searched, found, rows, is_open, open, opened, open_these: (resources) => set_opened(new Set(resources)) };
}

/* Which rows are drawn: {is_long, sight, scrolled(), scroll_to(top), show(index)}. The heights of those that were drawn are kept. */
function useSight(place, rows) {
	const [view, set_view] = useState({ top: 0, height: 800 });
	const [, measured] = useState(0);
	const heights = useRef(new Map());
	const is_long = rows.length > LONG;
	const sight = is_long ? in_sight(rows, heights.current, view) : { first: 0, last: rows.length, above: 0, below: 0 };
	const scrolled = () => set_view({ top: place.current.scrollTop, height: place.current.clientHeight });
	const scroll_to = (top) => {
		place.current.scrollTop = top;
		set_view({ top, height: place.current.clientHeight });
	};

	useLayoutEffect(() => {
		let is_new = false;

		for (const element of is_long ? place.current.querySelectorAll('[data-row]') : []) {
			const resource = rows[element.dataset.row]?.node.resource;

			if (heights.current.get(resource) !== element.offsetHeight) {
				heights.current.set(resource, element.offsetHeight);
				is_new = true;
			}
		}
		if (is_long && view.height !== place.current.clientHeight) {
			scrolled();
		}
		if (is_new) {
			measured((was) => was + 1);
		}
	});
	return { is_long, sight, scrolled, scroll_to, show: (index) => is_long && (index < sight.first || index >= sight.last) && scroll_to(height_of(rows.slice(0, index), heights.current)) };
}

/* The row that the keyboard is at: {here, row_now(), at_node(node), go_to(index)}. */
function useHere(place, rows, show, entered) {
	const [at, set_at] = useState(null);
	const wants_focus = useRef(false);
	const now_at = useRef(null); /* as `at`, before the next drawing: keys may come faster than that */
	const row_at = (resource) => Math.max(0, rows.findIndex((one) => one.node.resource === resource));
	const at_node = (node) => {
		now_at.current = node.resource;
		set_at(node.resource);
		entered(node);
	};
	const go_to = (index) => {
		if (rows[index]) {
			wants_focus.current = true;
			at_node(rows[index].node);
			show(index);
		}
	};

	useLayoutEffect(() => {
		if (wants_focus.current) {
			const element = place.current.querySelector(`[data-row="${row_at(now_at.current)}"]`);

			wants_focus.current = element === null;
			element?.focus({ preventScroll: true });
			element?.scrollIntoView({ block: 'nearest' });
		}
	});
	return { here: row_at(at), row_now: () => row_at(now_at.current), at_node, go_to };
}

/* What a key does: `keys` and `press` as Tree takes them, the rest as the hooks give it. */
function on_key_of({ keys, press, shown, cursor }) {
	const { rows, is_open, open } = shown;
	const { row_now, go_to } = cursor;

	return (event) => {
		const mine = row_now();
		const { node, above } = rows[mine] || {};

		if (!node || event.target.getAttribute('role') !== 'treeitem' || event.ctrlKey || event.metaKey || event.altKey) {
			return;
		}
		const has_more = node.children.length > 0;
		const acts = {
			ArrowDown: () => go_to(mine + 1),
			ArrowUp: () => go_to(mine - 1),
			Home: () => go_to(0),
			End: () => go_to(rows.length - 1),
			ArrowRight: () => has_more && (is_open(node) ? go_to(mine + 1) : open(node, true)),
			ArrowLeft: () => has_more && is_open(node) && !shown.is_searched ? open(node, false) : above && go_to(rows.findIndex((one) => one.node === above)),
			'*': () => shown.open_these([...shown.opened, ...(above ? above.children : shown.found).map((one) => one.resource)]),
			Enter: press && (() => press(node)),
			' ': press && (() => press(node)),
		};
		const act = acts[event.key] || keys[event.key];

		if (act) {
			event.preventDefault();
			act(node);
		}
	};
}

/*
 * nodes: of nest(). row(node, is_here, is_open): what stands right of the name; its buttons are in the order of Tab if
 * `is_here`. before(node): what stands before the name, such as a box; press(node): what Enter and Space do, and `keys`
 * maps other keys to functions of the node. checked(node): 'true', 'false' or 'mixed', for screen readers.
 * words(node): what is searched beside the resource. entered(node): the keyboard or the pointer came to it. label: what the tree is. tools: what stands beside the search.
 */
export function Tree({ nodes, row, before, press, keys = {}, checked, words = () => '', entered = () => undefined, label, tools }) {
	const place = useRef(null);
	const all = useMemo(() => [...walk(nodes)], [nodes]);
	const shown = useRows(nodes, words);
	const { is_long, sight, scrolled, scroll_to, show } = useSight(place, shown.rows);
	const cursor = useHere(place, shown.rows, show, entered);
	const search = (text) => {
		shown.set_text(text);
		scroll_to(0);
	};

	return html`<div class="tree">
		<div class="row tools">
			<input type="search" data-search aria-label=${`Search ${label}`} placeholder=${has_keys.value ? 'Search  ( / )' : 'Search'} value=${shown.text} autocomplete="off" spellcheck=${false}
				onInput=${(event) => search(event.currentTarget.value)} />
			<button type="button" class="quiet" onClick=${() => shown.open_these(all.map((node) => node.resource))}>Expand all</button>
			<button type="button" class="quiet" onClick=${() => shown.open_these(nodes.length === 1 ? [nodes[0].resource] : [])}>Collapse all</button>
			${tools}
		</div>
		<div role="tree" aria-label=${label} aria-multiselectable=${checked ? 'true' : undefined} class=${is_long ? 'long' : ''} ref=${place}
			onKeyDown=${on_key_of({ keys, press, shown, cursor })} onScroll=${() => is_long && scrolled()}>
			${sight.above > 0 && html`<div key="above" role="none" style=${{ height: `${sight.above}px` }}></div>`}
			${shown.rows.slice(sight.first, sight.last).map((one, i) => html`<${TreeRow} key=${one.node.resource} one=${one} number=${sight.first + i} is_here=${sight.first + i === cursor.here}
				is_open=${shown.is_open(one.node)} open=${shown.open} enter=${cursor.at_node} checked=${checked} before=${before} row=${row} />`)}
			${sight.below > 0 && html`<div key="below" role="none" style=${{ height: `${sight.below}px` }}></div>`}
		</div>
		${shown.rows.length === 0 && html`<p class="dim">${all.length === 0 ? 'There is nothing in it.' : 'Nothing is found.'}</p>`}
	</div>`;
}
