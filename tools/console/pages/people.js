/* SPDX-License-Identifier: Apache-2.0 */
/* people: the principals, persons and services, and what all of them and everybody hold. */
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { may } from '../lib/api.js';
import { useLazy } from '../lib/lazy.js';
import { useLoad } from '../lib/load.js';
import { go, href } from '../lib/route.js';
import { tenant_param, use_tenant_of } from '../lib/tenant.js';
import { ask, ask_list } from '../lib/tenant_calls.js';
import { matches, source_of } from '../lib/text.js';
import { Card, Chips, DeclaredBy, Head, Loaded, Time } from '../parts/bits.js';
import { open_dialog } from '../parts/dialog.js';
import { Filter, Filters, ShowAll } from '../parts/filter.js';
import { Found } from '../parts/found.js';
import { Table } from '../parts/table.js';
import { Tenant } from '../parts/tenant.js';
import { Assignments } from './assignments.js';
import { PersonSwitch } from './person_acts.js';
import { PersonEdit } from './person_edit.js';

const KEYS = 100; /* keys of a principal that are counted in the list */

function Roles({ id, tab }) {
	const items = useLazy(`roles of ${id} ${tenant_param()}`, async () => (await ask('assignments.list', { principal: id, limit: 64 })).items);

	return items ? html`<${Chips} items=${[...new Set(items.map((one) => one.role))]} most=${2} page="roles" tab=${tab} />` : items === null ? html`<span class="dim">—</span>` : html`<span class="dim">…</span>`;
}

function Keys({ id }) {
	const page = useLazy(`keys of ${id} ${tenant_param()}`, () => ask('keys.list', { principal: id, limit: KEYS }));

	return page ? html`<span>${page.items.length}${page.cursor ? '+' : ''}</span>` : html`<span class="dim">${page === null ? '—' : '…'}</span>`;
}

const COLUMNS = [
	{ key: 'id', title: 'ID', min: 140, grow: 2, weight: 9, value: (one) => one.id, cell: (one, tab) => html`<a href=${href('people', one.id)} tabIndex=${tab}>${one.id}</a>` },
	{ key: 'name', title: 'Name', min: 130, grow: 3, weight: 6, value: (one) => one.name, brief: (one) => one.name, cell: (one) => one.name ? html`<span title=${one.name}>${one.name}</span>` : html`<span class="dim">no name</span>` },
	{ key: 'kind', title: 'Kind', min: 90, weight: 3, value: (one) => one.kind, cell: (one) => one.kind === 'user' ? 'person' : one.kind },
	{ key: 'status', title: 'Status', min: 106, weight: 8, value: (one) => one.status, cell: (one, tab) => html`<${PersonSwitch} one=${one} tab=${tab} />` },
	{ key: 'roles', title: 'Roles', min: 180, grow: 3, weight: 5, brief: (one, tab) => html`<${Roles} id=${one.id} tab=${tab} />`, cell: (one, tab) => html`<${Roles} id=${one.id} tab=${tab} />` },
	{ key: 'keys', title: 'Keys', min: 70, weight: 4, end: true, cell: (one) => html`<${Keys} id=${one.id} />` },
	{ key: 'from', title: 'Declared by', min: 120, weight: 2, value: source_of, cell: (one) => html`<${DeclaredBy} of=${one} />` },
	{ key: 'created', title: 'Created', min: 120, weight: 1, value: (one) => one.created_at, cell: (one) => html`<${Time} at=${one.created_at} />` },
];

const KINDS = [['user', 'persons'], ['service', 'services']];
const STATES = [['active', 'on'], ['inactive', 'off'], ['altered', 'altered']];
/* Of `dangling`: the names of attributes that the policy declares with another type. */
const ONLY = [['dangling', 'an attribute of the wrong type']];
const SOURCES = [['store', 'the store'], ['files', 'the files']];
const NARROWING = ['kind', 'status', 'from', 'role', 'only'];

function fits(one, query, holders) {
	return (!query.kind || one.kind === query.kind)
		&& (!query.status || one.status === query.status)
		&& (query.only !== 'dangling' || one.dangling?.length > 0)
		&& (!query.from || (query.from === 'files') === (one.declared === true))
		&& (!query.role || holders?.has(one.id));
}

export function PeoplePage({ query }) {
	use_tenant_of(query);
	const [sort, set_sort] = useState({ key: 'id', down: false });
	const people = useLoad(async (show) => (await ask_list('principals.list', {}, (items) => show(items))).items, [tenant_param()]);
	const may_assignments = may('list', '/assignments');
	const may_keys = may('list', '/keys');
	const columns = useMemo(() => COLUMNS.filter((column) => column.key === 'roles' ? may_assignments : column.key !== 'keys' || may_keys), [may_assignments, may_keys]);
	const roles = useLoad(async () => !may_assignments || !may('list', '/roles') ? null : (await ask_list('roles.list')).items.map((role) => role.name), [tenant_param()]);
	const holders = useLoad(async () => query.role ? new Set((await ask_list('assignments.list', { role: query.role })).items.map((one) => one.principal)) : null, [query.role, tenant_param()]);
	const search = query.search || '';
	const found = useMemo(() => (people.data || []).filter((one) => matches(search, one.id, one.name, one.kind === 'user' ? 'person' : one.kind, ...Object.values(one.attributes || {})) && fits(one, query, holders.data)),
		[people.data, search, query.kind, query.status, query.from, query.role, query.only, holders.data]);
	const filter = (word, options, label, any) => html`<${Filter} label=${label} any=${any} query=${query} word=${word} options=${options} />`;

	return html`<${Head} title="People and services" about="Who holds roles and keys. The policy calls each of them a principal. A role can be assigned until a date, and for some places alone: a place is a resource, such as one loan, with all below it.">
			<${Tenant} />${may('create', '/principals') && html`<button type="button" class="primary" onClick=${() => open_dialog(PersonEdit)}>New person or service</button>`}<//>
		<${Loaded} of=${people}>${(all) => html`
			<${Filters} what="people and services" query=${query} words=${NARROWING}>
				${filter('kind', KINDS, 'Kind', 'Any kind')}${filter('status', STATES, 'Status', 'Any status')}${filter('from', SOURCES, 'Declared by', 'Files or store')}
				${roles.data && filter('role', roles.data.map((role) => [role, role]), 'Role', 'Any role')}${filter('only', ONLY, 'More', 'More …')}<//>
			<${Found} found=${found.length} all=${all.length} word="principal" busy=${people.loading}><${ShowAll} query=${query} words=${NARROWING} /><//>
			<${Table} columns=${columns} rows=${found} id=${(one) => one.id} open=${(one) => go('people', one.id)} label="People and services" sort=${sort} set_sort=${set_sort}
				busy=${people.loading} empty=${all.length === 0 ? 'There is nobody yet.' : 'Nobody is found.'} />
			${may_assignments && html`<div class="columns below">
				<${Card} title="Every principal holds"><p class="dim">Every person and service has these roles, also those created later. Keys without a principal do not.</p>
					<${Assignments} holder=${{ everyone: true }} /><//>
				<${Card} title="Every caller holds"><p class="dim">Anyone who asks, with any key or without one where the policy lets such callers in. Such a role is given for a place, and counts there alone.</p>
					<${Assignments} holder=${{ anyone: true }} /><//>
			</div>`}`}<//>`;
}
