/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"
#include "policy/compile/compile_order.h"
#include "policy/snapshot/conditional.h"

static const struct pol_word *name(const void *context, uint32_t number)
{
	const struct pol_grantee_kind *kind = context;

	return &kind->statements[number]->name;
}

/* The position where a statement names its parent. */
static struct pol_span position(const void *context, uint32_t child, uint32_t parent)
{
	const struct pol_grantee_kind *kind = context;
	const struct pol_words *words = &kind->statements[child]->parents;

	for (uint32_t i = 0; i < words->count; i++) {
		if (pol_names_find(kind->names, words->items[i].text) == parent) {
			return words->items[i].at;
		}
	}
	return kind->statements[child]->name.at;
}

/* Resolves the parents of a statement and reports those that cannot be inherited. seen[p] is `mark`
 * when p was named already. Returns how many are left. */
static uint32_t find_parents(struct pol_grantee_kind *kind, const struct pol_words *words,
	uint32_t *parents, uint32_t *seen, uint32_t mark)
{
	struct pol_compiler *compiler = kind->compiler;
	bool roles = kind->names == &compiler->snapshot->role_names;
	uint32_t count = 0;

	for (uint32_t i = 0; i < words->count; i++) {
		const struct pol_word *word = &words->items[i];
		uint32_t parent = pol_names_find(kind->names, word->text);
		bool twice = parent != POL_NONE && seen[parent] == mark;

		if (parent == POL_NONE) {
			pol_compile_unknown(compiler, kind->what, word, kind->names);
		} else if (roles && pol_str_equal(word->text, POL_STR("anyone"))) {
			pol_diag_error(compiler->diags, word->at,
				"role 'anyone' is held by every caller and never inherited");
		} else if (twice) {
			pol_diag_error(compiler->diags, word->at, "%s '%.*s' is twice in this list",
				kind->what, POL_STR_ARGS(word->text));
		} else {
			parents[count++] = parent;
			seen[parent] = mark;
		}
	}
	return count;
}

/* Resolves the parents of all statements. Those of statements without a number are only checked. */
static enum pol_status find_all_parents(struct pol_grantee_kind *kind, uint32_t *seen)
{
	struct pol_arena *scratch = kind->compiler->scratch;

	for (uint32_t i = 0; i < kind->count + kind->aside_count; i++) {
		bool aside = i >= kind->count;
		const struct pol_words *words = aside ? &kind->aside[i - kind->count]->parents
						      : &kind->statements[i]->parents;
		uint32_t *parents = pol_arena_alloc(scratch, words->count, sizeof *parents);
		uint32_t count;

		if (parents == NULL) {
			return scratch->status;
		}
		count = find_parents(kind, words, parents, seen, i + 1);
		if (!aside) {
			kind->parents[i] = parents;
			kind->parent_counts[i] = count;
			kind->doubtful[i] = kind->doubtful[i] || count < words->count;
		}
	}
	return POL_OK;
}

static enum pol_status join_parents(struct pol_grantee_kind *kind, uint32_t number)
{
	struct pol_grantee *grantee = &kind->grantees[number];
	struct pol_permset_pool *pool = kind->compiler->pool;
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < kind->parent_counts[number]; i++) {
		uint32_t parent = kind->parents[number][i];

		if (parent == POL_NONE) {
			kind->doubtful[number] = true;
			continue;
		}
		kind->doubtful[number] = kind->doubtful[number] || kind->doubtful[parent];
		status = pol_permset_pool_union(
			pool, &grantee->allow, &kind->grantees[parent].allow, &grantee->allow);
		if (status == POL_OK) {
			status = pol_permset_pool_union(
				pool, &grantee->deny, &kind->grantees[parent].deny, &grantee->deny);
		}
		if (status == POL_OK) {
			const struct pol_grantee *from = &kind->grantees[parent];
			struct pol_conditionals inherited = { from->conditionals,
				from->conditional_count, &from->sometimes };

			status = pol_conditional_join(
				pool, &kind->compiler->snapshot->arena, grantee, &inherited);
		}
	}
	return status;
}

enum pol_status pol_compile_inherit(struct pol_grantee_kind *kind)
{
	struct pol_arena *scratch = kind->compiler->scratch;
	struct pol_graph graph = {
		.diags = kind->compiler->diags,
		.what = kind->what,
		.verb = kind->inherit,
		.count = kind->count,
		.name = name,
		.position = position,
		.context = kind,
	};
	size_t count = kind->count;
	uint32_t *seen;
	enum pol_status status;

	kind->parents = pol_arena_alloc(scratch, count, sizeof *kind->parents);
	kind->parent_counts = pol_arena_alloc(scratch, count, sizeof *kind->parent_counts);
	kind->order = pol_arena_alloc(scratch, count, sizeof *kind->order);
	seen = pol_arena_alloc(scratch, count, sizeof *seen);
	if (scratch->status != POL_OK) {
		return scratch->status;
	}
	status = find_all_parents(kind, seen);
	if (status == POL_OK) {
		graph.targets = kind->parents;
		graph.target_counts = kind->parent_counts;
		status = pol_compile_order(&graph, scratch, kind->order);
	}
	for (uint32_t i = 0; status == POL_OK && i < count; i++) {
		status = join_parents(kind, kind->order[i]);
	}
	return status;
}
