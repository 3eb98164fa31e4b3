/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/ask/escalation_internal.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

/*
 * What is allowed depends on the path only through places, and a place covers the paths at it and
 * below it. So each place is compared once, at its own path, for all nodes below; and each tree
 * once more, for the paths outside of all places. When a place goes on from another region by
 * literals alone, it owns its nodes: no other path in that region leads to them.
 */

static const struct pol_facts nobody = { 0 };

/* --- regions ---------------------------------------------------------------------------------- */

static bool is_known(const struct pol_escalation_search *search, struct pol_str place)
{
	for (size_t i = 0; i < search->count; i++) {
		if (pol_str_equal(search->regions[i].place, place)) {
			return true;
		}
	}
	return false;
}

/* Adds a place. One that leads to no node grants nothing and is left out. */
static void add_region(struct pol_escalation_search *search, struct pol_str place)
{
	const struct pol_snapshot *snapshot = search->snapshot;
	uint32_t chain[POL_PATH_SEGMENTS];
	struct pol_escalation_region region = { .place = place };
	struct pol_str tree, raw;
	uint32_t depth;

	if (is_known(search, place) || !pol_path_split(place, &tree, &raw) ||
		pol_path_read(raw, &search->path) != POL_OK) {
		return;
	}
	region.tree = pol_tree_number(snapshot, tree);
	if (pol_tree_find(snapshot, region.tree, &search->path, &region.node) != POL_OK) {
		return;
	}
	depth = pol_resource_node_chain(snapshot, region.node, chain);
	/* The path of a rest's parent leads to the rest: the place is the parent. */
	if (depth > search->path.count) {
		region.node = snapshot->nodes[region.node].parent;
		depth--;
	}
	region.depth = search->path.count;
	for (uint32_t i = 0; i < depth; i++) {
		if (snapshot->nodes[chain[i]].kind != POL_SEGMENT_LITERAL) {
			region.wild = i + 1;
		}
	}
	/* More segments than nodes: the last node is a rest. */
	if (depth < region.depth) {
		region.wild = region.depth;
	}
	search->regions[search->count++] = region;
}

static void add_places(struct pol_escalation_search *search, const struct pol_facts *facts)
{
	for (uint32_t i = 0; i < facts->held_count; i++) {
		for (uint32_t k = 0; k < facts->held[i].place_count; k++) {
			add_region(search, facts->held[i].places[k]);
		}
	}
	for (uint32_t i = 0; i < facts->key_place_count; i++) {
		add_region(search, facts->key_places[i]);
	}
}

static size_t count_places(const struct pol_facts *facts)
{
	size_t count = facts->key_place_count;

	for (uint32_t i = 0; i < facts->held_count; i++) {
		count += facts->held[i].place_count;
	}
	return count;
}

static bool begins_with(struct pol_str place, struct pol_str other)
{
	return other.ptr == NULL ||
	       (place.len > other.len && memcmp(place.ptr, other.ptr, other.len) == 0 &&
		       (place.ptr[other.len] == '/' || other.ptr[other.len - 1] == '/'));
}

/* Do all paths of the region to the other region's nodes lead through the other region? */
static bool is_owned(
	const struct pol_escalation_region *other, const struct pol_escalation_region *region)
{
	return other != region && other->place.ptr != NULL && other->tree == region->tree &&
	       other->depth > region->depth && other->wild <= region->depth &&
	       begins_with(other->place, region->place);
}

uint64_t pol_escalation_drop_owned(const struct pol_escalation_search *search,
	const struct pol_escalation_region *region, const struct pol_run_word *at, uint64_t bits)
{
	const struct pol_node *nodes = search->snapshot->nodes;

	for (size_t i = 0; bits != 0 && i < search->count; i++) {
		const struct pol_escalation_region *other = &search->regions[i];
		struct pol_run run = { nodes[other->node].first, 0 };
		struct pol_run_word owned;

		if (!is_owned(other, region)) {
			continue;
		}
		run.count = nodes[nodes[other->node].end].first - run.first;
		while (pol_run_next(&run, &owned)) {
			if (owned.chunk == at->chunk && owned.word == at->word) {
				bits &= ~owned.mask;
			}
		}
	}
	return bits;
}

/* --- rows ------------------------------------------------------------------------------------- */

static enum pol_path_place_match match_places(const struct pol_escalation_search *search,
	const struct pol_escalation_region *region, const struct pol_str *places, uint32_t count)
{
	struct pol_str tree = search->snapshot->trees[region->tree].name;
	enum pol_path_place_match best = POL_PLACE_ELSEWHERE;

	if (count == 0) {
		return POL_PLACE_INSIDE;
	}
	for (uint32_t i = 0; i < count && best != POL_PLACE_INSIDE; i++) {
		enum pol_path_place_match match =
			pol_path_place_match(places[i], tree, &search->path);

		best = match > best ? match : best;
	}
	return best;
}

/* Compares the places of all three subjects with the path of the region. */
static void fill_row(struct pol_escalation_search *search,
	const struct pol_escalation_region *region, uint8_t *row)
{
	struct pol_str tree, raw;

	search->path.count = 0;
	if (region->place.ptr != NULL && pol_path_split(region->place, &tree, &raw)) {
		(void)pol_path_read(raw, &search->path);
	}
	for (int i = 0; i < POL_ESCALATION_COUNT; i++) {
		const struct pol_facts *facts = search->facts[i];
		uint8_t *at = row + search->first[i];

		*at++ = !pol_subject_key_counts(facts) ||
			match_places(search, region, facts->key_places, facts->key_place_count) ==
				POL_PLACE_INSIDE;
		for (uint32_t h = 0; h < facts->held_count; h++) {
			*at++ = (uint8_t)match_places(
				search, region, facts->held[h].places, facts->held[h].place_count);
		}
	}
}

void pol_escalation_plan_rows(struct pol_escalation_search *search)
{
	search->width = 0;
	for (int i = 0; i < POL_ESCALATION_COUNT; i++) {
		search->first[i] = search->width;
		search->width += 1 + (size_t)search->facts[i]->held_count;
	}
}

static enum pol_status find_regions(struct pol_escalation_search *search)
{
	const struct pol_snapshot *snapshot = search->snapshot;
	size_t most = snapshot->tree_count;

	for (int i = 0; i < POL_ESCALATION_COUNT; i++) {
		most += count_places(search->facts[i]);
	}
	search->regions = pol_arena_alloc(&search->arena, most, sizeof *search->regions);
	if (search->regions == NULL) {
		return POL_ENOMEM;
	}
	for (uint32_t i = 0; i < snapshot->tree_count; i++) {
		search->regions[search->count++] = (struct pol_escalation_region){ .tree = i,
			.node = snapshot->trees[i].root };
	}
	for (int i = 0; i < POL_ESCALATION_COUNT; i++) {
		add_places(search, search->facts[i]);
	}
	pol_escalation_plan_rows(search);
	search->rows = pol_arena_alloc(&search->arena, search->count, search->width);
	for (size_t i = 0; search->rows != NULL && i < search->count; i++) {
		fill_row(search, &search->regions[i], search->rows + i * search->width);
	}
	return search->rows != NULL ? POL_OK : POL_ENOMEM;
}

/* A caller without a key, who holds what every caller holds. */
static struct pol_facts without_key(const struct pol_facts *facts)
{
	return (struct pol_facts){
		.held = facts->held_count > 0
				? facts->held + (facts->held_count - facts->anyone_count)
				: NULL,
		.held_count = facts->anyone_count,
		.anyone_count = facts->anyone_count,
	};
}

enum pol_status pol_escalation_open(const struct pol_snapshot *snapshot,
	const struct pol_facts *before, const struct pol_facts *after,
	const struct pol_facts *grantor, struct pol_escalation_search **out)
{
	struct pol_escalation_search *search = calloc(1, sizeof *search);

	if (search == NULL) {
		return POL_ENOMEM;
	}
	search->snapshot = snapshot;
	/* Only what was there before the change counts as held by every caller. */
	search->bare = without_key(before != NULL ? before : after != NULL ? after : &nobody);
	search->facts[POL_ESCALATION_BEFORE] = before != NULL ? before : &search->bare;
	search->facts[POL_ESCALATION_AFTER] = after != NULL ? after : &search->bare;
	search->facts[POL_ESCALATION_GRANTOR] = grantor != NULL ? grantor : &search->bare;
	pol_arena_init(&search->arena, POL_SNAPSHOT_LIMIT);
	if (find_regions(search) != POL_OK) {
		pol_escalation_close(search);
		return POL_ENOMEM;
	}
	*out = search;
	return POL_OK;
}

void pol_escalation_close(struct pol_escalation_search *search)
{
	if (search != NULL) {
		pol_escalation_drop_formulas(search);
		pol_arena_finish(&search->arena);
		free(search);
	}
}
