/* SPDX-License-Identifier: Apache-2.0 */
/* role: one role: what it allows, as a tree and as written, its source and tests, and who holds it. */
import { html } from 'htm/preact';
import { may, session } from '../lib/api.js';
import { changed, useLoad } from '../lib/load.js';
import { ordered } from '../lib/order.js';
import { position } from '../lib/position.js';
import { ancestors } from '../lib/role_effect.js';
import { all_roles, with_ancestors } from '../lib/roles.js';
import { go, href } from '../lib/route.js';
import { ask, use_tenant } from '../lib/tenant_calls.js';
import { load_trees } from '../lib/trees.js';
import { Card, DeclaredBy, Empty, Facts, Head, Loaded, Position, Time } from '../parts/bits.js';
import { confirm } from '../parts/dialog.js';
import { Actor } from '../parts/record.js';
import { RoleTree } from '../parts/role_tree.js';
import { say } from '../parts/toast.js';
import { Trail } from '../parts/trail_of.js';
import { RoleFiles } from './role_files.js';
import { Holders } from './role_holders.js';
import { Marks } from './roles.js';

const BACK = { href: '#/roles', text: 'Roles' };

export function Names({ of }) {
	return of.length === 0 ? html`<span class="dim">none</span>` : html`<span class="chips">${of.map((name) => html`<a class="chip" key=${name} href=${href('roles', name)}>${name}</a>`)}</span>`;
}

function remove(role) {
	confirm({ title: `Delete the role ${role.name}?`, action: 'Delete',
		about: 'Those who hold it lose at once what it allows, and what it denies is denied no longer. A role that is created later under its name is another one: these assignments do not give it.',
		doing: async () => {
			await ask('roles.delete', { name: role.name });
			say(`The role ${role.name} is deleted.`);
			go('roles');
			changed();
		} });
}

/* Grants as written, each with its place in the files. */
function Grants({ role }) {
	const lines = (role.grants || []).map((grant, i) => ({ grant, at: role.positions?.[i] }));
	const grants = role.positions ? ordered(ordered(lines, { value: ({ at }) => at?.line }), { value: ({ at }) => at?.file }) : lines;

	return grants.length === 0 ? html`<p class="dim">It has no grants of its own.</p>` : html`<ol class="grants">${grants.map(({ grant, at }, i) => html`<li key=${i}>
		<code class=${grant.startsWith('deny') ? 'denial' : ''}>${grant}</code>${at && html` <${Position} ...${position(at)} />`}</li>`)}</ol>`;
}

function Notes({ role }) {
	return html`
		${role.status === 'altered' && html`<div class="box bad"><strong>The record of this role was altered outside of the daemon.</strong><p>Delete it, and create it again. What it allowed counts no longer.</p></div>`}
		${role.shadowed && html`<div class="box warn"><strong>The policy’s files declare a role of this name now.</strong>
			<p>This one allows nothing; what it denies stays denied. Create it again under another name, then delete it.</p></div>`}
		${role.dangling?.length > 0 && html`<div class="box warn"><strong>This role names what is missing from the policy:</strong>
			<ul class="plain">${role.dangling.map((one) => html`<li key=${one}><code>${one}</code></li>`)}</ul><p>These have no effect. Edit the role to remove them, or add them to the policy.</p></div>`}`;
}

async function load(name) {
	const [role, by_name, trees] = await Promise.all([ask('roles.get', { name }), all_roles().catch(() => new Map()), load_trees().catch(() => null)]);
	const { records, unread } = await with_ancestors(role.inherits || [], by_name);

	return { role, by_name, trees, records: [role, ...records], unread };
}

export function RolePage({ id, query }) {
	use_tenant(query);
	const of = useLoad(() => load(id), [id]);

	if (of.error?.code === 'not_found') {
		return html`<${Head} title=${id} back=${BACK} /><${Empty} title="There is no such role"><p>It may have been deleted.</p><//>`;
	}
	const role = of.data?.role;
	const node = `/roles/${id}`;
	const is_ours = role && !role.declared && role.status !== 'altered' && !role.shadowed;

	return html`<${Head} title=${id} back=${BACK} about=${role?.description}>
			${role && role.status !== 'altered' && may('create', '/roles') && html`<a class="button" href=${href('new-role', null, { from: id })}>Duplicate</a>`}
			${is_ours && may('update', node) && html`<a class="button" href=${href('edit-role', id)}>Edit …</a>`}
			${role && !role.declared && may('delete', node) && html`<button type="button" class="risky" onClick=${() => remove(role)}>Delete …</button>`}<//>
		<${Loaded} of=${of}>${({ by_name, trees, records, unread }) => html`<div class="stack">
			<${Notes} role=${role} />
			<div class="columns two">
				<${Card} title="About"><${Facts} rows=${[
					['Declared by', html`<${DeclaredBy} of=${role} /> <${Marks} role=${role} />`],
					['Declared at', role.file && html`<${Position} ...${position(role)} />`],
					['Inherits', html`<${Names} of=${role.inherits || []} />`],
					['Inherited by', html`<${Names} of=${[...by_name.values()].filter((one) => ancestors(one.name, by_name).includes(id)).map((one) => one.name)} />`],
					['Allows', role.allowed !== undefined && `${role.allowed} permissions by its own grants${role.denied ? `, and denies ${role.denied}` : ''}`],
					['Created', role.created_at && html`<${Time} at=${role.created_at} /> by <${Actor} actor=${role.created_by} />`],
					['Changed', role.updated_at && role.updated_at !== role.created_at && html`<${Time} at=${role.updated_at} />`],
				]} /><//>
				<${Card} title="Grants as written" aside=${role.declared && html`<span class="dim">read-only here</span>`}><${Grants} role=${role} />
					${!role.declared && html`<p class="tip">A pattern such as <code>/**</code> became a list of what the policy had when the role was saved. What the policy gets later is not in this role until it is edited and saved again.</p>`}<//>
			</div>
			<${Holders} name=${id} />
			<${Card} title="Permissions" aside=${html`<span class="dim">with what is inherited; a denial wins</span>`}>
				${unread.length > 0 && html`<p class="dim">Without ${unread.join(', ')}, which you may not read.</p>`}
				${trees ? html`<${RoleTree} index=${trees.index} records=${records} label=${`Permissions of ${id}`} />` : html`<p class="dim">The daemon does not give the policy’s trees.</p>`}<//>
			${role.declared && session.value.folder && html`<${RoleFiles} name=${id} />`}
			${!role.declared && html`<${Trail} kind="role" target=${id} />`}
		</div>`}<//>`;
}
