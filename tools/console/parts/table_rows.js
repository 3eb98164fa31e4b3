/* SPDX-License-Identifier: Apache-2.0 */
/* table_rows: the head of a table, and one of its rows. */
import { html } from 'htm/preact';

/* The box that selects all, and none when all are selected. ids: of all rows. */
function AllBox({ ids, selected, select }) {
	const all = ids.length > 0 && ids.every((id) => selected.has(id));

	return html`<div role="columnheader" aria-label="Selected" class="box"><input type="checkbox" aria-label="Select all that are listed" checked=${all}
		indeterminate=${!all && ids.some((id) => selected.has(id))} onChange=${() => select(all ? new Set() : new Set(ids))} /></div>`;
}

/* The columns' titles, which are buttons where the list can be sorted. ids: as AllBox takes them, or undefined. */
export function HeadRow({ columns, grid, sort, set_sort, ids, selected, select }) {
	return html`<div class="thead" role="row" aria-rowindex="1" style=${{ gridTemplateColumns: grid }}>
		${ids && html`<${AllBox} ids=${ids} selected=${selected} select=${select} />`}
		${columns.map((column) => {
			const is_sorted = sort?.key === column.key;

			return html`<div role="columnheader" key=${column.key} class=${column.end ? 'end' : ''}
				aria-sort=${is_sorted ? (sort.down ? 'descending' : 'ascending') : undefined}>
				${set_sort && column.value ? html`<button type="button" onClick=${() => set_sort({ key: column.key, down: is_sorted && !sort.down })}>${column.title}<span aria-hidden="true">${is_sorted ? (sort.down ? ' ↓' : ' ↑') : ''}</span></button>` : column.title}
			</div>`;
		})}
	</div>`;
}

/* What the columns that a narrow list leaves out say of the row. */
function Brief({ row, briefs, has_box, tab }) {
	const said = briefs.map((column) => ({ ...column, text: column.brief(row, tab) })).filter((one) => one.text);
	const line = (those) => those.length > 0 && html`<div>${those.map((one) => html`<span key=${one.key}><span class="unseen">${one.title}: </span>${one.text}</span>`)}</div>`;

	return html`<div role="gridcell" class="brief ${has_box ? 'beside' : ''}">${said.filter((one) => one.alone).map((one) => line([one]))}${line(said.filter((one) => !one.alone))}</div>`;
}

/* briefs: columns that are left out. is_chosen: undefined where rows cannot be selected. enter(): the focus comes to the row. */
export function Row({ name, row, columns, briefs, grid, index, is_here, height, is_chosen, toggle, enter, open }) {
	return html`<div role="row" class="tr ${is_chosen ? 'chosen' : ''}" data-row=${index} aria-rowindex=${index + 2}
		aria-selected=${is_chosen === undefined ? undefined : is_chosen ? 'true' : 'false'} tabIndex=${is_here ? 0 : -1}
		style=${{ gridTemplateColumns: grid, transform: `translateY(${index * height}px)`, height: `${height}px` }}
		onFocus=${() => !is_here && enter()}
		onClick=${(event) => !event.target.closest('input, button, a, .box') && open?.(row)}>
		${is_chosen !== undefined && html`<div role="gridcell" class="box"><input type="checkbox" tabIndex="-1" aria-label=${`Select ${name}`} checked=${is_chosen} onClick=${(event) => toggle(row, event.shiftKey)} /></div>`}
		${columns.map((column) => html`<div role="gridcell" key=${column.key} class=${column.end ? 'end' : ''}>${column.cell(row, is_here ? 0 : -1)}</div>`)}
		${briefs.length > 0 && html`<${Brief} row=${row} briefs=${briefs} has_box=${is_chosen !== undefined} tab=${is_here ? 0 : -1} />`}
	</div>`;
}
