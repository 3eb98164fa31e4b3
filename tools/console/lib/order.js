/* SPDX-License-Identifier: Apache-2.0 */
/* order: the order of a list's rows by a column, and the columns that fit. Pure. */

const collator = new Intl.Collator('en', { numeric: true });

function is_empty(value) {
	return value === undefined || value === null || value === '';
}

/* Numbers by their size, texts as people sort them; what is empty is last. */
function compare(a, b) {
	if (a === b) {
		return 0;
	}
	if (is_empty(a)) {
		return 1;
	}
	if (is_empty(b)) {
		return -1;
	}
	return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
}

/* The rows in the order of a column, which may be undefined; `down` turns it, but what is empty stays last. */
export function ordered(rows, column, down) {
	if (!column) {
		return rows;
	}
	const keyed = rows.map((row) => [column.value(row), row]);
	keyed.sort((a, b) => {
		const less = compare(a[0], b[0]);

		return down && !is_empty(a[0]) && !is_empty(b[0]) ? -less : less;
	});
	return keyed.map((pair) => pair[1]);
}

/* The columns that fit into the width, in their own order; those of the lowest weight are left out first. */
export function fitting(columns, width) {
	const by_weight = [...columns].sort((a, b) => (b.weight || 0) - (a.weight || 0));
	const kept = new Set();
	let used = 0;

	for (const column of by_weight) {
		if (used + column.min <= width || kept.size === 0) {
			kept.add(column.key);
			used += column.min;
		}
	}
	return columns.filter((column) => kept.has(column.key));
}
