/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"

/* Sets of one policy that are equal share their lists, so roles with the same sets and the same
 * list of conditions are compared once. */

static const struct pol_grantee none = { 0 };

static bool is_equal(const struct pol_permset *a, const struct pol_permset *b)
{
	if (a->count != b->count || (a->count > 0 && memcmp(a->numbers, b->numbers,
							     a->count * sizeof *a->numbers) != 0)) {
		return false;
	}
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->chunks[i] != b->chunks[i] &&
			memcmp(a->chunks[i], b->chunks[i], sizeof *a->chunks[i]) != 0) {
			return false;
		}
	}
	return true;
}

/* The set as a bitmap of the joined trees. */
static void spread(
	struct pol_compare *compare, int side, const struct pol_permset *set, uint64_t *out)
{
	size_t chunks = (size_t)compare->sides[side]->permission_count / POL_CHUNK_BITS + 1;
	uint64_t *scratch = compare->scratch[side];

	if (set->count == 0) {
		memset(out, 0, compare->joint.words * sizeof *out);
		return;
	}
	memset(scratch, 0, chunks * sizeof(struct pol_chunk));
	for (uint32_t i = 0; i < set->count; i++) {
		memcpy(scratch + (size_t)set->numbers[i] * POL_CHUNK_WORDS, set->chunks[i]->words,
			sizeof set->chunks[i]->words);
	}
	pol_joint_translate(&compare->joint, (enum pol_side)side, scratch, out);
}

/* Is everything of the one bitmap in the other? If not, adds the rest to *out, unless that is NULL.
 */
static enum pol_status add_rest(struct pol_compare *compare, const uint64_t *const both[POL_SIDES],
	enum pol_change_kind kind, struct pol_changes *out, bool *equal)
{
	uint64_t any = 0;

	for (size_t w = 0; w < compare->joint.words; w++) {
		compare->result[w] = both[0][w] & ~both[1][w];
		any |= compare->result[w];
	}
	*equal = *equal && any == 0;
	return any != 0 && out != NULL ? pol_fold(compare, compare->result, kind, NULL, out)
				       : POL_OK;
}

/* Finds the permissions that depend on conditions; they are taken out of the other sets. */
static bool set_aside(struct pol_compare *compare, const struct pol_grantee *const both[POL_SIDES])
{
	uint64_t any = 0;

	memset(compare->sometimes, 0, compare->joint.words * sizeof *compare->sometimes);
	for (int side = 0; side < POL_SIDES; side++) {
		if (pol_permset_is_empty(&both[side]->sometimes)) {
			continue;
		}
		spread(compare, side, &both[side]->sometimes, compare->result);
		for (size_t w = 0; w < compare->joint.words; w++) {
			compare->sometimes[w] |= compare->result[w];
			any |= compare->result[w];
		}
	}
	for (size_t w = 0; any != 0 && w < compare->joint.words; w++) {
		for (int side = 0; side < POL_SIDES; side++) {
			compare->allow[side][w] &= ~compare->sometimes[w];
			compare->deny[side][w] &= ~compare->sometimes[w];
		}
	}
	return any != 0;
}

static enum pol_status compare_sets(struct pol_compare *compare,
	const struct pol_grantee *const both[POL_SIDES], struct pol_changes *out, bool *equal)
{
	uint64_t **allow = compare->allow;
	uint64_t **deny = compare->deny;
	const struct {
		const uint64_t *both[POL_SIDES];
		enum pol_change_kind kind;
	} parts[] = {
		{ { allow[1], allow[0] }, POL_CHANGE_GAINED },
		{ { allow[0], allow[1] }, POL_CHANGE_LOST },
		{ { deny[1], deny[0] }, POL_CHANGE_DENIED },
		{ { deny[0], deny[1] }, POL_CHANGE_UNDENIED },
	};
	enum pol_status status = POL_OK;
	bool some;

	*equal = true;
	if (compare->joint.equal && is_equal(&both[0]->allow, &both[1]->allow) &&
		is_equal(&both[0]->deny, &both[1]->deny) && both[0]->conditional_count == 0 &&
		both[1]->conditional_count == 0) {
		return POL_OK;
	}
	for (int side = 0; side < POL_SIDES; side++) {
		spread(compare, side, &both[side]->allow, allow[side]);
		spread(compare, side, &both[side]->deny, deny[side]);
		for (size_t w = 0; w < compare->joint.words; w++) {
			allow[side][w] &= ~deny[side][w];
		}
	}
	some = set_aside(compare, both);
	for (size_t i = 0; status == POL_OK && i < sizeof parts / sizeof parts[0]; i++) {
		status = add_rest(compare, parts[i].both, parts[i].kind, out, equal);
	}
	return status == POL_OK && some ? pol_compare_conditions(compare, both, out, equal)
					: status;
}

static struct pol_grantee_slot *find_slot(
	const struct pol_compare *compare, const void *const lists[3 * POL_SIDES])
{
	uint64_t hash = POL_HASH_SEED;
	size_t at;

	for (int i = 0; i < 3 * POL_SIDES; i++) {
		hash = (hash ^ (uintptr_t)lists[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	at = hash & compare->slot_mask;
	while (compare->slots[at].used &&
		memcmp(compare->slots[at].lists, lists, sizeof compare->slots[at].lists) != 0) {
		at = (at + 1) & compare->slot_mask;
	}
	return &compare->slots[at];
}

/* Are both equal? If not, adds the changes to *out, unless that is NULL. */
static enum pol_status compare_known(struct pol_compare *compare, const struct pol_grantee *before,
	const struct pol_grantee *after, struct pol_changes *out, bool *out_equal)
{
	const struct pol_grantee *const both[POL_SIDES] = { before != NULL ? before : &none,
		after != NULL ? after : &none };
	const void *lists[3 * POL_SIDES];
	struct pol_grantee_slot *slot;
	enum pol_status status;

	for (int i = 0; i < POL_SIDES; i++) {
		const struct pol_permset *allow = &both[i]->allow, *deny = &both[i]->deny;

		lists[3 * i] = allow->count > 0 ? (const void *)allow->chunks : NULL;
		lists[3 * i + 1] = deny->count > 0 ? (const void *)deny->chunks : NULL;
		lists[3 * i + 2] =
			both[i]->conditional_count > 0 ? (const void *)both[i]->conditionals : NULL;
	}
	slot = find_slot(compare, lists);
	*out_equal = slot->used && slot->equal;
	if (slot->used && (slot->equal || out == NULL)) {
		return POL_OK;
	}
	status = compare_sets(compare, both, out, out_equal);
	/* The table stays half empty; what does not fit is compared again. */
	if (status == POL_OK && !slot->used && compare->slots_used <= compare->slot_mask / 2) {
		memcpy(slot->lists, lists, sizeof slot->lists);
		slot->used = true;
		slot->equal = *out_equal;
		compare->slots_used++;
	}
	return status;
}

enum pol_status pol_compare_grantees(struct pol_compare *compare, const struct pol_grantee *before,
	const struct pol_grantee *after, bool *out_equal)
{
	return compare_known(compare, before, after, NULL, out_equal);
}

static enum pol_status compare_one(struct pol_compare *compare, const struct pol_grantee *before,
	const struct pol_grantee *after, struct pol_difference *out)
{
	struct pol_changes changes = { 0 };
	bool equal;
	enum pol_status status;

	pol_compare_next(compare);
	status = compare_known(compare, before, after, &changes, &equal);
	*out = (struct pol_difference){
		.kind = POL_COMPARED_ROLE,
		.presence = before == NULL  ? POL_IN_AFTER
			    : after == NULL ? POL_IN_BEFORE
					    : POL_IN_BOTH,
		.name = after != NULL ? after->name : before->name,
		.changes = changes.items,
		.count = changes.count,
	};
	return status;
}

enum pol_status pol_compare_roles(
	struct pol_compare *compare, uint32_t before, uint32_t after, struct pol_difference *out)
{
	const struct pol_grantee *roles[POL_SIDES] = { NULL, NULL };
	const uint32_t numbers[POL_SIDES] = { before, after };

	for (int side = 0; side < POL_SIDES; side++) {
		if (numbers[side] < compare->sides[side]->role_count) {
			roles[side] = &compare->sides[side]->roles[numbers[side]];
		}
	}
	if (roles[0] == NULL && roles[1] == NULL) {
		*out = (struct pol_difference){ .kind = POL_COMPARED_ROLE };
		return POL_OK;
	}
	return compare_one(compare, roles[0], roles[1], out);
}

struct grantees {
	const struct pol_grantee *items;
	uint32_t count;
	const struct pol_names *names;
};

static struct grantees list_of(const struct pol_snapshot *snapshot, bool scopes)
{
	if (scopes) {
		return (struct grantees){ snapshot->scopes, snapshot->scope_count,
			&snapshot->scope_names };
	}
	return (struct grantees){ snapshot->roles, snapshot->role_count - snapshot->stored_count,
		&snapshot->role_names };
}

enum pol_status pol_compare_all_grantees(
	struct pol_compare *compare, bool scopes, pol_compare_visit visit, void *context)
{
	struct grantees before = list_of(compare->sides[POL_SIDE_BEFORE], scopes);
	struct grantees after = list_of(compare->sides[POL_SIDE_AFTER], scopes);
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < after.count + before.count; i++) {
		const struct pol_grantee *old, *new;
		struct pol_difference difference;
		uint32_t number;

		if (i < after.count) {
			new = &after.items[i];
			number = pol_names_find(before.names, new->name);
			old = number != POL_NONE ? &before.items[number] : NULL;
		} else {
			new = NULL;
			old = &before.items[i - after.count];
			if (pol_names_find(after.names, old->name) != POL_NONE) {
				continue;
			}
		}
		status = compare_one(compare, old, new, &difference);
		difference.kind = scopes ? POL_COMPARED_SCOPE : POL_COMPARED_ROLE;
		if (status == POL_OK &&
			(difference.count > 0 || difference.presence != POL_IN_BOTH)) {
			visit(context, &difference);
		}
	}
	return status;
}
