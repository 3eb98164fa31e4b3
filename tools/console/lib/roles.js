/* SPDX-License-Identifier: Apache-2.0 */
/* roles: a role with what it inherits, as the daemon has them. */
import { ancestors } from './role_effect.js';
import { ask, ask_list } from './tenant_calls.js';

/* All roles by name, as roles.list has them. */
export async function all_roles() {
	return new Map((await ask_list('roles.list')).items.map((role) => [role.name, role]));
}

/* The records of these roles and of all that they inherit, with their grants, the given ones first. What may not be read is
 * left out, and named in `unread`; what is missing from the policy is left out, as the role's own record says. */
export async function with_ancestors(names, by_name) {
	const all = [...new Set([...names, ...names.flatMap((name) => ancestors(name, by_name))])];
	const records = await Promise.all(all.map((name) => ask('roles.get', { name }).catch((error) => ({ name, refused: error.code ?? 'internal' }))));

	return { records: records.filter((record) => !record.refused), unread: records.filter((record) => record.refused && record.refused !== 'not_found').map((record) => record.name) };
}
