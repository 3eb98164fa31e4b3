/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile.h"

/* Adds one place of a role in a set, once. */
static enum pol_status add_exclusion(
	struct pol_compiler *compiler, struct pol_grantee *role, struct pol_exclusion exclusion)
{
	uint32_t count = role->exclusion_count;

	for (uint32_t i = 0; i < role->exclusion_count; i++) {
		if (role->exclusions[i].set == exclusion.set &&
			role->exclusions[i].member == exclusion.member) {
			return POL_OK;
		}
	}
	/* The room is the next power of two: full at each of them. */
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

/* seen[r] is set + 1 when role r was named in it. */
static enum pol_status add_members(struct pol_family *roles, uint32_t set, uint32_t *seen)
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
			pol_error(compiler->diags, word->at,
				"role 'anyone' is held by every caller and excludes nobody");
			continue;
		}
		if (seen[role] == set + 1) {
			pol_error(compiler->diags, word->at, "role '%.*s' twice in one list",
				POL_STR_ARGS(word->text));
		}
		seen[role] = set + 1;
		status = add_exclusion(
			compiler, &roles->grantees[role], (struct pol_exclusion){ set, role });
	}
	return status;
}

/* The first two members of one set that the role holds together; false when there are none. */
static bool find_breach(
	const struct pol_grantee *role, struct pol_exclusion *out_a, struct pol_exclusion *out_b)
{
	for (uint32_t i = 0; i < role->exclusion_count; i++) {
		for (uint32_t k = i + 1; k < role->exclusion_count; k++) {
			if (role->exclusions[i].set == role->exclusions[k].set) {
				*out_a = role->exclusions[i];
				*out_b = role->exclusions[k];
				return true;
			}
		}
	}
	return false;
}

static void check_role(struct pol_family *roles, uint32_t number)
{
	struct pol_compiler *compiler = roles->compiler;
	struct pol_exclusion a, b, ignored;
	struct pol_diag *diag;

	if (!find_breach(&roles->grantees[number], &a, &b)) {
		return;
	}
	for (uint32_t i = 0; i < roles->parent_counts[number]; i++) {
		uint32_t parent = roles->parents[number][i];

		if (parent != POL_NONE &&
			find_breach(&roles->grantees[parent], &ignored, &ignored)) {
			return; /* complained of there */
		}
	}
	diag = pol_error(compiler->diags, roles->statements[number]->name.at,
		"role '%.*s' would hold both '%.*s' and '%.*s', which are exclusive",
		POL_STR_ARGS(roles->grantees[number].name),
		POL_STR_ARGS(roles->grantees[a.member].name),
		POL_STR_ARGS(roles->grantees[b.member].name));
	pol_note(compiler->diags, diag, compiler->ast->exclusives[a.set].at,
		"declared exclusive here");
}

enum pol_status pol_compile_exclusives(struct pol_family *roles)
{
	struct pol_compiler *compiler = roles->compiler;
	size_t count = compiler->ast->exclusives_count;
	uint32_t *seen = pol_arena_alloc(compiler->scratch, roles->count, sizeof *seen);
	enum pol_status status = seen != NULL ? POL_OK : compiler->scratch->status;

	for (size_t i = 0; status == POL_OK && i < count; i++) {
		status = add_members(roles, (uint32_t)i, seen);
	}
	compiler->snapshot->exclusive_count = (uint32_t)count;
	for (uint32_t i = 0; status == POL_OK && count > 0 && i < roles->count; i++) {
		uint32_t number = roles->order[i];

		for (uint32_t p = 0; p < roles->parent_counts[number]; p++) {
			uint32_t parent = roles->parents[number][p];
			const struct pol_grantee *from =
				parent != POL_NONE ? &roles->grantees[parent] : NULL;

			for (uint32_t k = 0;
				from != NULL && status == POL_OK && k < from->exclusion_count;
				k++) {
				status = add_exclusion(
					compiler, &roles->grantees[number], from->exclusions[k]);
			}
		}
		if (status == POL_OK) {
			check_role(roles, number);
		}
	}
	return status;
}
