/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/explain_internal.h"
#include "policy/snapshot/stored.h"
#include "policy/snapshot/stored_internal.h"

/*
 * Which roles the subject may be assigned: not one that is never assigned, and not one that is
 * exclusive with a role that it holds. A role may be in many exclusive sets, so what is held of
 * each set is noted once, not searched for each role.
 */

/* Values of pol_explained_holder.members: no member, several, or one. */
#define NOTHING     0
#define SEVERAL     UINT32_MAX
#define ONE(member) ((member) + 1)

static bool is_member_of_any(const struct pol_snapshot *snapshot, uint32_t role)
{
	return role < snapshot->role_count && snapshot->roles[role].exclusion_count > 0;
}

static void add_role(struct pol_explained_holder *holder, uint32_t role)
{
	const struct pol_snapshot *snapshot = holder->explainer->snapshot;

	if (!is_member_of_any(snapshot, role)) {
		return;
	}
	if (holder->members == NULL) {
		holder->members = pol_arena_alloc(
			&holder->arena, snapshot->exclusive_count, sizeof *holder->members);
	}
	for (uint32_t i = 0; holder->members != NULL && i < snapshot->roles[role].exclusion_count;
		i++) {
		const struct pol_exclusion *exclusion = &snapshot->roles[role].exclusions[i];
		uint32_t *member = &holder->members[exclusion->set];

		if (*member == NOTHING) {
			*member = ONE(exclusion->member);
		} else if (*member != ONE(exclusion->member)) {
			*member = SEVERAL;
		}
	}
}

bool pol_explain_roles_init(
	struct pol_explained_holder *holder, const struct pol_explainer *explainer)
{
	const struct pol_snapshot *snapshot = explainer->snapshot;
	const struct pol_facts *facts = &explainer->trace->facts;
	uint32_t declared =
		facts->declared ? pol_snapshot_principal(snapshot, facts->principal) : POL_NONE;

	*holder = (struct pol_explained_holder){ .explainer = explainer };
	pol_arena_init(&holder->arena, POL_SNAPSHOT_LIMIT);
	for (uint32_t i = 0; i < facts->held_count; i++) {
		add_role(holder, facts->held[i].role);
	}
	/* The compiler counts assignments that have ended too when it checks exclusive sets. */
	for (uint32_t i = 0;
		declared != POL_NONE && i < snapshot->principals[declared].assignment_count; i++) {
		add_role(holder, snapshot->principals[declared].assignments[i].held.role);
	}
	if (holder->arena.status != POL_OK) {
		explainer->arena->status = holder->arena.status;
	}
	return holder->arena.status == POL_OK;
}

void pol_explain_roles_finish(struct pol_explained_holder *holder)
{
	pol_arena_finish(&holder->arena);
}

/* `anyone`, and a role that breaks an exclusive set by itself, are never assigned. The stored roles
 * of a tenant may be assigned to its principals, but not to those that the files declare. */
static bool is_never_assigned(const struct pol_explainer *explainer, uint32_t role)
{
	const struct pol_snapshot *snapshot = explainer->snapshot;
	const struct pol_facts *facts = &explainer->trace->facts;
	uint32_t first = snapshot->role_count - snapshot->stored_count;

	if (role < first) {
		return role == snapshot->anyone;
	}
	return facts->declared || snapshot->stored[role - first].breaches ||
	       snapshot->stored[role - first].tenant != facts->tenant;
}

bool pol_explain_roles_may_assign(const struct pol_explained_holder *holder, uint32_t role)
{
	const struct pol_grantee *grantee = &holder->explainer->snapshot->roles[role];

	if (is_never_assigned(holder->explainer, role)) {
		return false;
	}
	for (uint32_t i = 0; holder->members != NULL && i < grantee->exclusion_count; i++) {
		uint32_t held = holder->members[grantee->exclusions[i].set];

		if (held != NOTHING && held != ONE(grantee->exclusions[i].member)) {
			return false;
		}
	}
	return true;
}
