/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/substitution.h"

#include <stdlib.h>

#include "policy/decide/subject.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"
#include "policy/text/path.h"

/* A place as it was read. */
struct place {
	struct pol_placed placed;
	struct pol_filling filling; /* its own, without a number yet */
	bool based;                 /* the filling is [0] */
};

struct reader {
	const struct pol_snapshot *snapshot;
	struct pol_arena *arena;
	struct place base;
	struct place *places;
	uint32_t count;
	struct pol_fillings *out;
	struct pol_path path; /* large; the last that was read */
};

static bool is_prefix(const struct pol_filling *a, const struct pol_filling *b)
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

/* A filling comes behind those with which it begins. */
static int compare_places(const void *left, const void *right)
{
	const struct place *one = left;
	const struct place *other = right;
	const struct pol_filling *a = &one->filling;
	const struct pol_filling *b = &other->filling;

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

/* The segments of reader->path, to stay. */
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

/* Cuts the filling behind its last value, which a parameter or a rest took. */
static void cut_filling(const struct reader *reader, struct pol_filling *filling)
{
	const struct pol_node *nodes = reader->snapshot->nodes;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(reader->snapshot, filling->node, chain);

	while (depth > 0 && nodes[chain[depth - 1]].kind == POL_SEGMENT_LITERAL) {
		depth--;
	}
	if (depth == 0) {
		filling->count = 0;
		filling->node = reader->snapshot->trees[filling->tree].root;
		return;
	}
	filling->node = chain[depth - 1];
	if (nodes[filling->node].kind != POL_SEGMENT_REST) {
		filling->count = depth;
	}
}

/* POL_EINVALID: the place leads nowhere; the filling's tree is set when it speaks of one. */
static enum pol_status read_place(struct reader *reader, struct pol_str text, struct place *out)
{
	const struct pol_snapshot *snapshot = reader->snapshot;
	uint32_t chain[POL_PATH_SEGMENTS];
	struct pol_str tree;
	struct pol_str raw;
	uint32_t node;

	*out = (struct place){ .filling.tree = POL_NONE };
	if (!pol_path_split(text, &tree, &raw) || pol_path_read(raw, &reader->path) != POL_OK) {
		return POL_EINVALID;
	}
	out->filling.tree = pol_tree_number(snapshot, tree);
	if (pol_tree_find(snapshot, out->filling.tree, &reader->path, &node) != POL_OK) {
		return POL_EINVALID;
	}
	/* A rest that owns its parent: the place is the parent. */
	if (pol_resource_node_chain(snapshot, node, chain) > reader->path.count) {
		node = snapshot->nodes[node].parent;
	}
	out->placed.node = node;
	out->placed.end = snapshot->nodes[node].end;
	out->filling.node = node;
	out->filling.count = reader->path.count;
	out->filling.values = keep_segments(reader);
	return reader->arena->status;
}

/* Whether the place says anything of what is asked. Where it leads to above the base, it covers
 * all of that. */
static bool is_asked(const struct reader *reader, const struct place *place)
{
	const struct pol_filling *base = &reader->base.filling;

	if (place->filling.count < base->count) {
		return is_prefix(&place->filling, base);
	}
	return is_prefix(base, &place->filling);
}

static enum pol_status add_places(
	struct reader *reader, const struct pol_str *places, uint32_t count, uint32_t held)
{
	for (uint32_t i = 0; i < count; i++) {
		struct place *place = &reader->places[reader->count];
		enum pol_status status = read_place(reader, places[i], place);

		if (held != POL_NONE && place->filling.tree != POL_NONE) {
			reader->out->spoken[reader->out->spoken_count++] =
				(struct pol_spoken){ place->filling.tree, held };
		}
		if (status == POL_EINVALID || (status == POL_OK && !is_asked(reader, place))) {
			continue;
		}
		if (status != POL_OK) {
			return status;
		}
		cut_filling(reader, &place->filling);
		place->based = place->filling.count <= reader->base.filling.count;
		place->filling.end = reader->snapshot->nodes[place->filling.node].end;
		place->placed.held = held;
		reader->count++;
	}
	return POL_OK;
}

static enum pol_status gather_places(struct reader *reader, const struct pol_facts *facts)
{
	bool key = pol_subject_key_counts(facts);
	bool roles = pol_subject_roles_count(facts);
	size_t most = key ? facts->key_place_count : 0;
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; roles && i < facts->held_count; i++) {
		most += facts->held[i].place_count;
	}
	reader->places = pol_arena_alloc(reader->arena, most, sizeof *reader->places);
	reader->out->spoken = pol_arena_alloc(reader->arena, most, sizeof *reader->out->spoken);
	if (reader->places == NULL || reader->out->spoken == NULL) {
		return reader->arena->status;
	}
	if (key) {
		status = add_places(reader, facts->key_places, facts->key_place_count, POL_NONE);
	}
	for (uint32_t i = 0; status == POL_OK && roles && i < facts->held_count; i++) {
		status = add_places(reader, facts->held[i].places, facts->held[i].place_count, i);
	}
	return status;
}

/* Sorted, places of one filling stand together, and the general one among those before. */
static enum pol_status number_fillings(struct reader *reader)
{
	struct pol_fillings *out = reader->out;
	size_t most = (size_t)reader->count + 1;

	qsort(reader->places, reader->count, sizeof *reader->places, compare_places);
	out->items = pol_arena_alloc(reader->arena, most, sizeof *out->items);
	out->places = pol_arena_alloc(reader->arena, most, sizeof *out->places);
	if (out->items == NULL || out->places == NULL) {
		return reader->arena->status;
	}
	out->items[0] = reader->base.filling;
	out->count = 1;
	for (uint32_t i = 0; i < reader->count; i++) {
		const struct place *place = &reader->places[i];
		uint32_t last = out->count - 1;

		if (!place->based && (i == 0 || compare_places(place - 1, place) != 0)) {
			struct pol_filling *filling = &out->items[out->count++];

			*filling = place->filling;
			filling->first = i;
			while (!is_prefix(&out->items[last], filling)) {
				last = out->items[last].general;
			}
			filling->general = last;
		}
		out->items[out->count - 1].place_count++;
		out->places[i] = place->placed;
	}
	return POL_OK;
}

enum pol_status pol_fillings_make(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_str at, struct pol_arena *arena,
	struct pol_fillings *out)
{
	struct reader *reader = pol_arena_alloc(arena, 1, sizeof *reader);
	enum pol_status status = POL_OK;

	if (reader == NULL) {
		return arena->status;
	}
	*out = (struct pol_fillings){ 0 };
	reader->snapshot = snapshot;
	reader->arena = arena;
	reader->out = out;
	reader->base.filling =
		(struct pol_filling){ .end = snapshot->node_count, .tree = POL_NONE };
	if (at.len > 0) {
		status = read_place(reader, at, &reader->base);
		reader->base.filling.end = reader->base.placed.end;
	}
	if (status == POL_OK) {
		status = gather_places(reader, facts);
	}
	return status == POL_OK ? number_fillings(reader) : status;
}
