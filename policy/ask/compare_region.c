/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/decide/subject.h"

/*
 * What a subject may do depends on the path only through places, and a place covers the paths at it
 * and below it. So each tree is compared once for the paths outside of all places, and once more
 * for each place of either subject. A place that goes on from the region around it by literals
 * alone owns its nodes: no other path in that region leads to them.
 */

static bool begins_with(struct pol_str place, struct pol_str other)
{
	return place.len > other.len && memcmp(place.ptr, other.ptr, other.len) == 0 &&
	       (place.ptr[other.len] == '/' || other.ptr[other.len - 1] == '/');
}

static bool is_known(const struct pol_subject_search *search, struct pol_str place)
{
	for (size_t i = 0; i < search->count; i++) {
		if (search->regions[i].at.place.ptr != NULL &&
			pol_str_equal(search->regions[i].at.place, place)) {
			return true;
		}
	}
	return false;
}

static uint32_t find_tree(const struct pol_joint *joint, struct pol_str name)
{
	uint32_t tree = 0;

	while (tree < joint->tree_count && !pol_str_equal(joint->trees[tree].name, name)) {
		tree++;
	}
	return tree < joint->tree_count ? tree : POL_NONE;
}

/* A copy of the path's segments. NULL: no memory, and the arena says so. */
static const struct pol_str *copy_segments(struct pol_subject_search *search)
{
	const struct pol_path *path = &search->compare->path;
	struct pol_str *out = pol_arena_alloc(&search->arena, path->count, sizeof *out);

	for (uint32_t i = 0; out != NULL && i < path->count; i++) {
		out[i] = pol_arena_copy(&search->arena, path->segments[i]);
	}
	return out;
}

/* Adds a place. One that leads to no node of either policy changes nothing and is left out. */
static void add_place(struct pol_subject_search *search, struct pol_str place)
{
	struct pol_compare *compare = search->compare;
	const struct pol_joint *joint = &compare->joint;
	struct pol_subject_region region = { .at.place = place };
	struct pol_str tree, raw;

	if (is_known(search, place) || !pol_path_split(place, &tree, &raw) ||
		pol_path_read(raw, &compare->path) != POL_OK) {
		return;
	}
	region.tree = find_tree(joint, tree);
	if (region.tree == POL_NONE) {
		return;
	}
	region.at.node = joint->trees[region.tree].root;
	region.at.depth = compare->path.count;
	region.segments = copy_segments(search);
	if (region.segments == NULL) {
		return;
	}
	for (uint32_t i = 0; i < compare->path.count; i++) {
		region.at.node = pol_joint_step(joint, region.at.node, compare->path.segments[i]);
		if (region.at.node == POL_NONE) {
			return;
		}
		if (joint->nodes[region.at.node].shown->kind != POL_SEGMENT_LITERAL) {
			region.wild = i + 1;
		}
	}
	search->regions[search->count++] = region;
}

static size_t count_places(const struct pol_facts *facts)
{
	size_t count = facts != NULL ? facts->key_place_count : 0;

	for (uint32_t i = 0; facts != NULL && i < facts->held_count; i++) {
		count += facts->held[i].place_count;
	}
	return count;
}

static void add_places(struct pol_subject_search *search, const struct pol_facts *facts)
{
	for (uint32_t i = 0; facts != NULL && i < facts->held_count; i++) {
		for (uint32_t k = 0; k < facts->held[i].place_count; k++) {
			add_place(search, facts->held[i].places[k]);
		}
	}
	for (uint32_t i = 0; facts != NULL && i < facts->key_place_count; i++) {
		add_place(search, facts->key_places[i]);
	}
}

/* Finds the smallest region around each place. */
static void nest(struct pol_subject_search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		struct pol_subject_region *region = &search->regions[i];
		const struct pol_subject_region *around;

		region->general = region->tree;
		for (size_t k = 0; region->at.place.ptr != NULL && k < search->count; k++) {
			const struct pol_subject_region *other = &search->regions[k];

			if (other->at.place.ptr != NULL &&
				begins_with(region->at.place, other->at.place) &&
				other->at.depth >= search->regions[region->general].at.depth) {
				region->general = (uint32_t)k;
			}
		}
		around = &search->regions[region->general];
		region->owned = region->at.place.ptr != NULL && region->wild <= around->at.depth;
	}
}

enum pol_status pol_subject_regions_find(struct pol_subject_search *search)
{
	const struct pol_joint *joint = &search->compare->joint;
	struct pol_arena *arena = &search->arena;
	size_t most = joint->tree_count;

	for (int side = 0; side < POL_SIDES; side++) {
		most += count_places(search->facts[side]);
	}
	search->regions = pol_arena_alloc(arena, most, sizeof *search->regions);
	if (search->regions == NULL) {
		return arena->status;
	}
	for (uint32_t i = 0; i < joint->tree_count; i++) {
		search->regions[search->count++] =
			(struct pol_subject_region){ .tree = i, .at.node = joint->trees[i].root };
	}
	for (int side = 0; side < POL_SIDES; side++) {
		add_places(search, search->facts[side]);
	}
	nest(search);
	for (size_t i = 0; i < search->count; i++) {
		struct pol_subject_region *region = &search->regions[i];

		region->gained = pol_arena_alloc(arena, joint->words + 1, sizeof(uint64_t));
		region->lost = pol_arena_alloc(arena, joint->words + 1, sizeof(uint64_t));
		region->was_gained = pol_arena_alloc(arena, joint->words + 1, sizeof(uint64_t));
		region->was_lost = pol_arena_alloc(arena, joint->words + 1, sizeof(uint64_t));
	}
	return arena->status;
}

/* What the subject may do on the nodes of the region, in the joined numbering: surely, into *sure,
 * and on some condition at least, into *may. */
static void read_side(struct pol_compare *compare, int side, const struct pol_facts *facts,
	const struct pol_subject_region *region, uint64_t *const out[2])
{
	const struct pol_snapshot *snapshot = compare->sides[side];
	const struct pol_joint *joint = &compare->joint;
	size_t words = ((size_t)snapshot->permission_count / POL_CHUNK_BITS + 1) * POL_CHUNK_WORDS;
	uint32_t node = joint->nodes[region->at.node].answers[side];
	uint64_t *scratch = compare->scratch[side];

	for (int may = 0; may < 2; may++) {
		struct pol_run run = { 0 };
		struct pol_run_word at;

		memset(scratch, 0, words * sizeof *scratch);
		if (node != POL_NONE && facts != NULL) {
			run.first = snapshot->nodes[node].first;
			run.count = snapshot->nodes[snapshot->nodes[node].end].first - run.first;
		}
		while (pol_run_next(&run, &at)) {
			struct pol_subject_bits bits = pol_subject_eval(snapshot, facts,
				joint->trees[region->tree].name, &compare->path, &at);

			scratch[(size_t)at.chunk * POL_CHUNK_WORDS + at.word] |=
				may ? pol_subject_may(facts, bits)
				    : pol_subject_allows(facts, bits);
		}
		pol_joint_translate(joint, (enum pol_side)side, scratch, out[may]);
	}
}

/* Clears the bits [first, end). */
static void clear(uint64_t *bits, uint32_t first, uint32_t end)
{
	struct pol_run run = { first, end - first };
	struct pol_run_word at;

	while (pol_run_next(&run, &at)) {
		bits[(size_t)at.chunk * POL_CHUNK_WORDS + at.word] &= ~at.mask;
	}
}

/* Clears what is not in the region. */
static void confine(const struct pol_subject_search *search,
	const struct pol_subject_region *region, uint64_t *bits)
{
	const struct pol_joint *joint = &search->compare->joint;
	const struct pol_joint_node *nodes = joint->nodes;

	clear(bits, 0, nodes[region->at.node].first);
	clear(bits, nodes[nodes[region->at.node].end].first, joint->permission_count);
	for (size_t i = 0; i < search->count; i++) {
		const struct pol_subject_region *other = &search->regions[i];

		if (other->owned && &search->regions[other->general] == region) {
			clear(bits, nodes[other->at.node].first,
				nodes[nodes[other->at.node].end].first);
		}
	}
}

enum pol_status pol_subject_region_compare(struct pol_subject_search *search,
	const struct pol_facts *const facts[POL_SIDES], struct pol_subject_region *region)
{
	struct pol_compare *compare = search->compare;
	struct pol_str tree, raw;

	pol_path_begin(&compare->path);
	if (region->at.place.ptr != NULL && pol_path_split(region->at.place, &tree, &raw)) {
		(void)pol_path_read(raw, &compare->path);
	}
	for (int side = 0; side < POL_SIDES; side++) {
		uint64_t *const both[2] = { compare->allow[side], compare->deny[side] };

		read_side(compare, side, facts[side], region, both);
	}
	for (size_t w = 0; w < compare->joint.words; w++) {
		uint64_t depends = (compare->deny[0][w] & ~compare->allow[0][w]) |
				   (compare->deny[1][w] & ~compare->allow[1][w]);

		compare->sometimes[w] = depends;
		region->gained[w] = compare->allow[1][w] & ~compare->allow[0][w] & ~depends;
		region->lost[w] = compare->allow[0][w] & ~compare->allow[1][w] & ~depends;
	}
	confine(search, region, region->gained);
	confine(search, region, region->lost);
	if (!search->conditional) {
		return POL_OK;
	}
	confine(search, region, compare->sometimes);
	return pol_subject_region_judge(search, facts, region, compare->sometimes);
}
