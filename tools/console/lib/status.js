/* SPDX-License-Identifier: Apache-2.0 */
/* status: of keys, principals and tenants. Pure, and tested by itself. */

/* Can it be switched on and off? A switch then says its status. */
export function can_turn(one) {
	return ['active', 'inactive'].includes(one.status) && one.deleted_at === undefined;
}
