/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile.h"

/* The member of one exclusive set that the present role is or inherits. */
struct membership {
	uint32_t role; /* its number + 1; any other value: the entry is not the present role's */
	uint32_t member;
};

static enum pol_status add_exclusion(
	struct pol_compiler *compiler, struct pol_grantee *role, struct pol_exclusion exclusion)
{
	uint32_t count = role->exclusion_count;

	/* The capacity is the next power of two, so the array is full when count is one. */
	if ((count & (count - 1)) == 0) {
		size_t room = count > 0 ? 2 * (size_t)count : 1;
		struct pol_exclusion *grown =
			pol_arena_alloc(&compiler->snapshot->arena, room, sizeof *grown);

		if (grown == NULL) {
			return compiler->snapshot->arena.status;
		}
		if (count > 0) {
			memcpy(grown, role->exclusions, count * sizeof *grown);
		}
		role->exclusions = grown;
	}
	role->exclusions[role->exclusion_count++] = exclusion;
	return POL_OK;
}

/* Adds the members that a set names. seen[r] is set + 1 when it named role r already. */
static enum pol_status add_members(struct pol_grantee_kind *roles, uint32_t set, uint32_t *seen)
{
	struct pol_compiler *compiler = roles->compiler;
	const struct pol_words *words = &compiler->ast->exclusives[set].roles;
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < words->count; i++) {
		const struct pol_word *word = &words->items[i];
		uint32_t role = pol_names_find(roles->names, word->text);

		if (role == POL_NONE) {
			pol_compile_unknown(compiler, "role", word, roles->names);
			continue;
		}
		if (role == compiler->snapshot->anyone) {
			pol_diag_error(compiler->diags, word->at,
				"role 'anyone' is held by every caller and excludes nobody");
			continue;
		}
		if (seen[role] == set + 1) {
			pol_diag_error(compiler->diags, word->at,
				"role '%.*s' is twice in this list", POL_STR_ARGS(word->text));
			continue;
		}
		seen[role] = set + 1;
		status = add_exclusion(
			compiler, &roles->grantees[role], (struct pol_exclusion){ set, role });
	}
	return status;
}

/* Reports a role that inherits two members of one set. */
static void report_breach(
	struct pol_grantee_kind *roles, uint32_t number, uint32_t set, const uint32_t both[2])
{
	struct pol_compiler *compiler = roles->compiler;
	struct pol_diag *diag = pol_diag_error(compiler->diags, roles->statements[number]->name.at,
		"role '%.*s' would hold both '%.*s' and '%.*s', which are exclusive",
		POL_STR_ARGS(roles->grantees[number].name),
		POL_STR_ARGS(roles->grantees[both[0]].name),
		POL_STR_ARGS(roles->grantees[both[1]].name));

	pol_diag_note(compiler->diags, diag, compiler->ast->exclusives[set].at,
		"declared exclusive here");
}

/* Adds the memberships that a role inherits, one for each set. A second member of one set is
 * reported, once for a role, and not for its heirs: breached[] has the roles that were reported,
 * and their heirs. memberships has one entry for each set. */
static enum pol_status inherit(struct pol_grantee_kind *roles, uint32_t number,
	struct membership *memberships, bool *breached)
{
	struct pol_grantee *role = &roles->grantees[number];
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; i < role->exclusion_count; i++) {
		memberships[role->exclusions[i].set] =
			(struct membership){ number + 1, role->exclusions[i].member };
	}
	for (uint32_t p = 0; p < roles->parent_counts[number]; p++) {
		uint32_t parent = roles->parents[number][p];

		breached[number] = breached[number] || (parent != POL_NONE && breached[parent]);
	}
	for (uint32_t p = 0; p < roles->parent_counts[number]; p++) {
		uint32_t parent = roles->parents[number][p];
		uint32_t count = parent != POL_NONE ? roles->grantees[parent].exclusion_count : 0;

		for (uint32_t i = 0; status == POL_OK && i < count; i++) {
			struct pol_exclusion from = roles->grantees[parent].exclusions[i];
			struct membership *membership = &memberships[from.set];

			if (membership->role != number + 1) {
				*membership = (struct membership){ number + 1, from.member };
				status = add_exclusion(roles->compiler, role, from);
			} else if (membership->member != from.member && !breached[number]) {
				report_breach(roles, number, from.set,
					(const uint32_t[]){ membership->member, from.member });
				breached[number] = true;
			}
		}
	}
	return status;
}

enum pol_status pol_compile_exclusives(struct pol_grantee_kind *roles)
{
	struct pol_compiler *compiler = roles->compiler;
	struct pol_arena *scratch = compiler->scratch;
	size_t count = compiler->ast->exclusives_count;
	uint32_t *seen = pol_arena_alloc(scratch, roles->count, sizeof *seen);
	bool *breached = pol_arena_alloc(scratch, roles->count, sizeof *breached);
	struct membership *memberships = pol_arena_alloc(scratch, count, sizeof *memberships);
	enum pol_status status = scratch->status;

	for (size_t i = 0; status == POL_OK && i < count; i++) {
		status = add_members(roles, (uint32_t)i, seen);
	}
	compiler->snapshot->exclusive_count = (uint32_t)count;
	for (uint32_t i = 0; status == POL_OK && count > 0 && i < roles->count; i++) {
		status = inherit(roles, roles->order[i], memberships, breached);
	}
	return status;
}
