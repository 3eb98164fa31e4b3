/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/escalation_internal.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/stored.h"

/*
 * A subject that holds a role holds what it inherits, and conditions may ask for that:
 * `principal.roles has "clerk"`. So a change of what a role inherits changes what other roles of
 * its holders allow, which are not known here.
 */

/* The roles that one role is or inherits. */
struct lineage {
	uint32_t roles[POL_TRUTH_ROLES]; /* the role itself is the first */
	uint32_t first;                  /* 1: the role itself does not count, else 0 */
	uint32_t count;
	bool doubtful; /* it may have others */
};

static bool has_role(const struct lineage *lineage, uint32_t role)
{
	for (uint32_t i = lineage->first; i < lineage->count; i++) {
		if (lineage->roles[i] == role) {
			return true;
		}
	}
	return false;
}

static void add_role(const struct pol_snapshot *snapshot, uint32_t role, struct lineage *lineage)
{
	if (role >= snapshot->role_count || has_role(lineage, role)) {
		return;
	}
	if (lineage->count == POL_TRUTH_ROLES || pol_stored_is_shadowed(snapshot, role)) {
		lineage->doubtful = true;
		return;
	}
	lineage->roles[lineage->count++] = role;
}

static void find_lineage(const struct pol_snapshot *snapshot, uint32_t role, struct lineage *out)
{
	*out = (struct lineage){ .count = 0 };
	add_role(snapshot, role, out);
	for (uint32_t i = 0; i < out->count; i++) {
		const struct pol_origin *origin = &snapshot->role_origins[out->roles[i]];

		for (uint32_t p = 0; p < origin->parent_count; p++) {
			add_role(snapshot, origin->parents[p], out);
		}
	}
}

/* A change of lineage. Roles of the files have one number in both snapshots. */
struct change {
	const struct pol_snapshot *snapshot;
	struct lineage before, after;
};

static bool asks_for_changed(const struct change *change, const struct pol_predicate *predicate)
{
	uint32_t role;

	if (predicate->left.kind != POL_OPERAND_FACT ||
		predicate->left.number != POL_FACT_PRINCIPAL_ROLES) {
		return false;
	}
	role = pol_snapshot_role(change->snapshot, predicate->right.value.text);
	return change->before.doubtful || change->after.doubtful ||
	       has_role(&change->before, role) != has_role(&change->after, role);
}

static bool depends(const struct change *change, const struct pol_condition *condition)
{
	if (condition->kind == POL_CONDITION_PREDICATE) {
		return asks_for_changed(change, condition->predicate);
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		if (depends(change, condition->parts[i])) {
			return true;
		}
	}
	return false;
}

/* Adds the sets of the conditionals that depend on the change. False: no memory. */
static bool add_sets(const struct change *change, const struct pol_grantee *grantees,
	uint32_t grantee_count, struct pol_arena *arena, struct pol_escalation_moved *out)
{
	for (uint32_t i = 0; i < grantee_count; i++) {
		for (uint32_t k = 0; k < grantees[i].conditional_count; k++) {
			const struct pol_conditional *one = &grantees[i].conditionals[k];
			const struct pol_permset **sets;

			if (!depends(change, one->condition)) {
				continue;
			}
			sets = pol_arena_grow(arena, out->sets, out->count, out->count + 1,
				sizeof *sets, &out->capacity);
			if (sets == NULL) {
				return false;
			}
			out->sets = sets;
			out->sets[out->count++] = &one->set;
		}
	}
	return true;
}

bool pol_escalation_find_moved(const struct pol_snapshot *old, uint32_t before,
	const struct pol_escalation_role *role, struct pol_arena *arena,
	struct pol_escalation_moved *out)
{
	const struct pol_snapshot *snapshot = role->snapshot;
	struct change change = { .snapshot = snapshot };
	bool same;

	*out = (struct pol_escalation_moved){ .count = 0 };
	find_lineage(old, before, &change.before);
	find_lineage(snapshot, role->number, &change.after);
	/* It is itself before and after, though its number may differ. */
	change.before.first = change.after.first = before != POL_NONE && role->number != POL_NONE;
	same = change.before.count == change.after.count && !change.before.doubtful &&
	       !change.after.doubtful;
	for (uint32_t i = change.before.first; same && i < change.before.count; i++) {
		same = has_role(&change.after, change.before.roles[i]);
	}
	return same ||
	       (add_sets(&change, old->roles, old->role_count, arena, out) &&
		       add_sets(&change, snapshot->roles, snapshot->role_count, arena, out) &&
		       add_sets(&change, snapshot->scopes, snapshot->scope_count, arena, out));
}

uint64_t pol_escalation_moved_word(
	const struct pol_escalation_moved *moved, const struct pol_run_word *at)
{
	uint64_t word = 0;

	for (size_t i = 0; i < moved->count; i++) {
		word |= pol_permset_word(moved->sets[i], at);
	}
	return word;
}
