/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile_condition.h"

/* Ends a piece: what was selected since the one before. Nothing of it counts if its condition has
 * a mistake. */
static void end_piece(struct pol_pieces *pieces, const struct pol_ast_grant *grant,
	const struct pol_condition *condition, bool doubtful)
{
	size_t i = pieces->count++;
	size_t runs = i > 0 ? pieces->run_ends[i - 1] : 0;

	if (grant->when != NULL && condition == NULL) {
		pieces->selection.run_count = runs;
		pieces->selection.set_count = i > 0 ? pieces->set_ends[i - 1] : 0;
		doubtful = true;
	}
	pieces->doubtful[i] = doubtful;
	pieces->compiler->doubtful = pieces->compiler->doubtful || doubtful;
	pol_compile_expand_merge(&pieces->selection, runs);
	pieces->grants[i] = grant;
	pieces->conditions[i] = condition;
	pieces->any_conditional = pieces->any_conditional || condition != NULL;
	pieces->run_ends[i] = pieces->selection.run_count;
	pieces->set_ends[i] = pieces->selection.set_count;
}

/* Adds a grant whose condition is another one in some of its patterns: a piece for each. */
static enum pol_status add_split(struct pol_pieces *pieces, const struct pol_ast_grant *grant,
	const struct pol_conditional_groups *groups)
{
	struct pol_compiler *compiler = pieces->compiler;
	size_t errors = compiler->diags->errors;
	struct pol_selection selection = { 0 };
	struct pol_permset whole, part;
	struct pol_loss loss = { 0 };
	enum pol_status status = pol_compile_grant_select(compiler, grant, &selection, &loss);

	if (status == POL_OK) {
		status = pol_compile_expand_set(compiler, &selection, &whole);
	}
	if (status != POL_OK || compiler->diags->errors > errors ||
		!pol_compile_loss_is_none(&loss)) {
		end_piece(pieces, grant, NULL, true);
		return status;
	}
	for (uint32_t i = 0; status == POL_OK && i < groups->count; i++) {
		status = pol_compile_grant_select_part(
			compiler, grant, &groups->items[i].patterns, &whole, &part);
		if (status == POL_OK && part.count > 0) {
			status = pol_compile_expand_add_set(compiler, &pieces->selection, part);
		}
		end_piece(pieces, grant, groups->items[i].condition, false);
	}
	return status;
}

static enum pol_status add_grant(struct pol_pieces *pieces, const struct pol_ast_grant *grant)
{
	struct pol_compiler *compiler = pieces->compiler;
	size_t errors = compiler->diags->errors;
	struct pol_conditional_groups groups = { 0 };
	struct pol_loss loss = { 0 };
	enum pol_status status = POL_OK;

	compiler->snapshot->grant_count++;
	if (grant->when != NULL) {
		status = pol_compile_conditional_split(compiler, grant, &groups);
		if (status == POL_OK && groups.count > 1) {
			return add_split(pieces, grant, &groups);
		}
	}
	if (status == POL_OK) {
		status = pol_compile_grant_select(compiler, grant, &pieces->selection, &loss);
	}
	end_piece(pieces, grant, groups.count > 0 ? groups.items[0].condition : NULL,
		compiler->diags->errors > errors || !pol_compile_loss_is_none(&loss));
	return status;
}

/* How many pieces the grants of one effect may become. */
static size_t count_pieces(const struct pol_ast_grantee *statement, bool deny)
{
	size_t count = 0;

	for (uint32_t i = 0; i < statement->grant_count; i++) {
		const struct pol_ast_grant *grant = &statement->grants[i];

		if (grant->deny == deny) {
			count += pol_compile_conditional_pieces(grant);
		}
	}
	return count;
}

/* Room for `count` pieces. POL_OK or scratch's status. */
static enum pol_status make_room(struct pol_pieces *pieces, size_t count)
{
	struct pol_arena *scratch = pieces->compiler->scratch;

	pieces->selection = pieces->compiler->selection;
	pieces->selection.run_count = 0;
	pieces->selection.set_count = 0;
	pieces->grants = pol_arena_alloc(scratch, count, sizeof *pieces->grants);
	pieces->conditions = pol_arena_alloc(scratch, count, sizeof *pieces->conditions);
	pieces->run_ends = pol_arena_alloc(scratch, count, sizeof *pieces->run_ends);
	pieces->set_ends = pol_arena_alloc(scratch, count, sizeof *pieces->set_ends);
	pieces->doubtful = pol_arena_alloc(scratch, count, sizeof *pieces->doubtful);
	return scratch->status;
}

/* Compiles the grants of one effect, at least one, into *out and *origin. */
static enum pol_status collect(struct pol_compiler *compiler,
	const struct pol_ast_grantee *statement, bool deny, struct pol_grantee *out,
	struct pol_origin *origin)
{
	struct pol_pieces pieces = { .compiler = compiler };
	enum pol_status status = make_room(&pieces, count_pieces(statement, deny));

	compiler->prefetch.count = 0;
	compiler->prefetch.next = 0;
	for (uint32_t i = 0; status == POL_OK && i < statement->grant_count; i++) {
		if (statement->grants[i].deny != deny) {
			continue;
		}
		if (compiler->prefetch.next == compiler->prefetch.count) {
			status = pol_compile_prefetch(compiler, statement, i);
		}
		if (status == POL_OK) {
			status = add_grant(&pieces, &statement->grants[i]);
		}
	}
	if (status == POL_OK) {
		status =
			pol_compile_cover_join(&pieces, deny, deny ? &out->deny : &out->allow, out);
	}
	if (status == POL_OK) {
		status = pol_compile_origin_rules(&pieces, origin);
	}
	compiler->selection = pieces.selection;
	return status;
}

enum pol_status pol_compile_grants(struct pol_compiler *compiler,
	const struct pol_ast_grantee *statement, struct pol_grantee *out, struct pol_origin *origin)
{
	size_t allows = count_pieces(statement, false);
	size_t denies = count_pieces(statement, true);
	enum pol_status status = POL_OK;

	compiler->doubtful = false;
	origin->rules =
		pol_arena_alloc(&compiler->snapshot->arena, allows + denies, sizeof *origin->rules);
	if (origin->rules == NULL) {
		return compiler->snapshot->arena.status;
	}
	if (allows > 0) {
		status = collect(compiler, statement, false, out, origin);
	}
	return status == POL_OK && denies > 0 ? collect(compiler, statement, true, out, origin)
					      : status;
}
