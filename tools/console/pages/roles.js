/* SPDX-License-Identifier: Apache-2.0 */
/* roles: those of the policy's files and those of the store. */
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { may } from '../lib/api.js';
import { useLazy } from '../lib/lazy.js';
import { useLoad } from '../lib/load.js';
import { go, href } from '../lib/route.js';
import { tenant_param, use_tenant_of } from '../lib/tenant.js';
import { ask, ask_list } from '../lib/tenant_calls.js';
import { count, matches } from '../lib/text.js';
import { Badge, Chips, Head, Loaded } from '../parts/bits.js';
import { Filter, Filters, ShowAll } from '../parts/filter.js';
import { Found } from '../parts/found.js';
import { Table } from '../parts/table.js';
import { Tenant } from '../parts/tenant.js';

const HOLDERS = 100; /* holders that are counted in the list */

/* Who holds a role, counted, in words: "2 people, 200+ keys" */
function Holders({ name }) {
	const page = useLazy(`holders of ${name} ${tenant_param()}`, () => name === 'anyone' ? Promise.resolve(null) : ask('roles.holders', { name, limit: HOLDERS }));

	if (name === 'anyone') {
		return html`<span>every caller</span>`;
	}
	if (!page) {
		return html`<span class="dim">${page === null ? '—' : '…'}</span>`;
	}
	const of = (kind) => page.items.filter((item) => item.kind === kind).length;
	const parts = [of('everyone') && 'every principal', of('anyone') && 'every caller', of('principal') && count(of('principal'), 'principal'), of('key') && `${of('key')}${page.cursor ? '+' : ''} keys`.replace(/^1 keys/, '1 key')].filter(Boolean);

	return html`<span class=${parts.length === 0 ? 'dim' : ''}>${parts.length === 0 ? page.cursor ? 'some' : 'nobody' : parts.join(', ')}</span>`;
}

/* What somebody should know of a role. */
export function Marks({ role }) {
	return html`${role.status === 'altered' && html`<${Badge} tone="bad">altered<//> `}
		${role.shadowed && html`<${Badge} tone="warn">shadowed<//> `}
		${role.dangling?.length > 0 && html`<${Badge} tone="warn">${role.dangling.length} dangling<//> `}`;
}

const COLUMNS = [
	{ key: 'name', title: 'Role', min: 160, grow: 2, weight: 9, value: (role) => role.name, cell: (role, tab) => html`<a href=${href('roles', role.name)} tabIndex=${tab}>${role.name}</a> <${Marks} role=${role} />` },
	{ key: 'about', title: 'What it is for', min: 180, grow: 4, weight: 6, value: (role) => role.description, cell: (role) => role.description ? html`<span title=${role.description}>${role.description}</span>` : html`<span class="dim">no description</span>` },
	{ key: 'from', title: 'Declared by', min: 116, weight: 8, value: (role) => role.declared ? 'the files' : 'the store', cell: (role) => role.declared ? html`<${Badge} tone="info">the files<//>` : html`<${Badge}>the store<//>` },
	{ key: 'inherits', title: 'Inherits', min: 150, grow: 2, weight: 4, value: (role) => (role.inherits || []).join(), cell: (role) => html`<${Chips} items=${role.inherits} most=${2} />` },
	{ key: 'allows', title: 'Allows', min: 80, weight: 3, end: true, value: (role) => role.allowed, cell: (role) => role.allowed ?? html`<span class="dim">—</span>` },
	{ key: 'denies', title: 'Denies', min: 80, weight: 2, end: true, value: (role) => role.denied, cell: (role) => role.denied ?? html`<span class="dim">—</span>` },
];

const HELD = { key: 'holders', title: 'Held by', min: 170, grow: 2, weight: 5, cell: (role) => html`<${Holders} name=${role.name} />` };

const SOURCES = [['store', 'the store'], ['files', 'the files'], ['attention', 'needs a look']];
const NARROWING = ['from'];

function fits(role, from) {
	return !from || (from === 'attention' ? role.shadowed || role.status === 'altered' || role.dangling?.length > 0 : (from === 'files') === (role.declared === true));
}

export function RolesPage({ query }) {
	use_tenant_of(query);
	const [sort, set_sort] = useState({ key: 'name', down: false });
	const roles = useLoad(async (show) => (await ask_list('roles.list', {}, (items) => show(items))).items, [tenant_param()]);
	const search = query.search || '';
	const found = useMemo(() => (roles.data || []).filter((role) => fits(role, query.from) && matches(search, role.name, role.description, ...(role.inherits || []))), [roles.data, search, query.from]);
	const columns = may('list', '/principals') && may('list', '/keys') ? [...COLUMNS.slice(0, 4), HELD, ...COLUMNS.slice(4)] : COLUMNS;

	return html`<${Head} title="Roles" about="What may be done, under one name. Roles of the policy’s files are changed there; those of the store here.">
			<${Tenant} />${may('create', '/roles') && html`<a class="button primary" href=${href('new-role')}>New role</a>`}<//>
		<${Loaded} of=${roles}>${(all) => html`
			<${Filters} what="roles" query=${query} words=${NARROWING}><${Filter} label="Declared by" any="Any source" query=${query} word="from" options=${SOURCES} /><//>
			<${Found} found=${found.length} all=${all.length} word="role" busy=${roles.loading}><${ShowAll} query=${query} words=${NARROWING} /><//>
			<${Table} columns=${columns} rows=${found} id=${(role) => role.name} open=${(role) => go('roles', role.name)} label="Roles" sort=${sort} set_sort=${set_sort}
				busy=${roles.loading} empty=${all.length === 0 ? 'There are no roles yet.' : 'No role is found.'} />`}<//>`;
}
