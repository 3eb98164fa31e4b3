/* SPDX-License-Identifier: Apache-2.0 */

/* Grants of writing methods by a wildcard, which also grant what is added to the tree later. */

#include "policy/lint/linter.h"
#include "policy/snapshot/tree.h"
#include "policy/text/method.h"

static bool has_wildcard(const struct pol_ast_pattern *pattern)
{
	for (uint32_t i = 0; i < pattern->path.count; i++) {
		if (pattern->path.segments[i].kind == POL_SEGMENT_STAR ||
			pattern->path.segments[i].kind == POL_SEGMENT_STARSTAR) {
			return true;
		}
	}
	return false;
}

static bool grant_has_wildcard(const struct pol_ast_grant *grant)
{
	for (uint32_t i = 0; i < grant->patterns.count; i++) {
		if (has_wildcard(&grant->patterns.items[i])) {
			return true;
		}
	}
	return false;
}

static bool segment_selects(const struct pol_segment *segment, const struct pol_node *node)
{
	return segment->kind == POL_SEGMENT_STAR
		       ? node->kind != POL_SEGMENT_REST
		       : segment->kind == node->kind && pol_str_equal(segment->text, node->name);
}

/* Does the pattern select the node? */
static bool selects(
	const struct pol_snapshot *snapshot, const struct pol_ast_pattern *pattern, uint32_t node)
{
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, node, chain);
	uint32_t tree = snapshot->nodes[node].tree;

	if (!pol_str_equal(pattern->tree.text, snapshot->trees[tree].name)) {
		return false;
	}
	for (uint32_t i = 0; i < pattern->path.count; i++) {
		const struct pol_segment *segment = &pattern->path.segments[i];

		if (segment->kind == POL_SEGMENT_STARSTAR) {
			return true;
		}
		if (i >= depth || !segment_selects(segment, &snapshot->nodes[chain[i]])) {
			return false;
		}
	}
	return pattern->path.count == depth;
}

/* The pattern with a wildcard that selects the node, or NULL. */
static const struct pol_ast_pattern *wildcard_for(
	const struct pol_snapshot *snapshot, const struct pol_ast_grant *grant, uint32_t node)
{
	for (uint32_t i = 0; i < grant->patterns.count; i++) {
		const struct pol_ast_pattern *pattern = &grant->patterns.items[i];

		if (has_wildcard(pattern) && selects(snapshot, pattern, node)) {
			return pattern;
		}
	}
	return NULL;
}

/* The permissions of methods that are not safe. */
static enum pol_status find_writing(struct pol_linter *linter, struct pol_permset *out)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	struct pol_run *runs =
		pol_arena_alloc(linter->scratch, snapshot->permission_count, sizeof *runs);
	bool *writes = pol_arena_alloc(linter->scratch, snapshot->verb_count, sizeof *writes);
	size_t count = 0;

	if (runs == NULL || writes == NULL) {
		return linter->scratch->status;
	}
	for (uint32_t i = 0; i < snapshot->verb_count; i++) {
		writes[i] = snapshot->verb_is_method[i] && !pol_method_is_safe(snapshot->verbs[i]);
	}
	for (uint32_t i = 0; i < snapshot->permission_count; i++) {
		if (!writes[snapshot->permissions[i]]) {
			continue;
		}
		if (count > 0 && runs[count - 1].first + runs[count - 1].count == i) {
			runs[count - 1].count++;
		} else {
			runs[count++] = (struct pol_run){ i, 1 };
		}
	}
	return pol_permset_pool_of_runs(linter->pool, runs, count, out);
}

static enum pol_status check_grant(struct pol_linter *linter, const struct pol_ast_grant *grant,
	const struct pol_rule *rule, const struct pol_permset *writing)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	struct pol_permset reading, writes = { 0 };
	enum pol_status status;

	if (!pol_lint_rule_meets(rule, writing)) {
		return POL_OK;
	}
	status = pol_lint_rule_set(linter, rule, &writes);
	if (status == POL_OK) {
		status = pol_permset_pool_subtract(linter->pool, &writes, writing, &reading);
	}
	if (status == POL_OK) {
		status = pol_permset_pool_subtract(linter->pool, &writes, &reading, &writes);
	}
	for (uint32_t i = status == POL_OK ? pol_lint_next(&writes, 0) : POL_NONE; i != POL_NONE;
		i = pol_lint_next(&writes, i + 1)) {
		const struct pol_ast_pattern *pattern =
			wildcard_for(snapshot, grant, pol_tree_permission_node(snapshot, i));

		if (pattern != NULL) {
			pol_diag_warning(linter->diags, grant->at, POL_WARNING_WILDCARD_WRITE,
				"a wildcard grants a method that writes, %.*s on %.*s, and will "
				"grant those that are added to the tree later: name the nodes",
				POL_STR_ARGS(pol_lint_verb(linter, i)),
				POL_STR_ARGS(pol_lint_node(linter, i)));
			return POL_OK;
		}
	}
	return status;
}

/* The rules of a statement are its allow lines in their order, then its deny lines. A line may be
 * several rules, each with a condition of its own. */
static enum pol_status check_statement(struct pol_linter *linter,
	const struct pol_ast_grantee *statement, const struct pol_origin *origin,
	const struct pol_permset *writing)
{
	enum pol_status status = POL_OK;
	uint32_t number = 0;

	for (uint32_t i = 0; status == POL_OK && i < statement->grant_count; i++) {
		const struct pol_ast_grant *grant = &statement->grants[i];
		bool has_wildcard = !grant->deny && grant_has_wildcard(grant);

		for (; status == POL_OK && !grant->deny && number < origin->rule_count &&
			origin->rules[number].at.offset == grant->at.offset;
			number++) {
			size_t warnings = linter->diags->warnings;

			if (has_wildcard) {
				status =
					check_grant(linter, grant, &origin->rules[number], writing);
			}
			has_wildcard = linter->diags->warnings == warnings && has_wildcard;
		}
	}
	return status;
}

static enum pol_status check_kind(struct pol_linter *linter, const struct pol_ast_grantee *list,
	size_t count, bool scopes, const struct pol_permset *writing)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	struct pol_lint_kind kind = scopes ? pol_lint_scopes(snapshot) : pol_lint_roles(snapshot);
	enum pol_status status = POL_OK;

	for (size_t i = 0; status == POL_OK && i < count; i++) {
		uint32_t number = pol_names_find(
			scopes ? &snapshot->scope_names : &snapshot->role_names, list[i].name.text);

		if (number < kind.count) {
			status = check_statement(linter, &list[i], &kind.origins[number], writing);
		}
	}
	return status;
}

enum pol_status pol_lint_wildcards(struct pol_linter *linter)
{
	const struct pol_ast *ast = &linter->ast;
	struct pol_permset writing = { 0 };
	enum pol_status status = find_writing(linter, &writing);

	if (status == POL_OK) {
		status = check_kind(linter, ast->roles, ast->roles_count, false, &writing);
	}
	return status == POL_OK ? check_kind(linter, ast->scopes, ast->scopes_count, true, &writing)
				: status;
}
