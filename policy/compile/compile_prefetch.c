/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"
#include "policy/snapshot/tree.h"

/* At most this many patterns at a time: what was fetched for the first is still in the cache when
 * the last is followed. */
#define PREFETCHED 32

enum { FOR_READING = 0, KEEP_IN_ALL_CACHES = 3 }; /* arguments of __builtin_prefetch */

static void fetch(const void *at)
{
	__builtin_prefetch(at, FOR_READING, KEEP_IN_ALL_CACHES);
}

/* Prefetches what the next segment of the pattern will read. */
static void fetch_next(const struct pol_snapshot *snapshot, struct pol_prefetched *prefetched)
{
	const struct pol_ast_path *path = &prefetched->pattern->path;

	if (prefetched->depth < path->count &&
		path->segments[prefetched->depth].kind == POL_SEGMENT_LITERAL) {
		prefetched->hash = pol_tree_literal_hash(
			prefetched->node, path->segments[prefetched->depth].text);
		fetch(&snapshot->literals[prefetched->hash & snapshot->literal_mask]);
		return;
	}
	/* A parameter is often the next node after its parent. After the last segment, the next
	 * node is where the permissions of this one end. */
	fetch(&snapshot->nodes[prefetched->node].wild);
	fetch(&snapshot->nodes[prefetched->node + 1].kind);
}

/* Follows one segment. False at the pattern's end, or when the segment does not name exactly one
 * node. */
static bool follow_segment(const struct pol_snapshot *snapshot, struct pol_prefetched *prefetched)
{
	const struct pol_ast_path *path = &prefetched->pattern->path;
	const struct pol_segment *segment;
	uint32_t child = POL_NONE;

	if (prefetched->depth == path->count) {
		return false;
	}
	segment = &path->segments[prefetched->depth];
	if (segment->kind == POL_SEGMENT_LITERAL) {
		if (pol_tree_literal_find_hashed(snapshot, prefetched->node, segment->text,
			    prefetched->hash, &child) != POL_LITERAL_EXACT) {
			return false;
		}
	} else {
		child = pol_compile_pattern_wild_child(snapshot, prefetched->node, segment);
	}
	if (child == POL_NONE) {
		return false;
	}
	prefetched->node = child;
	prefetched->depth++;
	fetch_next(snapshot, prefetched);
	return true;
}

static bool start(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	struct pol_prefetched *out)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	uint32_t tree = pol_tree_number(snapshot, pattern->tree.text);

	if (tree == POL_NONE) {
		return false;
	}
	*out = (struct pol_prefetched){ .pattern = pattern, .node = snapshot->trees[tree].root };
	fetch_next(snapshot, out);
	return true;
}

enum pol_status pol_compile_prefetch(
	struct pol_compiler *compiler, const struct pol_ast_grantee *statement, uint32_t first)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	bool deny = statement->grants[first].deny;
	struct pol_prefetch *prefetch = &compiler->prefetch;
	uint32_t looks = 0;
	bool any = true;

	if (prefetch->items == NULL) {
		prefetch->items =
			pol_arena_alloc(compiler->scratch, PREFETCHED, sizeof *prefetch->items);
		if (prefetch->items == NULL) {
			return compiler->scratch->status;
		}
	}
	prefetch->count = 0;
	prefetch->next = 0;
	for (uint32_t i = first; i < statement->grant_count && looks < PREFETCHED; i++, looks++) {
		const struct pol_ast_grant *grant = &statement->grants[i];

		for (uint32_t k = 0; grant->deny == deny && k < grant->patterns.count &&
				     prefetch->count < PREFETCHED;
			k++) {
			prefetch->count += start(compiler, &grant->patterns.items[k],
				&prefetch->items[prefetch->count]);
		}
	}
	while (any) {
		any = false;
		for (uint32_t i = 0; i < prefetch->count; i++) {
			any |= follow_segment(snapshot, &prefetch->items[i]);
		}
	}
	for (uint32_t i = 0; i < prefetch->count; i++) {
		fetch(&snapshot->permissions[snapshot->nodes[prefetch->items[i].node].first]);
	}
	return POL_OK;
}

bool pol_compile_prefetch_take(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	uint32_t *out_node, uint32_t *out_depth)
{
	struct pol_prefetch *prefetch = &compiler->prefetch;
	const struct pol_prefetched *prefetched;

	if (prefetch->next == prefetch->count ||
		prefetch->items[prefetch->next].pattern != pattern) {
		return false;
	}
	prefetched = &prefetch->items[prefetch->next++];
	*out_node = prefetched->node;
	*out_depth = prefetched->depth;
	return true;
}
