/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "daemon/load/stored_roles.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/roles/roles.h"
#include "daemon/write/audit.h"
#include "policy/snapshot/stored.h"

/* A role of another tenant does not grow by this change. */
static int check_growth(struct call *call, const struct pol_snapshot *next)
{
	uint32_t role = pol_stored_overgrown(call->snapshot, next);

	if (role == POL_NONE) {
		return 0;
	}
	return call_error(call, "limit_reached",
		"the role '%.*s' would have more than %d different conditional grants, with those "
		"that it inherits",
		POL_STR_ARGS(pol_snapshot_role_name(next, role)), POL_STORED_CONDITIONALS);
}

int roles_check(struct call *call, const struct store_role *role, uint32_t before,
	struct pol_snapshot **out)
{
	struct stored_roles_change change = { .put = role };
	struct pol_snapshot *next = NULL;
	int r = stored_roles_extend(call->read, call->snapshot, &change, &next);

	if (r == -ELOOP) {
		return call_error(call, "conflict", "a circle: the role would inherit itself");
	}
	if (r == -E2BIG) {
		return call_error(call, "limit_reached", "the store holds at most %d roles",
			STORED_ROLES_MAX);
	}
	if (r == -EDQUOT) {
		return call_error(call, "limit_reached",
			"the tenant has all roles that it may: the store holds %d, of which half "
			"is divided among the tenants, and the rest is taken",
			STORED_ROLES_MAX);
	}
	if (r == -EOVERFLOW || (r == 0 && stored_roles_are_too_large(call->snapshot, next))) {
		r = call_error(call, "limit_reached",
			"the roles of the store would take more than %g MiB of memory, with what "
			"they inherit: inherit fewer, or declare them in the policy's files",
			(double)STORED_ROLES_BYTES / (1 << 20));
	}
	if (r == 0) {
		r = check_growth(call, next);
	}
	if (r == 0) {
		r = roles_check_exclusive(call, role, next);
	}
	if (r == 0) {
		r = escalation_check_role(
			call, before, next, pol_stored_find(next, role->number, role->tenant));
	}
	if (r != 0) {
		pol_snapshot_unref(next);
		return r;
	}
	*out = next;
	return 0;
}

/* --- the trail -------------------------------------------------------------------------------- */

/* The names in a list of roles. */
static void note_inherits(struct audit_note *note, struct store_list from, struct store_list to)
{
	uint8_t bytes[2][STORE_MAX_LIST * (STORE_MAX_NAME + 2)];
	struct store_pack packs[2] = { { .bytes = bytes[0], .cap = sizeof bytes[0] },
		{ .bytes = bytes[1], .cap = sizeof bytes[1] } };
	struct store_list lists[2] = { from, to };
	struct pol_str item;
	uint64_t stored;

	for (int i = 0; i < 2; i++) {
		while (store_list_next(&lists[i], &item) &&
			store_pack_add(&packs[i], store_role_split(item, &stored))) {
		}
	}
	audit_note_list(note, "inherits", store_pack_list(&packs[0]), store_pack_list(&packs[1]));
}

void roles_note(struct audit_note *note, const struct store_role *from, const struct store_role *to)
{
	static const struct store_role none = { .tenant = 0 };

	from = from != NULL ? from : &none;
	to = to != NULL ? to : &none;
	audit_note_init(note);
	audit_note_text(note, "description", from->description, to->description);
	note_inherits(note, from->inherits, to->inherits);
	audit_note_list(note, "grants", from->grants, to->grants);
}
