/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"
#include "policy/snapshot/tree.h"

/* So many patterns at a time: what was fetched for the first is still there at the last. */
#define AHEAD 32

enum { FOR_READING = 0, ONCE_MORE = 3 }; /* of __builtin_prefetch */

static void fetch(const void *at)
{
	__builtin_prefetch(at, FOR_READING, ONCE_MORE);
}

/* What the next segment of the pattern will look at. */
static void fetch_next(const struct pol_snapshot *snapshot, struct pol_ahead *ahead)
{
	const struct pol_ast_path *path = &ahead->pattern->path;

	if (ahead->depth < path->count &&
		path->segments[ahead->depth].kind == POL_SEGMENT_LITERAL) {
		ahead->hash = pol_tree_literal_hash(ahead->node, path->segments[ahead->depth].text);
		fetch(&snapshot->literals[ahead->hash & snapshot->literal_mask]);
		return;
	}
	/* A child that is a parameter mostly stands right behind its parent; so does the node at
	 * which the permissions of a last one end. */
	fetch(&snapshot->nodes[ahead->node].wild);
	fetch(&snapshot->nodes[ahead->node + 1].kind);
}

/* One segment further; false when the pattern ends here, or goes on in another way. */
static bool go_on(const struct pol_snapshot *snapshot, struct pol_ahead *ahead)
{
	const struct pol_ast_path *path = &ahead->pattern->path;
	const struct pol_segment *segment;
	uint32_t child = POL_NONE;

	if (ahead->depth == path->count) {
		return false;
	}
	segment = &path->segments[ahead->depth];
	if (segment->kind == POL_SEGMENT_LITERAL) {
		if (pol_tree_literal_find_hashed(snapshot, ahead->node, segment->text, ahead->hash,
			    &child) != POL_LITERAL_EXACT) {
			return false;
		}
	} else {
		child = pol_compile_pattern_wild_child(snapshot, ahead->node, segment);
	}
	if (child == POL_NONE) {
		return false;
	}
	ahead->node = child;
	ahead->depth++;
	fetch_next(snapshot, ahead);
	return true;
}

static bool begin(
	struct pol_compiler *compiler, const struct pol_ast_pattern *pattern, struct pol_ahead *out)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	uint32_t tree = pol_tree_number(snapshot, pattern->tree.text);

	if (tree == POL_NONE) {
		return false;
	}
	*out = (struct pol_ahead){ .pattern = pattern, .node = snapshot->trees[tree].root };
	fetch_next(snapshot, out);
	return true;
}

enum pol_status pol_compile_prefetch(
	struct pol_compiler *compiler, const struct pol_ast_grantee *statement, uint32_t first)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	bool deny = statement->grants[first].deny;
	struct pol_aheads *aheads = &compiler->aheads;
	uint32_t looks = 0;
	bool any = true;

	if (aheads->items == NULL) {
		aheads->items = pol_arena_alloc(compiler->scratch, AHEAD, sizeof *aheads->items);
		if (aheads->items == NULL) {
			return compiler->scratch->status;
		}
	}
	aheads->count = 0;
	aheads->next = 0;
	for (uint32_t i = first; i < statement->grant_count && looks < AHEAD; i++, looks++) {
		const struct pol_ast_grant *grant = &statement->grants[i];

		for (uint32_t k = 0;
			grant->deny == deny && k < grant->patterns.count && aheads->count < AHEAD;
			k++) {
			aheads->count += begin(
				compiler, &grant->patterns.items[k], &aheads->items[aheads->count]);
		}
	}
	while (any) {
		any = false;
		for (uint32_t i = 0; i < aheads->count; i++) {
			any |= go_on(snapshot, &aheads->items[i]);
		}
	}
	for (uint32_t i = 0; i < aheads->count; i++) {
		fetch(&snapshot->permissions[snapshot->nodes[aheads->items[i].node].first]);
	}
	return POL_OK;
}

bool pol_compile_prefetch_take(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	uint32_t *out_node, uint32_t *out_depth)
{
	struct pol_aheads *aheads = &compiler->aheads;
	const struct pol_ahead *ahead;

	if (aheads->next == aheads->count || aheads->items[aheads->next].pattern != pattern) {
		return false;
	}
	ahead = &aheads->items[aheads->next++];
	*out_node = ahead->node;
	*out_depth = ahead->depth;
	return true;
}
