/* SPDX-License-Identifier: Apache-2.0 */
/* Where the conditions of a file are: the parser knows, the walk over the tokens does not. */
#include <stdlib.h>

#include "policy/format/format_internal.h"
#include "policy/language/parse.h"

static void add_span(struct pol_format_spans *spans, struct pol_span at)
{
	spans->items[spans->count++] = at;
}

static size_t count_grants(const struct pol_ast_grantee *grantees, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += grantees[i].grant_count;
	}
	return sum;
}

static void add_grants(
	struct pol_format_spans *spans, const struct pol_ast_grantee *grantees, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < grantees[i].grant_count; k++) {
			const struct pol_ast_grant *grant = &grantees[i].grants[k];

			if (grant->when != NULL) {
				add_span(spans, pol_ast_when_at(grant, grant->when->at));
			}
		}
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct pol_span *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

static enum pol_status find_conditions(
	const struct pol_ast *ast, struct pol_arena *arena, struct pol_format_spans *out)
{
	size_t most = ast->conditions_count + count_grants(ast->roles, ast->roles_count) +
		      count_grants(ast->scopes, ast->scopes_count);

	out->items = pol_arena_alloc(arena, most + 1, sizeof *out->items);
	if (out->items == NULL) {
		return arena->status;
	}
	for (size_t i = 0; i < ast->conditions_count; i++) {
		add_span(out, ast->conditions[i].condition.at);
	}
	add_grants(out, ast->roles, ast->roles_count);
	add_grants(out, ast->scopes, ast->scopes_count);
	qsort(out->items, out->count, sizeof *out->items, by_offset);
	return POL_OK;
}

enum pol_status pol_format_spans_find(
	struct pol_diags *diags, struct pol_arena *arena, struct pol_format_spans *out)
{
	struct pol_arena memory;
	struct pol_ast ast;
	enum pol_status status;

	pol_arena_init_shared(&memory, arena->limit, arena->budget);
	status = pol_parse(diags->sources, 1, &memory, diags, &ast);
	if (status == POL_OK) {
		status = find_conditions(&ast, arena, out);
	}
	pol_arena_finish(&memory);
	return status;
}
