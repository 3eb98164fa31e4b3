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
 * What is allowed depends on the path only through places, and a place covers the paths at it and
 * below it. So each place is compared once, at its own path, for all nodes below; and each tree
 * once more, for the paths outside of all places. When a place goes on from another region by
 * literals alone, it owns its nodes: no other path in that region leads to them.
 */

static const struct pol_facts nobody = { 0 };

/* What is compared: the subject before and after the change, and the grantor. */
enum who { BEFORE, AFTER, GRANTOR, WHO_COUNT };

/* A place, or a whole tree for the paths outside of all places. */
struct region {
	struct pol_str place; /* ptr NULL: a whole tree */
	uint32_t tree;
	uint32_t node;
	uint32_t depth; /* how many segments the place has */
	uint32_t wild;  /* the depth of its last segment that is no literal; 0: none */
};

struct pol_escalation_search {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts[WHO_COUNT];
	struct pol_arena arena;
	struct region *regions;
	size_t count;
	struct pol_path path;

	/* For each region a row. Of each subject it has whether the path is within the key's
	 * places, or the key has none; then for each held role where its places are (enum
	 * pol_path_place_match). */
	uint8_t *rows;
	size_t width;
	size_t first[WHO_COUNT]; /* where each subject begins in a row */

	/* what is asked now */
	const struct pol_grantor *grantor;
	struct pol_escalation_time at;
	const uint8_t *row;
	struct pol_escalation *out;
};

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
static bool is_owned(const struct region *other, const struct region *region)
{
	return other != region && other->place.ptr != NULL && other->tree == region->tree &&
	       other->depth > region->depth && other->wild <= region->depth &&
	       begins_with(other->place, region->place);
}

/* --- what is allowed -------------------------------------------------------------------------- */

static enum pol_path_place_match match_places(const struct pol_escalation_search *search,
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

/* Compares the places of all three subjects with the path of the region. */
static void fill_row(
	struct pol_escalation_search *search, const struct region *region, uint8_t *row)
{
	struct pol_str tree, raw;

	search->path.count = 0;
	if (region->place.ptr != NULL && pol_path_split(region->place, &tree, &raw)) {
		(void)pol_path_read(raw, &search->path);
	}
	for (int i = 0; i < WHO_COUNT; i++) {
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

static bool has_ended(const struct pol_escalation_search *search, enum who who)
{
	return (who == BEFORE && search->at.before_ended) ||
	       (who == AFTER && search->at.after_ended) ||
	       (who == GRANTOR && search->at.grantor_ended);
}

static uint64_t allowed(
	const struct pol_escalation_search *search, enum who who, const struct pol_run_word *at)
{
	const struct pol_facts *facts = has_ended(search, who) ? &nobody : search->facts[who];
	const uint8_t *row = search->row + search->first[who];
	struct pol_subject_bits say = pol_subject_general(search->snapshot, facts, at);

	say.scopes = facts == &nobody || row[0] != 0 ? say.scopes : 0;
	for (uint32_t h = 0; pol_subject_roles_count(facts) && h < facts->held_count; h++) {
		const struct pol_held *held = &facts->held[h];

		if (held->until == 0 || held->until > search->at.when) {
			pol_subject_role(search->snapshot, held->role,
				(enum pol_path_place_match)row[1 + h], at, &say);
		}
	}
	return pol_subject_allows(facts, say);
}

static uint64_t may_grant(const struct pol_snapshot *snapshot, const struct pol_grantor *grantor,
	const struct pol_run_word *at)
{
	uint64_t word = 0;

	for (size_t i = 0; i < grantor->role_count; i++) {
		if (grantor->roles[i] < snapshot->role_count) {
			word |= pol_permset_word(&snapshot->roles[grantor->roles[i]].allow, at);
		}
	}
	for (size_t i = 0; i < grantor->scope_count; i++) {
		if (grantor->scopes[i] < snapshot->scope_count) {
			word |= pol_permset_word(&snapshot->scopes[grantor->scopes[i]].allow, at);
		}
	}
	for (size_t i = 0; i < grantor->run_count; i++) {
		struct pol_run run = grantor->runs[i];
		struct pol_run_word mine;

		while (pol_run_next(&run, &mine)) {
			word |= mine.chunk == at->chunk && mine.word == at->word ? mine.mask : 0;
		}
	}
	return word & at->mask;
}

/* --- what may not be granted ------------------------------------------------------------------ */

static void name_permission(
	const struct pol_snapshot *snapshot, uint32_t permission, struct pol_escalation *out)
{
	struct pol_resource resource = { .text = malloc(POL_RESOURCE_TEXT) };
	struct pol_str verb = snapshot->verbs[snapshot->permissions[permission]], text;

	out->found = true;
	snprintf(out->action, sizeof out->action, "%.*s", POL_STR_ARGS(verb));
	out->resource[0] = '\0';
	if (resource.text == NULL) {
		return;
	}
	text = pol_resource_of_node(
		&resource, snapshot, pol_tree_permission_node(snapshot, permission));
	snprintf(out->resource, sizeof out->resource, "%.*s", POL_STR_ARGS(text));
	free(resource.text);
}

/* Returns the bits without those whose nodes another region owns. */
static uint64_t drop_owned(const struct pol_escalation_search *search, const struct region *region,
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
	uint64_t bits, struct pol_escalation *out)
{
	name_permission(snapshot,
		at->chunk * POL_CHUNK_BITS + at->word * 64 + (uint32_t)__builtin_ctzll(bits), out);
}

static void search_region(struct pol_escalation_search *search, const struct region *region)
{
	const struct pol_node *nodes = search->snapshot->nodes;
	struct pol_run run = { nodes[region->node].first, 0 };
	struct pol_run_word at;

	run.count = nodes[nodes[region->node].end].first - run.first;
	while (!search->out->found && pol_run_next(&run, &at)) {
		uint64_t bits = allowed(search, AFTER, &at);

		bits &= bits != 0 ? ~allowed(search, BEFORE, &at) : 0;
		bits &= bits != 0 ? ~allowed(search, GRANTOR, &at) : 0;
		bits &= bits != 0 ? ~may_grant(search->snapshot, search->grantor, &at) : 0;
		bits = drop_owned(search, region, &at, bits);
		if (bits != 0) {
			report(search->snapshot, &at, bits, search->out);
		}
	}
}

/* The places of a row. */
static void plan_rows(struct pol_escalation_search *search)
{
	search->width = 0;
	for (int i = 0; i < WHO_COUNT; i++) {
		search->first[i] = search->width;
		search->width += 1 + (size_t)search->facts[i]->held_count;
	}
}

static enum pol_status find_regions(struct pol_escalation_search *search)
{
	const struct pol_snapshot *snapshot = search->snapshot;
	size_t most = snapshot->tree_count;

	for (int i = 0; i < WHO_COUNT; i++) {
		most += count_places(search->facts[i]);
	}
	search->regions = pol_arena_alloc(&search->arena, most, sizeof *search->regions);
	if (search->regions == NULL) {
		return POL_ENOMEM;
	}
	for (uint32_t i = 0; i < snapshot->tree_count; i++) {
		search->regions[search->count++] =
			(struct region){ .tree = i, .node = snapshot->trees[i].root };
	}
	for (int i = 0; i < WHO_COUNT; i++) {
		add_places(search, search->facts[i]);
	}
	plan_rows(search);
	search->rows = pol_arena_alloc(&search->arena, search->count, search->width);
	for (size_t i = 0; search->rows != NULL && i < search->count; i++) {
		fill_row(search, &search->regions[i], search->rows + i * search->width);
	}
	return search->rows != NULL ? POL_OK : POL_ENOMEM;
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
	search->facts[BEFORE] = before != NULL ? before : &nobody;
	search->facts[AFTER] = after != NULL ? after : &nobody;
	search->facts[GRANTOR] = grantor != NULL ? grantor : &nobody;
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
		pol_arena_finish(&search->arena);
		free(search);
	}
}

void pol_escalation_find_at(struct pol_escalation_search *search,
	const struct pol_escalation_time *at, const struct pol_grantor *grantor,
	struct pol_escalation *out)
{
	search->grantor = grantor;
	search->at = *at;
	search->out = out;
	out->found = false;
	for (size_t i = 0; !out->found && i < search->count; i++) {
		search->row = search->rows + i * search->width;
		search_region(search, &search->regions[i]);
	}
}

enum pol_status pol_escalation_find(const struct pol_snapshot *snapshot,
	const struct pol_facts *before, const struct pol_facts *after,
	const struct pol_grantor *grantor, struct pol_escalation *out)
{
	static const struct pol_escalation_time always = { .when = INT64_MIN };
	struct pol_escalation_search *search;
	enum pol_status status =
		pol_escalation_open(snapshot, before, after, grantor->facts, &search);

	if (status == POL_OK) {
		pol_escalation_find_at(search, &always, grantor, out);
		pol_escalation_close(search);
	}
	return status;
}

bool pol_escalation_permission(const struct pol_snapshot *snapshot, const char *noun, bool below,
	const char *action, struct pol_run *out)
{
	uint32_t tree = pol_tree_number(snapshot, POL_STR("authz"));
	const char *slash = strchr(noun, '/');
	struct pol_path path;
	uint32_t node;

	path.count = 0;
	path.encoded = 0;
	path.percent = 0;
	path.slash = false;
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

enum pol_status pol_escalation_of_role(const struct pol_snapshot *old, uint32_t before,
	const struct pol_snapshot *snapshot, uint32_t after, const struct pol_grantor *grantor,
	struct pol_escalation *out)
{
	static const struct pol_grantee none = { 0 };
	const struct pol_grantee *was = before < old->role_count ? &old->roles[before] : &none;
	const struct pol_grantee *is =
		after < snapshot->role_count ? &snapshot->roles[after] : &none;
	const struct pol_facts *own = grantor->facts != NULL ? grantor->facts : &nobody;
	/* The grantor may hold this role: what it has by the change does not count. */
	struct pol_escalation_search search = {
		.snapshot = old,
		.facts = { &nobody, &nobody, own },
		.grantor = grantor,
		.at = { .when = INT64_MIN },
	};
	struct pol_run run = { 0, snapshot->permission_count };
	struct pol_run_word at;
	uint8_t *row;

	plan_rows(&search);
	pol_arena_init(&search.arena, POL_SNAPSHOT_LIMIT);
	row = pol_arena_alloc(&search.arena, 1, search.width);
	if (row == NULL) {
		pol_arena_finish(&search.arena);
		return POL_ENOMEM;
	}
	search.row = row;
	out->found = false;
	/* A path outside of all places: there the grantor has what it has everywhere. */
	row += search.first[GRANTOR];
	row[0] = !pol_subject_key_counts(own) || own->key_place_count == 0;
	for (uint32_t h = 0; h < own->held_count; h++) {
		row[1 + h] = own->held[h].place_count == 0 ? POL_PLACE_INSIDE : POL_PLACE_ELSEWHERE;
	}
	while (!out->found && pol_run_next(&run, &at)) {
		uint64_t bits =
			pol_permset_word(&is->allow, &at) & ~pol_permset_word(&was->allow, &at);

		bits |= pol_permset_word(&was->deny, &at) & ~pol_permset_word(&is->deny, &at);
		bits &= bits != 0 ? ~allowed(&search, GRANTOR, &at) : 0;
		bits &= bits != 0 ? ~may_grant(snapshot, grantor, &at) : 0;
		if (bits != 0) {
			report(snapshot, &at, bits, out);
		}
	}
	pol_arena_finish(&search.arena);
	return POL_OK;
}
