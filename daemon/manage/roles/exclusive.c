/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who would hold two exclusive roles by what a changed role inherits?
 *
 * All principals and keys of the tenant may have to be compared. That is done in parts, between
 * which others change the store: first principals by id, then keys by number, then, from the trail,
 * all that was changed since the first part. The last part ends at the trail's end, and the role is
 * stored in the transaction of that part, so nobody is missed. When the policy's files or a role of
 * the tenant change in between, what was compared is void, and all begins again.
 */
#include <errno.h>
#include <string.h>

#include "daemon/load/stored_roles.h"
#include "daemon/manage/roles/roles.h"
#include "policy/snapshot/stored.h"

/* Records, or entries of the trail, of one part. It takes about as long as making the snapshot that
 * each part needs, and is more than what others can change between two parts. */
#define PART 1024

/* How often all may begin again: then the caller is asked to send it again. */
#define MOST_BEGUN 16

enum phase { PRINCIPALS, KEYS, CHANGED };

/* The comparison of one part. */
struct exclusion {
	struct call *call;
	const struct pol_snapshot *next;
	struct call_slices *slices;
	unsigned seen;
	bool is_void; /* what was compared: a role of the tenant was changed */
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

static int refuse(struct exclusion *exclusion, const char *what, struct pol_str id)
{
	return call_error(exclusion->call, "conflict",
		"%s %.*s would hold two roles that the policy makes exclusive", what,
		POL_STR_ARGS(id));
}

/* 1: refused. */
static int check_principal(struct exclusion *exclusion, const struct store_principal *principal)
{
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
		       ? refuse(exclusion, "principal", principal->id)
		       : 0;
}

static int check_key(struct exclusion *exclusion, const struct store_key *key)
{
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
		       ? refuse(exclusion, "key", key->kid)
		       : 0;
}

/* --- the three walks: each ends when the part is full, with CALL_MORE ------------------------- */

static int end_part(struct exclusion *exclusion)
{
	return ++exclusion->seen == PART ? CALL_MORE : 0;
}

static int on_principal(void *context, const struct store_principal *principal)
{
	struct exclusion *exclusion = (struct exclusion *)context;
	struct call_slices *slices = exclusion->slices;
	int r = check_principal(exclusion, principal);

	if (r != 0) {
		return r;
	}
	if (principal->id.len > sizeof slices->id) {
		return -EBADMSG;
	}
	memcpy(slices->id, principal->id.ptr, principal->id.len);
	slices->id_len = principal->id.len;
	return end_part(exclusion);
}

static int on_key(void *context, const struct store_key *key)
{
	struct exclusion *exclusion = (struct exclusion *)context;
	int r = check_key(exclusion, key);

	if (r != 0) {
		return r;
	}
	exclusion->slices->after = key->number;
	return end_part(exclusion);
}

/* The record that was changed, as it is now. */
static int check_changed(struct exclusion *exclusion, const struct store_audit *audit)
{
	struct store_read *read = exclusion->call->read;
	struct store_principal principal;
	struct store_key key;
	int r = -ENOENT;

	if (audit->kind == STORE_AUDIT_PRINCIPAL) {
		r = store_get_principal(read, audit->tenant, audit->target, &principal);
		r = r == 0 ? check_principal(exclusion, &principal) : r;
	} else if (audit->kind == STORE_AUDIT_KEY) {
		r = store_get_key(read, audit->target, &key);
		r = r == 0 ? check_key(exclusion, &key) : r;
	}
	/* Removed since, of another kind, or altered, so that it allows nothing. */
	return r == -ENOENT || r == -EBADMSG ? 0 : r;
}

static int on_change(void *context, const struct store_audit *audit)
{
	struct exclusion *exclusion = (struct exclusion *)context;
	int r = check_changed(exclusion, audit);

	if (r != 0) {
		return r;
	}
	if (audit->kind == STORE_AUDIT_ROLE) {
		exclusion->is_void = true;
		return 1;
	}
	exclusion->slices->sequence = audit->sequence + 1;
	return end_part(exclusion);
}

/* 0: this phase is over. */
static int walk(struct exclusion *exclusion, uint32_t tenant)
{
	const struct store_audit_filter of_tenant = { .tenant = tenant };
	const struct call_slices *slices = exclusion->slices;
	struct store_read *read = exclusion->call->read;
	char id[STORE_MAX_NAME];

	switch ((enum phase)slices->phase) {
	case PRINCIPALS:
		memcpy(id, slices->id, slices->id_len);
		return store_list_principals(read, tenant, (struct pol_str){ id, slices->id_len },
			on_principal, exclusion);
	case KEYS:
		return store_list_keys(read, tenant, (struct pol_str){ NULL, 0 }, slices->after,
			on_key, exclusion);
	case CHANGED:
		break;
	}
	return store_list_audit(read, &of_tenant, slices->sequence, on_change, exclusion);
}

/* Before the first part, and when what was compared is void. */
static int begin(struct call *call, struct call_slices *slices)
{
	struct store_head head;
	int r = store_get_head(call->read, &head);

	if (r < 0) {
		return r;
	}
	if (slices->begun++ == MOST_BEGUN) {
		return call_error(call, "conflict",
			"the tenant's roles changed again and again while this change was compared "
			"with what it has: send it again");
	}
	slices->phase = PRINCIPALS;
	slices->id_len = 0;
	slices->after = 0;
	slices->sequence = head.count + 1;
	memcpy(slices->revision, pol_snapshot_revision(call->snapshot), sizeof slices->revision);
	return 0;
}

/* A role that all hold cannot be a member of an exclusive set; a role that became one by a change
 * of the policy stays. This is looked at in each part, so that no assignment in between is
 * missed. */
static int check_everyone(struct call *call, uint32_t tenant, const struct pol_snapshot *next)
{
	int r = 0;

	for (int kind = 0; r == 0 && kind < STORE_EVERYONE_KINDS; kind++) {
		struct store_assignment held;
		struct store_principal record;

		r = store_get_everyone(call->read, tenant, (enum store_everyone)kind, &record);
		if (r < 0) {
			r = r == -ENOENT ? 0 : r;
			continue;
		}
		while (r == 0 && store_assignment_next(&record.assignments, &held)) {
			uint32_t before =
				stored_roles_find(call->snapshot, tenant, held.role, held.stored);
			uint32_t after = stored_roles_find(next, tenant, held.role, held.stored);

			if (pol_snapshot_is_exclusive(next, after) &&
				!pol_snapshot_is_exclusive(call->snapshot, before)) {
				r = call_error(call, "conflict",
					"%.*s holds role %.*s, which would inherit a member of an "
					"exclusive set",
					POL_STR_ARGS(record.id), POL_STR_ARGS(held.role));
			}
		}
	}
	return r;
}

static int check_all(struct call *call, uint32_t tenant, const struct pol_snapshot *next)
{
	struct exclusion exclusion = { .call = call, .next = next, .slices = call->slices };
	struct call_slices *slices = call->slices;
	int r = 0;

	if (!slices->going ||
		strcmp(slices->revision, pol_snapshot_revision(call->snapshot)) != 0) {
		r = begin(call, slices);
	}
	if (r == 0) {
		r = check_everyone(call, tenant, next);
	}
	while (r == 0) {
		r = walk(&exclusion, tenant);
		if (exclusion.is_void) {
			exclusion.is_void = false;
			r = begin(call, slices);
		} else if (r != 0 || slices->phase == CHANGED) {
			break;
		} else {
			slices->phase++;
		}
	}
	return r;
}

/* --- roles ------------------------------------------------------------------------------------ */

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

int roles_check_exclusive(
	struct call *call, const struct store_role *role, const struct pol_snapshot *next)
{
	int r = check_heirs(call, role, next);

	/* Most changes need no walk over all that the tenant has. */
	if (r != 0 || role->number == ROLES_NEW ||
		!pol_stored_gains_exclusions(call->snapshot, next, role->tenant)) {
		return r;
	}
	return check_all(call, role->tenant, next);
}
