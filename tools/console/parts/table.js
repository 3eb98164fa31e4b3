/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: a long list, of which only the rows in sight are in the document, so that ten thousand scroll
 * as ten do. Columns that do not fit are left out, those of the lowest weight first. It is an ARIA grid: the arrow
 * keys, Home, End, Page Up and Page Down move, Enter opens, Space selects, Shift with an arrow too.
 */
import { html } from 'htm/preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

const ROW = 44;     /* pixels of a row, unless the page says otherwise */
const BEYOND = 8;   /* rows above and below those in sight */
const BOX = 40;     /* pixels of the column with the boxes */
const PAGE = 10;    /* rows of Page Up and Page Down */

const collator = new Intl.Collator('en', { numeric: true });

function compare(a, b) {
	if (a === b) {
		return 0;
	}
	if (a === undefined || a === null || a === '') {
		return 1;
	}
	if (b === undefined || b === null || b === '') {
		return -1;
	}
	return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
}

/* The columns that fit into the width, in their own order. */
function fitting(columns, width) {
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

/*
 * columns: [{key, title, min (pixels), grow, weight, value(row): what is sorted by, cell(row, tab), end: at the right}]
 * rows, id(row), open(row), label: what the list is, sort: {key, down} and set_sort; without these the order is
 * that of the rows. selected: a Set of ids, and select(Set): then rows can be selected. busy: more is coming.
 * height: pixels of a row. What can be pressed in a cell takes `tab` as its tabIndex: Tab stops in one row alone.
 */
export function Table({ columns, rows, id, open, label, sort, set_sort, selected, select, busy = false, empty, height = ROW }) {
	const box = useRef(null);
	const [size, set_size] = useState({ width: 800, height: 600 });
	const [top, set_top] = useState(0);
	const [at, set_at] = useState(0);
	const wants_focus = useRef(false);
	const chosen_last = useRef(null);
	const shown = useMemo(() => fitting(columns, size.width - (select ? BOX : 0) - 16), [columns, size.width, select !== undefined]);
	const sorted = useMemo(() => {
		const column = sort && columns.find((one) => one.key === sort.key);

		if (!column) {
			return rows;
		}
		const keyed = rows.map((row) => [column.value(row), row]);
		keyed.sort((a, b) => {
			const less = compare(a[0], b[0]);
			const is_empty = [a[0], b[0]].some((value) => value === undefined || value === null || value === '');
			return sort.down && !is_empty ? -less : less;
		});
		return keyed.map((pair) => pair[1]);
	}, [rows, sort?.key, sort?.down, columns]);
	const first = Math.max(0, Math.floor(top / height) - BEYOND);
	const last = Math.min(sorted.length, Math.ceil((top + size.height) / height) + BEYOND);
	const here = Math.min(at, Math.max(0, sorted.length - 1));
	const grid = `${select ? `${BOX}px ` : ''}${shown.map((column) => `minmax(${column.min}px, ${column.grow || 0}fr)`).join(' ')}`;

	useLayoutEffect(() => {
		const measure = () => box.current && set_size({ width: box.current.clientWidth, height: box.current.clientHeight });
		const observer = new ResizeObserver(measure);

		measure();
		observer.observe(box.current);
		return () => observer.disconnect();
	}, []);
	useEffect(() => {
		if (wants_focus.current) {
			wants_focus.current = false;
			box.current.querySelector(`[data-row="${here}"]`)?.focus({ preventScroll: true });
		}
	});

	/* With Shift: all from the one that was chosen last. */
	const toggle = (row, with_shift = false) => {
		const next = new Set(selected);
		const key = id(row);
		const last = with_shift ? sorted.findIndex((one) => id(one) === chosen_last.current) : -1;
		const to = sorted.indexOf(row);

		if (last >= 0) {
			sorted.slice(Math.min(last, to), Math.max(last, to) + 1).forEach((one) => next.add(id(one)));
		} else if (!next.delete(key)) {
			next.add(key);
		}
		chosen_last.current = key;
		select(next);
	};
	const move = (to) => {
		const row = Math.max(0, Math.min(sorted.length - 1, to));
		const from = row * height, seen = box.current.clientHeight - height;

		if (from < box.current.scrollTop) {
			box.current.scrollTop = from;
		} else if (from + height > box.current.scrollTop + seen) {
			box.current.scrollTop = from + height - seen;
		}
		wants_focus.current = true;
		set_at(row);
	};
	const on_key = (event) => {
		const steps = { ArrowDown: here + 1, ArrowUp: here - 1, PageDown: here + PAGE, PageUp: here - PAGE, Home: 0, End: sorted.length - 1 };

		if (event.target.closest('input, button, a') && event.key !== 'ArrowDown' && event.key !== 'ArrowUp') {
			return;
		}
		if (event.key in steps) {
			event.preventDefault();
			if (event.shiftKey && select && sorted[here] && !selected.has(id(sorted[here]))) {
				toggle(sorted[here]);
			}
			move(steps[event.key]);
		} else if (event.key === 'Enter' && open && sorted[here]) {
			event.preventDefault();
			open(sorted[here]);
		} else if (event.key === ' ' && select && sorted[here]) {
			event.preventDefault();
			toggle(sorted[here]);
		}
	};
	const all = select && rows.length > 0 && rows.every((row) => selected.has(id(row)));

	return html`<div class="table" role="grid" aria-label=${label} aria-rowcount=${sorted.length + 1} aria-busy=${busy ? 'true' : 'false'}
		aria-multiselectable=${select ? 'true' : undefined} ref=${box} onScroll=${(event) => set_top(event.currentTarget.scrollTop)} onKeyDown=${on_key}>
		<div class="thead" role="row" aria-rowindex="1" style=${{ gridTemplateColumns: grid }}>
			${select && html`<div role="columnheader" aria-label="Selected" class="box"><input type="checkbox" aria-label="Select all that are listed" checked=${all}
				indeterminate=${!all && rows.some((row) => selected.has(id(row)))}
				onChange=${() => select(all ? new Set() : new Set(rows.map(id)))} /></div>`}
			${shown.map((column) => {
				const is_sorted = sort?.key === column.key;
				return html`<div role="columnheader" key=${column.key} class=${column.end ? 'end' : ''}
					aria-sort=${is_sorted ? (sort.down ? 'descending' : 'ascending') : undefined}>
					${set_sort && column.value ? html`<button type="button" onClick=${() => set_sort({ key: column.key, down: is_sorted && !sort.down })}>${column.title}<span aria-hidden="true">${is_sorted ? (sort.down ? ' ↓' : ' ↑') : ''}</span></button>` : column.title}
				</div>`;
			})}
		</div>
		${sorted.length === 0 && !busy && html`<div class="nothing">${empty || 'Nothing is here.'}</div>`}
		<div class="tbody" role="rowgroup" style=${{ height: `${sorted.length * height}px` }}>
			${sorted.slice(first, last).map((row, i) => {
				const index = first + i, key = id(row);
				return html`<div role="row" class="tr ${selected?.has(key) ? 'chosen' : ''}" key=${key} data-row=${index} aria-rowindex=${index + 2}
					aria-selected=${select ? (selected.has(key) ? 'true' : 'false') : undefined} tabIndex=${index === here ? 0 : -1}
					style=${{ gridTemplateColumns: grid, transform: `translateY(${index * height}px)`, height: `${height}px` }}
					onFocus=${() => index !== here && set_at(index)}
					onClick=${(event) => !event.target.closest('input, button, a, .box') && open?.(row)}>
					${select && html`<div role="gridcell" class="box"><input type="checkbox" tabIndex="-1" aria-label=${`Select ${row.name || key}`} checked=${selected.has(key)} onClick=${(event) => toggle(row, event.shiftKey)} /></div>`}
					${shown.map((column) => html`<div role="gridcell" key=${column.key} class=${column.end ? 'end' : ''}>${column.cell(row, index === here ? 0 : -1)}</div>`)}
				</div>`;
			})}
		</div>
	</div>`;
}
