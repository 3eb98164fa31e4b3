/* SPDX-License-Identifier: Apache-2.0 */
/* status: of keys, principals and tenants. Pure, and tested by itself. */

const WORDS = { active: 'on', inactive: 'off' };

/* A status as the pages say it. */
export function status_word(status) {
	return WORDS[status] || status;
}

/* Can it be switched on and off? A switch then says its status. */
export function can_turn(one) {
	return ['active', 'inactive'].includes(one.status) && one.deleted_at === undefined;
}
