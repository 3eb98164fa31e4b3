/* SPDX-License-Identifier: Apache-2.0 */
/* tree_rows: which nodes of a tree are rows, which are open at first, and which are in sight. Pure. */

const OPEN_AT_FIRST = 40; /* rows that are shown before anything is expanded, at most */
const ROW = 36;           /* pixels of a row that was not measured yet */
const BEYOND = 600;       /* pixels above and below what is in sight */

/* The resources to open at first: level by level, while the rows stay few. */
export function first_opened(roots) {
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

/* The nodes whose ancestors are all open, in order: [{node, above, index, of}], its number among those beside it. */
export function rows_of(nodes, is_open) {
	const rows = [];
	const add = (list, above) => list.forEach((node, i) => {
		rows.push({ node, above, index: i, of: list.length });
		if (node.children.length > 0 && is_open(node)) {
			add(node.children, node);
		}
	});

	add(nodes, null);
	return rows;
}

/* The pixels of some rows, by the heights that were measured. */
export function height_of(rows, heights) {
	return rows.reduce((sum, one) => sum + (heights.get(one.node.resource) || ROW), 0);
}

/* The rows in sight of a box that scrolls: {first, last, above, below}, in rows and pixels. */
export function in_sight(rows, heights, { top, height }) {
	const pixels = (one) => heights.get(one.node.resource) || ROW;
	let first = 0, above = 0;

	while (first < rows.length && above + pixels(rows[first]) < top - BEYOND) {
		above += pixels(rows[first++]);
	}
	let last = first, at = above;
	while (last < rows.length && at < top + height + BEYOND) {
		at += pixels(rows[last++]);
	}
	return { first, last, above, below: height_of(rows.slice(last), heights) };
}
