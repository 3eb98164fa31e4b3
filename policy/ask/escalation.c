/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/escalation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decide/subject.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

/*
 * What is allowed depends on the path through places alone, and a place speaks of what is at it or
 * below it. So each place is asked for once, with its own path, for all nodes below; and each tree
 * once more, for the paths outside of all places. A place that goes on by literals alone owns its
 * nodes: no path outside of it leads to them.
 */

static const struct pol_facts nobody = { 0 };

struct region {
	struct pol_str place; /* ptr NULL: a whole tree */
	uint32_t tree;
	uint32_t node;
	uint32_t depth;
	uint32_t wild; /* depth of its last node that is no literal; 0: none */
};

struct search {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *before;
	const struct pol_facts *after;
	const struct pol_facts *own;
	const struct pol_giver *giver;
	struct region *regions;
	size_t count;
	struct pol_path path; /* of the present region */
	enum pol_path_place_match *matches[3];
	bool inside[3]; /* the key's places */
	struct pol_gain *out;
};

/* --- regions ---------------------------------------------------------------------------------- */

static bool is_known(const struct search *search, struct pol_str place)
{
	for (size_t i = 0; i < search->count; i++) {
		if (pol_str_equal(search->regions[i].place, place)) {
			return true;
		}
	}
	return false;
}

/* What leads nowhere holds nothing: it is left out. */
static void add_region(struct search *search, struct pol_str place)
{
	const struct pol_snapshot *snapshot = search->snapshot;
	uint32_t chain[POL_PATH_SEGMENTS];
	struct region region = { .place = place };
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
	/* A rest that owns its parent: the place is the parent. */
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
	/* Deeper than its node: a rest's values. */
	if (depth < region.depth) {
		region.wild = region.depth;
	}
	search->regions[search->count++] = region;
}

static void add_places(struct search *search, const struct pol_facts *facts)
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

/* Do all paths of the region to the node lead through the other region? */
static bool is_owned(const struct region *other, const struct region *region)
{
	return other != region && other->place.ptr != NULL && other->tree == region->tree &&
	       other->depth > region->depth && other->wild <= region->depth &&
	       begins_with(other->place, region->place);
}

/* --- what is allowed -------------------------------------------------------------------------- */

static enum pol_path_place_match match_places(const struct search *search,
	const struct region *region, const struct pol_str *places, uint32_t count)
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

static void enter(struct search *search, const struct region *region)
{
	const struct pol_facts *const facts[3] = { search->before, search->after, search->own };
	struct pol_str tree, raw;

	search->path.count = 0;
	if (region->place.ptr != NULL && pol_path_split(region->place, &tree, &raw)) {
		(void)pol_path_read(raw, &search->path);
	}
	for (int i = 0; i < 3; i++) {
		for (uint32_t h = 0; h < facts[i]->held_count; h++) {
			search->matches[i][h] = match_places(search, region,
				facts[i]->held[h].places, facts[i]->held[h].place_count);
		}
		search->inside[i] = !pol_subject_key_counts(facts[i]) ||
				    match_places(search, region, facts[i]->key_places,
					    facts[i]->key_place_count) == POL_PLACE_INSIDE;
	}
}

static uint64_t allowed(const struct search *search, int who, const struct pol_facts *facts,
	const struct pol_run_word *at)
{
	struct pol_say say = pol_subject_general(search->snapshot, facts, at);

	say.scopes = search->inside[who] ? say.scopes : 0;
	for (uint32_t h = 0; pol_subject_roles_count(facts) && h < facts->held_count; h++) {
		pol_subject_role(
			search->snapshot, facts->held[h].role, search->matches[who][h], at, &say);
	}
	return pol_subject_allows(facts, say);
}

static uint64_t may_give(const struct pol_snapshot *snapshot, const struct pol_giver *giver,
	const struct pol_run_word *at)
{
	uint64_t word = 0;

	for (size_t i = 0; i < giver->role_count; i++) {
		if (giver->roles[i] < snapshot->role_count) {
			word |= pol_permset_word(&snapshot->roles[giver->roles[i]].allow, at);
		}
	}
	for (size_t i = 0; i < giver->scope_count; i++) {
		if (giver->scopes[i] < snapshot->scope_count) {
			word |= pol_permset_word(&snapshot->scopes[giver->scopes[i]].allow, at);
		}
	}
	for (size_t i = 0; i < giver->run_count; i++) {
		struct pol_run run = giver->runs[i];
		struct pol_run_word mine;

		while (pol_run_next(&run, &mine)) {
			word |= mine.chunk == at->chunk && mine.word == at->word ? mine.mask : 0;
		}
	}
	return word & at->mask;
}

/* --- what is too much ------------------------------------------------------------------------- */

static void name_gain(
	const struct pol_snapshot *snapshot, uint32_t permission, struct pol_gain *out)
{
	struct pol_resource resource = { .text = malloc(POL_RESOURCE_TEXT) };
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t low = 0, high = snapshot->node_count;
	struct pol_str verb = snapshot->verbs[snapshot->permissions[permission]], text;
	uint32_t depth;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (snapshot->nodes[middle + 1].first <= permission) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	out->found = true;
	snprintf(out->action, sizeof out->action, "%.*s", POL_STR_ARGS(verb));
	out->resource[0] = '\0';
	if (resource.text == NULL) {
		return;
	}
	depth = pol_resource_node_chain(snapshot, low, chain);
	pol_resource_begin(&resource, snapshot->trees[snapshot->nodes[low].tree].name);
	for (uint32_t i = 0; i < depth; i++) {
		pol_resource_node(&resource, &snapshot->nodes[chain[i]]);
	}
	text = pol_resource_end(&resource);
	snprintf(out->resource, sizeof out->resource, "%.*s", POL_STR_ARGS(text));
	free(resource.text);
}

/* Those of the bits that another region does not own. */
static uint64_t drop_owned(const struct search *search, const struct region *region,
	const struct pol_run_word *at, uint64_t bits)
{
	const struct pol_node *nodes = search->snapshot->nodes;

	for (size_t i = 0; bits != 0 && i < search->count; i++) {
		const struct region *other = &search->regions[i];
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

static void report(const struct pol_snapshot *snapshot, const struct pol_run_word *at,
	uint64_t bits, struct pol_gain *out)
{
	name_gain(snapshot,
		at->chunk * POL_CHUNK_BITS + at->word * 64 + (uint32_t)__builtin_ctzll(bits), out);
}

static void search_region(struct search *search, const struct region *region)
{
	const struct pol_node *nodes = search->snapshot->nodes;
	struct pol_run run = { nodes[region->node].first, 0 };
	struct pol_run_word at;

	run.count = nodes[nodes[region->node].end].first - run.first;
	enter(search, region);
	while (!search->out->found && pol_run_next(&run, &at)) {
		uint64_t bits = allowed(search, 1, search->after, &at);

		bits &= bits != 0 ? ~allowed(search, 0, search->before, &at) : 0;
		bits &= bits != 0 ? ~allowed(search, 2, search->own, &at) : 0;
		bits &= bits != 0 ? ~may_give(search->snapshot, search->giver, &at) : 0;
		bits = drop_owned(search, region, &at, bits);
		if (bits != 0) {
			report(search->snapshot, &at, bits, search->out);
		}
	}
}

static bool make_room(struct search *search, struct pol_arena *arena)
{
	const struct pol_facts *const facts[3] = { search->before, search->after, search->own };
	size_t most = search->snapshot->tree_count;

	for (int i = 0; i < 3; i++) {
		most += count_places(facts[i]);
		search->matches[i] =
			pol_arena_alloc(arena, facts[i]->held_count, sizeof *search->matches[i]);
	}
	search->regions = pol_arena_alloc(arena, most, sizeof *search->regions);
	return arena->status == POL_OK;
}

enum pol_status pol_gain_find(const struct pol_snapshot *snapshot, const struct pol_facts *before,
	const struct pol_facts *after, const struct pol_giver *giver, struct pol_gain *out)
{
	struct search *search = calloc(1, sizeof *search);
	struct pol_arena arena;

	if (search == NULL) {
		return POL_ENOMEM;
	}
	out->found = false;
	search->snapshot = snapshot;
	search->before = before != NULL ? before : &nobody;
	search->after = after != NULL ? after : &nobody;
	search->own = giver->facts != NULL ? giver->facts : &nobody;
	search->giver = giver;
	search->out = out;
	pol_arena_init(&arena, POL_SNAPSHOT_LIMIT);
	if (!make_room(search, &arena)) {
		pol_arena_finish(&arena);
		free(search);
		return POL_ENOMEM;
	}
	for (uint32_t i = 0; i < snapshot->tree_count; i++) {
		search->regions[search->count++] =
			(struct region){ .tree = i, .node = snapshot->trees[i].root };
	}
	add_places(search, search->before);
	add_places(search, search->after);
	add_places(search, search->own);
	for (size_t i = 0; !out->found && i < search->count; i++) {
		search_region(search, &search->regions[i]);
	}
	pol_arena_finish(&arena);
	free(search);
	return POL_OK;
}

bool pol_gain_permission(const struct pol_snapshot *snapshot, const char *noun, bool below,
	const char *action, struct pol_run *out)
{
	uint32_t tree = pol_tree_number(snapshot, POL_STR("authz"));
	const char *slash = strchr(noun, '/');
	struct pol_path path;
	uint32_t node;

	path.count = 0;
	path.encoded = 0;
	if (slash != NULL) {
		path.segments[path.count++] = (struct pol_str){ noun, (size_t)(slash - noun) };
		noun = slash + 1;
	}
	path.segments[path.count++] = pol_str_of(noun);
	if (below) {
		path.segments[path.count++] = POL_STR("x");
	}
	return pol_tree_find(snapshot, tree, &path, &node) == POL_OK &&
	       pol_tree_node_verb(snapshot, node, pol_str_of(action), false, out) == POL_OK;
}

enum pol_status pol_gain_of_role(const struct pol_snapshot *old, uint32_t before,
	const struct pol_snapshot *snapshot, uint32_t after, const struct pol_giver *giver,
	struct pol_gain *out)
{
	static const struct pol_grantee none = { 0 };
	const struct pol_grantee *was = before < old->role_count ? &old->roles[before] : &none;
	const struct pol_grantee *is =
		after < snapshot->role_count ? &snapshot->roles[after] : &none;
	/* The giver is judged as he was: he may hold the very role. */
	struct search search = {
		.snapshot = old,
		.before = &nobody,
		.after = &nobody,
		.own = giver->facts != NULL ? giver->facts : &nobody,
		.giver = giver,
	};
	struct pol_run run = { 0, snapshot->permission_count };
	struct pol_run_word at;
	struct pol_arena arena;

	pol_arena_init(&arena, POL_SNAPSHOT_LIMIT);
	search.matches[2] =
		pol_arena_alloc(&arena, search.own->held_count, sizeof *search.matches[2]);
	if (search.matches[2] == NULL) {
		pol_arena_finish(&arena);
		return POL_ENOMEM;
	}
	out->found = false;
	/* Outside of all places: there he has what he has everywhere. */
	for (uint32_t h = 0; h < search.own->held_count; h++) {
		search.matches[2][h] = search.own->held[h].place_count == 0 ? POL_PLACE_INSIDE
									    : POL_PLACE_ELSEWHERE;
	}
	search.inside[2] = !pol_subject_key_counts(search.own) || search.own->key_place_count == 0;
	while (!out->found && pol_run_next(&run, &at)) {
		uint64_t bits =
			pol_permset_word(&is->allow, &at) & ~pol_permset_word(&was->allow, &at);

		bits |= pol_permset_word(&was->deny, &at) & ~pol_permset_word(&is->deny, &at);
		bits &= bits != 0 ? ~allowed(&search, 2, search.own, &at) : 0;
		bits &= bits != 0 ? ~may_give(snapshot, giver, &at) : 0;
		if (bits != 0) {
			report(snapshot, &at, bits, out);
		}
	}
	pol_arena_finish(&arena);
	return POL_OK;
}
