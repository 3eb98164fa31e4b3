/* SPDX-License-Identifier: Apache-2.0 */
/* policy_matrix: every action against every role and scope of the policy's files. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { call } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { MARKS, read_marks, read_matrix } from '../lib/matrix.js';
import { ordered } from '../lib/order.js';
import { set_query } from '../lib/route.js';
import { matches } from '../lib/text.js';
import { Card, Loaded } from '../parts/bits.js';
import { Search, Select } from '../parts/form.js';
import { Scroll } from '../parts/scroll.js';

/* Actions, and roles and scopes, that are drawn at once; a search finds the others. */
const ROWS = 300;
const COLUMNS = 60;
const MOST = 10000; /* actions of a tree that are read */

/* Roles before scopes, and each by name. */
function in_order(holders) {
	return ordered(ordered(holders, { value: ({ name }) => name }), { value: ({ kind }) => kind });
}

function Cell({ mark, holder, row }) {
	const [tone, means] = MARKS[mark] || MARKS['.'];
	const text = row.when[holder.at] ? `${means}: ${row.when[holder.at]}` : means;

	return html`<td class=${tone} title=${`${holder.name}: ${text}: ${row.action} on ${row.resource}`}><span aria-hidden="true">${mark === '.' ? '' : mark}</span><span class="unseen">${text}</span></td>`;
}

export function Matrix({ query }) {
	const [only, set_only] = useState('');
	const names = useLoad(() => call('policy.names').catch(() => ({ trees: [] })));
	const tree = query.tree || (names.data?.trees || []).find((one) => one !== 'authz');
	const matrix = useLoad(() => read_matrix((cursor) => tree ? call('folder.matrix', { tree, ...(cursor && { cursor }) }) : { nodes: [] }, MOST), [tree]);
	const rows = matrix.data?.rows || [];
	const search = query.search || '';
	const found = rows.filter((row) => matches(search, row.resource, row.action, ...row.methods));
	const fitting = in_order((matrix.data?.holders || []).map((holder, at) => ({ ...holder, at })).filter((holder) => matches(only, holder.name)));
	const holders = fitting.slice(0, COLUMNS);
	const drawn = found.slice(0, ROWS).map((row) => ({ ...row, marks: read_marks(row.marks) }));

	return html`<${Card}><div class="bar">
			<${Search} label="Search actions" value=${search} set=${(text) => set_query({ search: text })} />
			<input type="search" class="search" aria-label="Search roles and scopes" placeholder="Search roles and scopes" value=${only} onInput=${(event) => set_only(event.currentTarget.value)} />
			${(names.data?.trees || []).length > 1 && html`<${Select} label="Tree" value=${tree} set=${(value) => set_query({ tree: value })} options=${names.data.trees.filter((one) => one !== 'authz')} />`}
		</div>
		<p class="dim">Roles and scopes of the files only. What a role of the store allows is on its own page.</p>
		<p class="legend">${Object.entries(MARKS).map(([mark, [tone, text]]) => html`<span key=${mark}><b class=${tone}>${mark === '.' ? 'empty' : mark}</b> ${text}</span>`)}</p>
		<${Loaded} of=${matrix}>${() => holders.length === 0 ? html`<p class="dim">The policy’s files have no role or scope that fits.</p>` : html`<${Scroll} label="The matrix"><table class="matrix">
			<thead><tr><th scope="col">Action</th>${holders.map((holder) => html`<th scope="col" key=${holder.at} title=${holder.description}><span>${holder.name}</span></th>`)}</tr></thead>
			<tbody>${drawn.map((row, i) => html`${(i === 0 || drawn[i - 1].resource !== row.resource) && html`<tr key=${row.resource}><td class="path" colSpan=${holders.length + 1}><code>${row.resource.split('/').map((part, j) => j === 0 ? part : html`<wbr />/${part}`)}</code></td></tr>`}<tr key=${`${row.resource} ${row.action}`}>
				<th scope="row"><span>${row.action} <small class="dim">${row.methods.join(' ')}</small><span class="unseen"> on ${row.resource}</span></span></th>
				${holders.map((holder) => html`<${Cell} key=${holder.at} mark=${row.marks[holder.at]} holder=${holder} row=${row} />`)}</tr>`)}</tbody></table><//>
			${fitting.length > COLUMNS && html`<p class="dim">${COLUMNS} of ${fitting.length.toLocaleString('en')} roles and scopes: search for the others.</p>`}
			${found.length > ROWS && html`<p class="dim">${ROWS} of ${found.length.toLocaleString('en')} actions: search for the others.</p>`}
			${matrix.data.cut && html`<p class="dim">The first ${MOST.toLocaleString('en')} actions of the tree are shown.</p>`}`}<//><//>`;
}
