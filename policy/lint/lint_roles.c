/* SPDX-License-Identifier: Apache-2.0 */

/* Roles that nothing names or asks for, and scopes that allow more than any role. */

#include "policy/compile/suite_case.h"
#include "policy/lint/linter.h"

static void use_held(bool *used, uint32_t count, const struct pol_held *held, uint32_t held_count)
{
	for (uint32_t i = 0; i < held_count; i++) {
		if (held[i].role < count) {
			used[held[i].role] = true;
		}
	}
}

/* Marks the roles that other roles, exclusive sets, principals and tests name. */
static void find_used(const struct pol_snapshot *snapshot, struct pol_lint_kind roles, bool *used)
{
	for (uint32_t i = 0; i < roles.count; i++) {
		for (uint32_t k = 0; k < roles.origins[i].parent_count; k++) {
			used[roles.origins[i].parents[k]] = true;
		}
		for (uint32_t k = 0; k < roles.grantees[i].exclusion_count; k++) {
			used[roles.grantees[i].exclusions[k].member] = true;
		}
	}
	for (uint32_t i = 0; i < snapshot->principal_count; i++) {
		const struct pol_principal *principal = &snapshot->principals[i];

		for (uint32_t k = 0; k < principal->assignment_count; k++) {
			use_held(used, roles.count, &principal->assignments[k].held, 1);
		}
	}
	for (uint32_t i = 0; i < snapshot->test_count; i++) {
		const struct pol_case *test = &snapshot->tests[i];

		for (uint32_t k = 0; k < test->count; k++) {
			use_held(used, roles.count, test->expectations[k].facts->held,
				test->expectations[k].facts->held_count);
		}
	}
}

/* A policy that names no holder anywhere leaves all of that to the store. */
static enum pol_status check_used(struct pol_linter *linter, struct pol_lint_kind roles)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	bool *used = pol_arena_alloc(linter->scratch, roles.count, sizeof *used);

	if (used == NULL) {
		return linter->scratch->status;
	}
	if (snapshot->principal_count + snapshot->test_count == 0) {
		return POL_OK;
	}
	find_used(snapshot, roles, used);
	for (uint32_t i = 0; i < roles.count; i++) {
		if (!used[i] && i != snapshot->anyone) {
			pol_diag_warning(linter->diags, roles.origins[i].at,
				POL_WARNING_ROLE_UNUSED,
				"no principal, role or test names role '%.*s': remove it, or add a "
				"test that shows what it is for",
				POL_STR_ARGS(roles.grantees[i].name));
		}
	}
	return POL_OK;
}

enum pol_status pol_lint_allowed(
	struct pol_linter *linter, const struct pol_grantee *grantee, struct pol_permset *out)
{
	struct pol_permset set = grantee->allow;
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < grantee->conditional_count; i++) {
		if (!grantee->conditionals[i].deny) {
			status = pol_permset_pool_union(
				linter->pool, &set, &grantee->conditionals[i].set, &set);
		}
	}
	*out = set;
	return status;
}

/* Adds what the role allows to what any role allows. */
static enum pol_status add_role(struct pol_linter *linter, const struct pol_grantee *role)
{
	struct pol_permset own;
	enum pol_status status = pol_lint_allowed(linter, role, &own);

	if (status == POL_OK) {
		status = pol_permset_pool_subtract(linter->pool, &own, &role->deny, &own);
	}
	return status == POL_OK
		       ? pol_permset_pool_union(linter->pool, &linter->role, &own, &linter->role)
		       : status;
}

/* Roles also decide about calls that manage, whichever stacks there are. */
static enum pol_status report_unasked(struct pol_linter *linter, struct pol_lint_kind roles)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	const struct pol_node *nodes = snapshot->nodes;
	struct pol_permset managing = { 0 };
	enum pol_status status = POL_OK;

	if (linter->authz != POL_NONE) {
		uint32_t root = snapshot->trees[linter->authz].root;
		struct pol_run run = { nodes[root].first,
			nodes[nodes[root].end].first - nodes[root].first };

		status = pol_permset_pool_of_runs(linter->pool, &run, 1, &managing);
	}
	for (uint32_t i = 0; status == POL_OK && i < roles.count; i++) {
		struct pol_permset allowed;

		status = pol_lint_allowed(linter, &roles.grantees[i], &allowed);
		if (status == POL_OK && i != snapshot->anyone && allowed.count > 0 &&
			!pol_permset_covers(&managing, &allowed)) {
			pol_diag_warning(linter->diags, roles.origins[i].at,
				POL_WARNING_ROLE_UNUSABLE,
				"nobody can use a role: no stack has a line 'authorize required "
				"role', and there are roles, such as '%.*s'",
				POL_STR_ARGS(roles.grantees[i].name));
			return POL_OK;
		}
	}
	return status;
}

static enum pol_status check_scope(
	struct pol_linter *linter, struct pol_lint_kind scopes, uint32_t number)
{
	const struct pol_grantee *scope = &scopes.grantees[number];
	const struct pol_origin *origin = &scopes.origins[number];
	struct pol_permset excess;
	enum pol_status status = pol_lint_allowed(linter, scope, &excess);
	uint32_t first;
	size_t more;

	if (status == POL_OK) {
		status = pol_permset_pool_subtract(linter->pool, &excess, &scope->deny, &excess);
	}
	if (status == POL_OK) {
		status = pol_permset_pool_subtract(linter->pool, &excess, &linter->role, &excess);
	}
	/* What it includes is reported there. */
	for (uint32_t i = 0; status == POL_OK && i < origin->parent_count; i++) {
		struct pol_permset included;

		status = pol_lint_allowed(linter, &scopes.grantees[origin->parents[i]], &included);
		if (status == POL_OK) {
			status = pol_permset_pool_subtract(
				linter->pool, &excess, &included, &excess);
		}
	}
	if (status != POL_OK || pol_permset_is_empty(&excess)) {
		return status;
	}
	first = pol_lint_next(&excess, 0);
	more = pol_permset_size(&excess) - 1;
	if (more == 0) {
		pol_diag_warning(linter->diags, origin->at, POL_WARNING_SCOPE_EXCEEDS_ROLES,
			"scope '%.*s' allows what no role allows, %.*s on %.*s: narrow it, or let "
			"a role allow that",
			POL_STR_ARGS(scope->name), POL_STR_ARGS(pol_lint_verb(linter, first)),
			POL_STR_ARGS(pol_lint_node(linter, first)));
	} else {
		pol_diag_warning(linter->diags, origin->at, POL_WARNING_SCOPE_EXCEEDS_ROLES,
			"scope '%.*s' allows what no role allows, %.*s on %.*s and %zu more: "
			"narrow it, or let a role allow that",
			POL_STR_ARGS(scope->name), POL_STR_ARGS(pol_lint_verb(linter, first)),
			POL_STR_ARGS(pol_lint_node(linter, first)), more);
	}
	return POL_OK;
}

enum pol_status pol_lint_grantees(struct pol_linter *linter)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	struct pol_lint_kind roles = pol_lint_roles(snapshot);
	struct pol_lint_kind scopes = pol_lint_scopes(snapshot);
	bool any = roles.count > (snapshot->anyone < roles.count ? 1U : 0U);
	enum pol_status status = check_used(linter, roles);

	for (uint32_t i = 0; status == POL_OK && i < roles.count; i++) {
		status = add_role(linter, &roles.grantees[i]);
	}
	if (status == POL_OK && !linter->roles_are_asked) {
		return report_unasked(linter, roles);
	}
	for (uint32_t i = 0; any && status == POL_OK && i < scopes.count; i++) {
		status = check_scope(linter, scopes, i);
	}
	return status;
}
