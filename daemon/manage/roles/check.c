/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "daemon/load/stored_roles.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/roles/roles.h"
#include "daemon/write/audit.h"
#include "policy/snapshot/stored.h"

/* Finds principals and keys that would hold two exclusive roles because of what a role inherits. */
struct exclusion {
	struct call *call;
	const struct pol_snapshot *next;
	int r;
};

static bool breaches(const struct pol_snapshot *snapshot, const uint32_t *roles, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (pol_snapshot_exclusive(snapshot, roles[i], roles[k]) != POL_NONE) {
				return true;
			}
		}
	}
	return false;
}

static int refuse_exclusive(struct exclusion *exclusion, const char *what, struct pol_str id)
{
	exclusion->r = call_error(exclusion->call, "conflict",
		"%s %.*s would hold two roles that the policy makes exclusive", what,
		POL_STR_ARGS(id));
	return 1;
}

static int on_principal(void *context, const struct store_principal *principal)
{
	struct exclusion *exclusion = (struct exclusion *)context;
	uint32_t before[STORE_MAX_ASSIGNMENTS], after[STORE_MAX_ASSIGNMENTS];
	struct store_list left = principal->assignments;
	struct store_assignment held;
	size_t count = 0;

	while (count < STORE_MAX_ASSIGNMENTS && store_assignment_next(&left, &held)) {
		if (held.until != 0 && exclusion->call->now >= held.until) {
			continue;
		}
		before[count] = stored_roles_find(
			exclusion->call->snapshot, principal->tenant, held.role, held.stored);
		after[count++] = stored_roles_find(
			exclusion->next, principal->tenant, held.role, held.stored);
	}
	return breaches(exclusion->next, after, count) &&
			       !breaches(exclusion->call->snapshot, before, count)
		       ? refuse_exclusive(exclusion, "principal", principal->id)
		       : 0;
}

static int on_key(void *context, const struct store_key *key)
{
	struct exclusion *exclusion = (struct exclusion *)context;
	uint32_t before[STORE_MAX_LIST], after[STORE_MAX_LIST];
	struct store_list left = key->roles;
	struct pol_str item;
	size_t count = 0;

	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return 0;
	}
	while (count < STORE_MAX_LIST && store_list_next(&left, &item)) {
		uint64_t stored;
		struct pol_str name = store_role_split(item, &stored);

		before[count] =
			stored_roles_find(exclusion->call->snapshot, key->tenant, name, stored);
		after[count++] = stored_roles_find(exclusion->next, key->tenant, name, stored);
	}
	return breaches(exclusion->next, after, count) &&
			       !breaches(exclusion->call->snapshot, before, count)
		       ? refuse_exclusive(exclusion, "key", key->kid)
		       : 0;
}

/* Neither the changed role, nor any that inherits from it, may inherit two exclusive roles. A role
 * that did so before this call, because of a change of the policy, may keep them unless it is the
 * one that is changed. */
static int check_heirs(
	struct call *call, const struct store_role *role, const struct pol_snapshot *next)
{
	uint32_t count = (uint32_t)pol_snapshot_role_count(next);
	uint32_t first = count - (uint32_t)pol_stored_role_count(next);

	for (uint32_t i = first; i < count; i++) {
		uint64_t number = pol_stored_number(next, i);
		uint32_t members[2], old[2];

		if (!pol_stored_breaches(next, i, members) ||
			(number != role->number &&
				pol_stored_breaches(call->snapshot,
					pol_stored_find(call->snapshot, number, role->tenant),
					old))) {
			continue;
		}
		return call_error(call, "conflict",
			"role %.*s would hold %.*s and %.*s, which the policy makes exclusive",
			POL_STR_ARGS(pol_snapshot_role_name(next, i)),
			POL_STR_ARGS(pol_snapshot_role_name(next, members[0])),
			POL_STR_ARGS(pol_snapshot_role_name(next, members[1])));
	}
	return 0;
}

static int check_no_exclusive(
	struct call *call, const struct store_role *role, const struct pol_snapshot *next)
{
	struct exclusion exclusion = { .call = call, .next = next };
	const struct pol_str any = { NULL, 0 };
	int r;

	r = check_heirs(call, role, next);
	if (r != 0) {
		return r;
	}
	/* Most changes need no walk over all that the tenant has. */
	if (!pol_stored_gains_exclusions(call->snapshot, next, role->tenant)) {
		return 0;
	}
	r = store_list_principals(call->read, role->tenant, any, on_principal, &exclusion);
	if (r == 0) {
		r = store_list_keys(call->read, role->tenant, any, 0, on_key, &exclusion);
	}
	return r < 0 ? r : exclusion.r;
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
	if (r == 0) {
		r = check_no_exclusive(call, role, next);
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
