/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/substitution.h"

#include <stdlib.h>

#include "policy/decide/subject.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"
#include "policy/text/path.h"

/* A place as it was read. */
struct place {
	struct pol_place_range placed;
	struct pol_substitution substitution; /* without a number yet */
	bool based;                           /* the substitution becomes [0] */
};

struct reader {
	const struct pol_snapshot *snapshot;
	struct pol_arena *arena;
	struct place base;
	struct place *places;
	uint32_t count;
	struct pol_substitutions *out;
	struct pol_path path; /* the last one read; large, so there is only one */
};

static bool is_prefix(const struct pol_substitution *a, const struct pol_substitution *b)
{
	if (a->count > b->count || (a->tree != b->tree && a->tree != POL_NONE)) {
		return false;
	}
	for (uint32_t i = 0; i < a->count; i++) {
		if (!pol_str_equal(a->values[i], b->values[i])) {
			return false;
		}
	}
	return true;
}

/* Orders a substitution after those with which it begins. */
static int compare_places(const void *left, const void *right)
{
	const struct place *one = left;
	const struct place *other = right;
	const struct pol_substitution *a = &one->substitution;
	const struct pol_substitution *b = &other->substitution;

	if (one->based || other->based) {
		return other->based - one->based;
	}
	if (a->tree != b->tree) {
		return a->tree < b->tree ? -1 : 1;
	}
	for (uint32_t i = 0; i < a->count && i < b->count; i++) {
		int order = pol_str_compare(a->values[i], b->values[i]);

		if (order != 0) {
			return order;
		}
	}
	return (a->count > b->count) - (a->count < b->count);
}

/* Copies the segments of reader->path. */
static const struct pol_str *keep_segments(struct reader *reader)
{
	const struct pol_path *path = &reader->path;
	struct pol_str *kept = pol_arena_alloc(reader->arena, path->count, sizeof *kept);

	for (uint32_t i = 0; kept != NULL && i < path->count; i++) {
		const char *text = path->segments[i].ptr;
		bool is_own = text >= path->decoded && text < path->decoded + path->used;

		kept[i] = is_own ? pol_arena_copy(reader->arena, path->segments[i])
				 : path->segments[i];
	}
	return kept;
}

/* Cuts the substitution after its last value: the one of a parameter or a rest. */
static void cut_substitution(const struct reader *reader, struct pol_substitution *substitution)
{
	const struct pol_node *nodes = reader->snapshot->nodes;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(reader->snapshot, substitution->node, chain);

	while (depth > 0 && nodes[chain[depth - 1]].kind == POL_SEGMENT_LITERAL) {
		depth--;
	}
	if (depth == 0) {
		substitution->count = 0;
		substitution->node = reader->snapshot->trees[substitution->tree].root;
		return;
	}
	substitution->node = chain[depth - 1];
	if (nodes[substitution->node].kind != POL_SEGMENT_REST) {
		substitution->count = depth;
	}
}

/* Reads a place. POL_EINVALID: it leads to no node; the tree is set all the same when it is known.
 */
static enum pol_status read_place(struct reader *reader, struct pol_str text, struct place *out)
{
	const struct pol_snapshot *snapshot = reader->snapshot;
	uint32_t chain[POL_PATH_SEGMENTS];
	struct pol_str tree;
	struct pol_str raw;
	uint32_t node;

	*out = (struct place){ .substitution.tree = POL_NONE };
	if (!pol_path_split(text, &tree, &raw) || pol_path_read(raw, &reader->path) != POL_OK) {
		return POL_EINVALID;
	}
	out->substitution.tree = pol_tree_number(snapshot, tree);
	if (pol_tree_find(snapshot, out->substitution.tree, &reader->path, &node) != POL_OK) {
		return POL_EINVALID;
	}
	/* The path of a rest's parent leads to the rest: the place is the parent. */
	if (pol_resource_node_chain(snapshot, node, chain) > reader->path.count) {
		node = snapshot->nodes[node].parent;
	}
	out->placed.node = node;
	out->placed.end = snapshot->nodes[node].end;
	out->substitution.node = node;
	out->substitution.count = reader->path.count;
	out->substitution.values = keep_segments(reader);
	return reader->arena->status;
}

/* Does the place cover anything of what is asked? A place above the base covers all of it. */
static bool is_asked(const struct reader *reader, const struct place *place)
{
	const struct pol_substitution *base = &reader->base.substitution;

	if (place->substitution.count < base->count) {
		return is_prefix(&place->substitution, base);
	}
	return is_prefix(base, &place->substitution);
}

static enum pol_status add_places(
	struct reader *reader, const struct pol_str *places, uint32_t count, uint32_t held)
{
	for (uint32_t i = 0; i < count; i++) {
		struct place *place = &reader->places[reader->count];
		enum pol_status status = read_place(reader, places[i], place);

		if (held != POL_NONE && place->substitution.tree != POL_NONE) {
			reader->out->placed_roles[reader->out->placed_role_count++] =
				(struct pol_placed_role){ place->substitution.tree, held };
		}
		if (status == POL_EINVALID || (status == POL_OK && !is_asked(reader, place))) {
			continue;
		}
		if (status != POL_OK) {
			return status;
		}
		cut_substitution(reader, &place->substitution);
		place->based = place->substitution.count <= reader->base.substitution.count;
		place->substitution.end = reader->snapshot->nodes[place->substitution.node].end;
		place->placed.held = held;
		reader->count++;
	}
	return POL_OK;
}

static enum pol_status gather_places(struct reader *reader, const struct pol_facts *facts)
{
	bool key = pol_subject_key_counts(facts);
	uint32_t first = pol_subject_first(facts);
	size_t most = key ? facts->key_place_count : 0;
	enum pol_status status = POL_OK;

	for (uint32_t i = first; i < facts->held_count; i++) {
		most += facts->held[i].place_count;
	}
	reader->places = pol_arena_alloc(reader->arena, most, sizeof *reader->places);
	reader->out->placed_roles =
		pol_arena_alloc(reader->arena, most, sizeof *reader->out->placed_roles);
	if (reader->places == NULL || reader->out->placed_roles == NULL) {
		return reader->arena->status;
	}
	if (key) {
		status = add_places(reader, facts->key_places, facts->key_place_count, POL_NONE);
	}
	for (uint32_t i = first; status == POL_OK && i < facts->held_count; i++) {
		status = add_places(reader, facts->held[i].places, facts->held[i].place_count, i);
	}
	return status;
}

/* Numbers the substitutions. After sorting, the places of one are together, and its general one
 * came before. */
static enum pol_status number_substitutions(struct reader *reader)
{
	struct pol_substitutions *out = reader->out;
	size_t most = (size_t)reader->count + 1;

	qsort(reader->places, reader->count, sizeof *reader->places, compare_places);
	out->items = pol_arena_alloc(reader->arena, most, sizeof *out->items);
	out->places = pol_arena_alloc(reader->arena, most, sizeof *out->places);
	if (out->items == NULL || out->places == NULL) {
		return reader->arena->status;
	}
	out->items[0] = reader->base.substitution;
	out->count = 1;
	for (uint32_t i = 0; i < reader->count; i++) {
		const struct place *place = &reader->places[i];
		uint32_t last = out->count - 1;

		if (!place->based && (i == 0 || compare_places(place - 1, place) != 0)) {
			struct pol_substitution *substitution = &out->items[out->count++];

			*substitution = place->substitution;
			substitution->first = i;
			while (!is_prefix(&out->items[last], substitution)) {
				last = out->items[last].general;
			}
			substitution->general = last;
		}
		out->items[out->count - 1].place_count++;
		out->places[i] = place->placed;
	}
	return POL_OK;
}

enum pol_status pol_substitutions_make(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_str at, struct pol_arena *arena,
	struct pol_substitutions *out)
{
	struct reader *reader = pol_arena_alloc(arena, 1, sizeof *reader);
	enum pol_status status = POL_OK;

	if (reader == NULL) {
		return arena->status;
	}
	*out = (struct pol_substitutions){ 0 };
	reader->snapshot = snapshot;
	reader->arena = arena;
	reader->out = out;
	reader->base.substitution =
		(struct pol_substitution){ .end = snapshot->node_count, .tree = POL_NONE };
	if (at.len > 0) {
		status = read_place(reader, at, &reader->base);
		reader->base.substitution.end = reader->base.placed.end;
	}
	if (status == POL_OK) {
		status = gather_places(reader, facts);
	}
	return status == POL_OK ? number_substitutions(reader) : status;
}
