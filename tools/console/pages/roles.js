/* SPDX-License-Identifier: Apache-2.0 */
/* roles: those of the policy's files and those of the store. */
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { may } from '../lib/api.js';
import { useLazy } from '../lib/lazy.js';
import { useLoad } from '../lib/load.js';
import { own_counts } from '../lib/role_effect.js';
import { go, href } from '../lib/route.js';
import { tenant_param, use_tenant_of } from '../lib/tenant.js';
import { ask, ask_list } from '../lib/tenant_calls.js';
import { MISSING, count, matches, source_of } from '../lib/text.js';
import { load_trees } from '../lib/trees.js';
import { Badge, Chips, DeclaredBy, Head, Loaded } from '../parts/bits.js';
import { Filter, Filters, ShowAll } from '../parts/filter.js';
import { Found } from '../parts/found.js';
import { Table } from '../parts/table.js';
import { Tenant } from '../parts/tenant.js';

const HOLDERS = 100; /* holders that are counted in the list */
const COUNTED = 200; /* roles of the files whose grants are counted here, since the daemon gives their lines alone */

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

	return html`<span class="two ${parts.length === 0 ? 'dim' : ''}">${parts.length === 0 ? page.cursor ? 'some' : 'nobody' : parts.join(', ')}</span>`;
}

/* What somebody should know of a role. */
export function Marks({ role }) {
	return html`${role.status === 'altered' && html`<${Badge} tone="bad">altered<//> `}
		${role.shadowed && html`<${Badge} tone="warn">shadowed<//> `}
		${role.dangling?.length > 0 && html`<${Badge} tone="warn">${role.dangling.length} missing<//> `}`;
}

function Inherits({ names, tab }) {
	return html`<span class="two chips-only"><${Chips} items=${names} most=${2} page="roles" tab=${tab} /></span>`;
}

/* How many permissions the role's own grants allow or deny. */
function Counted({ of, number }) {
	const inherits = of.inherits?.length > 0;

	return html`<span title=${`By its own grants${inherits ? ', without what it inherits' : ''}`}>${number !== undefined ? number.toLocaleString('en') : html`<span class="dim">see file</span>`}
		${inherits && number !== undefined && html`<small class="under">its own</small>`}</span>`;
}

const COLUMNS = [
	{ key: 'name', title: 'Role', min: 140, grow: 1, weight: 9, value: (role) => role.name, cell: (role, tab) => html`<a href=${href('roles', role.name)} tabIndex=${tab}>${role.name}</a> <${Marks} role=${role} />` },
	{ key: 'about', title: 'What it is for', min: 220, grow: 6, alone: true, weight: 6, value: (role) => role.description, brief: (role) => role.description, cell: (role) => role.description ? html`<span class="two" title=${role.description}>${role.description}</span>` : html`<span class="dim">no description</span>` },
	{ key: 'from', title: 'Declared by', min: 112, weight: 8, value: source_of, cell: (role) => html`<${DeclaredBy} of=${role} />` },
	{ key: 'inherits', title: 'Inherits', min: 136, grow: 2, weight: 4, value: (role) => (role.inherits || []).join(), cell: (role, tab) => html`<${Inherits} names=${role.inherits || []} tab=${tab} />` },
	{ key: 'allows', title: 'Allows', min: 84, weight: 3, end: true, value: (role) => role.allowed, brief: (role) => role.allowed !== undefined && `allows ${role.allowed}`, cell: (role) => html`<${Counted} of=${role} number=${role.allowed} />` },
	{ key: 'denies', title: 'Denies', min: 76, weight: 2, end: true, value: (role) => role.denied, cell: (role) => html`<${Counted} of=${role} number=${role.denied} />` },
];

const HELD = { key: 'holders', title: 'Held by', min: 140, grow: 1, weight: 5, brief: (role) => html`held by <${Holders} name=${role.name} />`, cell: (role) => html`<${Holders} name=${role.name} />` };

const SOURCES = [['store', 'the store'], ['files', 'the files']];
const NARROWING = ['from', 'only'];

const ONLY = {
	dangling: { text: MISSING, holds: (role) => role.dangling?.length > 0 },
	shadowed: { text: 'shadowed: the files have its name', holds: (role) => role.shadowed },
	altered: { text: 'altered', holds: (role) => role.status === 'altered' },
};
const ROW = 52; /* pixels: two lines */

/* What the own grants of the roles of the files come to: a map from names to {allowed, denied}. */
async function counts_of(roles) {
	const declared = roles.filter((role) => role.declared && may('read', `/roles/${role.name}`)).slice(0, COUNTED);
	const { index } = declared.length > 0 ? await load_trees() : {};
	const pairs = await Promise.all(declared.map(async ({ name }) => [name, await ask('roles.get', { name }).then((record) => own_counts(record, index)).catch(() => undefined)]));

	return new Map(pairs);
}

function fits(role, query) {
	return (!query.from || (query.from === 'files') === (role.declared === true)) && (!ONLY[query.only] || ONLY[query.only].holds(role));
}

export function RolesPage({ query }) {
	use_tenant_of(query);
	const [sort, set_sort] = useState({ key: 'name', down: false });
	const roles = useLoad(async (show) => (await ask_list('roles.list', {}, (items) => show(items))).items, [tenant_param()]);
	const counts = useLoad(async () => roles.data && !roles.loading ? counts_of(roles.data) : new Map(), [roles.data, roles.loading]);
	const search = query.search || '';
	const found = useMemo(() => (roles.data || []).map((role) => ({ ...role, ...counts.data?.get(role.name) })).filter((role) => fits(role, query) && matches(search, role.name, role.description, ...(role.inherits || []))), [roles.data, counts.data, search, query.from, query.only]);
	const columns = may('list', '/principals') && may('list', '/keys') ? [...COLUMNS.slice(0, 4), HELD, ...COLUMNS.slice(4)] : COLUMNS;

	return html`<${Head} title="Roles" about="What may be done, under one name. Roles of the files are changed in the policy’s files; roles of the store, the daemon’s own data, are changed here.">
			<${Tenant} />${may('create', '/roles') && html`<a class="button primary" href=${href('new-role')}>New role</a>`}<//>
		<${Loaded} of=${roles}>${(all) => html`
			<${Filters} what="roles" query=${query} words=${NARROWING}><${Filter} label="Declared by" any="Files or store" query=${query} word="from" options=${SOURCES} />
				<${Filter} label="More" any="More …" query=${query} word="only" options=${Object.entries(ONLY).map(([key, one]) => [key, one.text])} /><//>
			<${Found} found=${found.length} all=${all.length} word="role" busy=${roles.loading}><${ShowAll} query=${query} words=${NARROWING} /><//>
			<${Table} columns=${columns} rows=${found} id=${(role) => role.name} open=${(role) => go('roles', role.name)} label="Roles" height=${ROW} sort=${sort} set_sort=${set_sort}
				busy=${roles.loading} empty=${all.length === 0 ? 'There are no roles yet.' : 'No role is found.'} />`}<//>`;
}
