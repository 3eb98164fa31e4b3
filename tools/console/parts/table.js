/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: a long list, of which only the rows in sight are in the document, so that ten thousand scroll
 * as ten do. Columns that do not fit are left out, those of the lowest weight first. It is an ARIA grid: the arrow
 * keys, Home, End, Page Up and Page Down move, Enter opens, Space selects, Shift with an arrow too.
 */
import { html } from 'htm/preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { fitting, ordered } from '../lib/order.js';
import { HeadRow, Row } from './table_rows.js';

const ROW = 44;     /* pixels of a row, unless the page says otherwise */
const BEYOND = 8;   /* rows above and below those in sight */
const BOX = 40;     /* pixels of the column with the boxes */
const NARROW = 900; /* pixels, below which what is left out stands in a line below, in few words */
const LINE = 22;    /* pixels of that line */
const PAGE = 10;    /* rows of Page Up and Page Down */

/* How many lines the columns that are left out take. */
function lines_of(briefs) {
	const alone = briefs.filter((column) => column.alone).length;

	return alone + (briefs.length > alone ? 1 : 0);
}

/* The size of the box on the screen. */
function useSize(box) {
	const [size, set_size] = useState({ width: 800, height: 600 });

	useLayoutEffect(() => {
		const measure = () => box.current && set_size({ width: box.current.clientWidth, height: box.current.clientHeight });
		const observer = new ResizeObserver(measure);

		measure();
		observer.observe(box.current);
		return () => observer.disconnect();
	}, []);
	return size;
}

/* The row that the keyboard is at: {here, set_at, move(to)}, of `count` rows in the box. */
function useHere(box, count, height) {
	const [at, set_at] = useState(0);
	const wants_focus = useRef(false);
	const here = Math.min(at, Math.max(0, count - 1));
	const move = (to) => {
		const row = Math.max(0, Math.min(count - 1, to));
		const from = row * height, seen = box.current.clientHeight - height;

		if (from < box.current.scrollTop) {
			box.current.scrollTop = from;
		} else if (from + height > box.current.scrollTop + seen) {
			box.current.scrollTop = from + height - seen;
		}
		wants_focus.current = true;
		set_at(row);
	};

	useEffect(() => {
		if (wants_focus.current) {
			wants_focus.current = false;
			box.current.querySelector(`[data-row="${here}"]`)?.focus({ preventScroll: true });
		}
	});
	return { here, set_at, move };
}

/* toggle(row, with_shift): selects the row or takes it out; with Shift all from the one that was chosen last. */
function useToggle(rows, id, selected, select) {
	const chosen_last = useRef(null);

	return (row, with_shift = false) => {
		const next = new Set(selected);
		const key = id(row);
		const last = with_shift ? rows.findIndex((one) => id(one) === chosen_last.current) : -1;
		const to = rows.indexOf(row);

		if (last >= 0) {
			rows.slice(Math.min(last, to), Math.max(last, to) + 1).forEach((one) => next.add(id(one)));
		} else if (!next.delete(key)) {
			next.add(key);
		}
		chosen_last.current = key;
		select(next);
	};
}

/* What a key does at the row `here` of `rows`. is_chosen(row): is it selected? toggle is undefined where nothing can be. */
function on_key_of({ rows, here, move, open, toggle, is_chosen }) {
	const row = rows[here];
	const steps = { ArrowDown: here + 1, ArrowUp: here - 1, PageDown: here + PAGE, PageUp: here - PAGE, Home: 0, End: rows.length - 1 };

	return (event) => {
		if (event.target.closest('input, button, a') && event.key !== 'ArrowDown' && event.key !== 'ArrowUp') {
			return;
		}
		if (event.key in steps) {
			event.preventDefault();
			if (event.shiftKey && toggle && row && !is_chosen(row)) {
				toggle(row);
			}
			move(steps[event.key]);
		} else if (event.key === 'Enter' && open && row) {
			event.preventDefault();
			open(row);
		} else if (event.key === ' ' && toggle && row) {
			event.preventDefault();
			toggle(row);
		}
	};
}

/*
 * columns: [{key, title, min (pixels), grow, weight, value(row): what is sorted by, cell(row, tab), end: at the right,
 * brief(row, tab): what a narrow list says of it below the row's other cells, if the column is left out;
 * alone: in a line of its own}]
 * rows, id(row), open(row), label: what the list is, sort: {key, down} and set_sort; without these the order is
 * that of the rows. selected: a Set of ids, and select(Set): then rows can be selected. busy: more is coming.
 * height: pixels of a row. What can be pressed in a cell takes `tab` as its tabIndex: Tab stops in one row alone.
 */
export function Table({ columns, rows, id, open, label, sort, set_sort, selected, select, busy = false, empty, height: usual = ROW }) {
	const box = useRef(null);
	const [top, set_top] = useState(0);
	const size = useSize(box);
	const shown = useMemo(() => fitting(columns, size.width - (select ? BOX : 0) - 16), [columns, size.width, select !== undefined]);
	const briefs = useMemo(() => size.width < NARROW ? columns.filter((column) => column.brief && !shown.includes(column)) : [], [columns, shown, size.width < NARROW]);
	const height = usual + LINE * lines_of(briefs);
	const sorted = useMemo(() => ordered(rows, sort && columns.find((one) => one.key === sort.key), sort?.down), [rows, sort?.key, sort?.down, columns]);
	const { here, set_at, move } = useHere(box, sorted.length, height);
	const toggle = useToggle(sorted, id, selected, select);
	const first = Math.max(0, Math.floor(top / height) - BEYOND);
	const last = Math.min(sorted.length, Math.ceil((top + size.height) / height) + BEYOND);
	const grid = `${select ? `${BOX}px ` : ''}${shown.map((column) => `minmax(${column.min}px, ${column.grow || 0}fr)`).join(' ')}`;
	const on_key = on_key_of({ rows: sorted, here, move, open, toggle: select && toggle, is_chosen: (row) => selected.has(id(row)) });

	return html`<div class="table" role="grid" aria-label=${label} aria-rowcount=${sorted.length + 1} aria-busy=${busy ? 'true' : 'false'}
		aria-multiselectable=${select ? 'true' : undefined} ref=${box} onScroll=${(event) => set_top(event.currentTarget.scrollTop)} onKeyDown=${on_key}>
		<${HeadRow} columns=${shown} grid=${grid} sort=${sort} set_sort=${set_sort} ids=${select && rows.map(id)} selected=${selected} select=${select} />
		${sorted.length === 0 && !busy && html`<div class="nothing">${empty || 'Nothing is here.'}</div>`}
		<div class="tbody" role="rowgroup" style=${{ height: `${sorted.length * height}px` }}>
			${sorted.slice(first, last).map((row, i) => {
				const index = first + i, key = id(row);

				return html`<${Row} key=${key} name=${row.name || key} row=${row} columns=${shown} briefs=${briefs} grid=${grid} index=${index} is_here=${index === here} height=${height}
					is_chosen=${select && selected.has(key)} toggle=${toggle} enter=${() => set_at(index)} open=${open} />`;
			})}
		</div>
	</div>`;
}
