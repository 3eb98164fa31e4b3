/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/snapshot/resource.h"

/*
 * The permissions of one verb are numbered through all trees. In this numbering a subtree has an
 * interval, and a bitmap has runs. A run is covered from its beginning by the largest subtree whose
 * interval begins there and ends within the run; and so is what is left of the run. If the
 * smallest subtree that has all of them lacks little, what is left out is cut into pieces instead.
 * Verbs with one pattern are one change.
 */

/* From this many permissions of a verb on, of which the subtree lacks less than an eighth, only
 * what is left out is cut. */
#define MANY   1024
#define MOSTLY 8

struct folding {
	struct pol_compare *compare;
	const struct pol_joint *joint;
	const struct pol_joint_verbs *by_verb;
	const struct pol_region *region; /* NULL: none */
	enum pol_change_kind kind;
};

static enum pol_side side_of(enum pol_change_kind kind)
{
	return kind == POL_CHANGE_LOST || kind == POL_CHANGE_UNDENIED || kind == POL_CHANGE_DROPPED
		       ? POL_SIDE_BEFORE
		       : POL_SIDE_AFTER;
}

/* The first index in the verb's list whose permission is at least `permission`. */
static uint32_t find_rank(const struct folding *folding, uint32_t verb, uint32_t permission)
{
	uint32_t low = folding->by_verb->begin[verb];
	uint32_t high = folding->by_verb->begin[verb + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (folding->by_verb->items[middle] < permission) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* The largest piece that begins with the permission and whose ranks are below `end`. */
static struct pol_piece find_piece(
	const struct folding *folding, uint32_t permission, uint32_t verb, uint32_t end)
{
	const struct pol_joint_node *nodes = folding->joint->nodes;
	uint32_t rank = folding->by_verb->rank[permission];
	uint32_t node = folding->joint->node_of[permission];
	uint32_t last = folding->region != NULL ? folding->region->node : POL_NONE;
	struct pol_piece piece = { .node = node, .verb = verb, .count = 1 };

	while (node != POL_NONE && find_rank(folding, verb, nodes[node].first) == rank) {
		uint32_t until = find_rank(folding, verb, nodes[nodes[node].end].first);

		if (until > end) {
			break;
		}
		/* Where several subtrees have the same permissions, the smallest is the
		 * clearest. */
		if (until - rank > piece.count) {
			piece = (struct pol_piece){
				.node = node, .deep = true, .verb = verb, .count = until - rank
			};
		}
		node = node == last ? POL_NONE : nodes[node].parent;
	}
	return piece;
}

static enum pol_status add_piece(
	struct folding *folding, struct pol_pieces *pieces, struct pol_piece piece)
{
	struct pol_compare *compare = folding->compare;

	if (pieces->count == pieces->capacity) {
		struct pol_piece *grown = pol_arena_grow(&compare->arena, pieces->items,
			pieces->count, pieces->count + 64, sizeof *grown, &pieces->capacity);

		if (grown == NULL) {
			return compare->arena.status;
		}
		pieces->items = grown;
	}
	pieces->items[pieces->count++] = piece;
	return POL_OK;
}

/* Cuts the permissions with ranks [begin, end) of a verb into pieces. */
static enum pol_status cut_run(struct folding *folding, uint32_t verb, uint32_t begin, uint32_t end,
	struct pol_pieces *out)
{
	enum pol_status status = POL_OK;

	while (status == POL_OK && begin < end) {
		struct pol_piece piece =
			find_piece(folding, folding->by_verb->items[begin], verb, end);

		status = add_piece(folding, out, piece);
		begin += piece.count;
	}
	return status;
}

/* Permissions of one verb, ascending. */
struct sorted {
	uint32_t verb;
	const uint32_t *items;
	size_t count;
};

static enum pol_status cut_all(
	struct folding *folding, const struct sorted *sorted, struct pol_pieces *out)
{
	const uint32_t *rank = folding->by_verb->rank;
	enum pol_status status = POL_OK;

	for (size_t begin = 0, end = 0; status == POL_OK && begin < sorted->count; begin = end) {
		uint32_t first = rank[sorted->items[begin]];

		while (end < sorted->count && rank[sorted->items[end]] == first + (end - begin)) {
			end++;
		}
		status =
			cut_run(folding, sorted->verb, first, first + (uint32_t)(end - begin), out);
	}
	return status;
}

/* The smallest subtree that has all of them, or POL_NONE: they are in several trees. Its ranks of
 * the verb are [*out_begin, *out_end). */
static uint32_t find_subtree(const struct folding *folding, const struct sorted *sorted,
	uint32_t *out_begin, uint32_t *out_end)
{
	const struct pol_joint_node *nodes = folding->joint->nodes;
	uint32_t node = folding->joint->node_of[sorted->items[0]];
	uint32_t last = sorted->items[sorted->count - 1];

	while (nodes[nodes[node].end].first <= last && nodes[node].parent != POL_NONE) {
		node = nodes[node].parent;
	}
	*out_begin = find_rank(folding, sorted->verb, nodes[node].first);
	*out_end = find_rank(folding, sorted->verb, nodes[nodes[node].end].first);
	return nodes[nodes[node].end].first > last ? node : POL_NONE;
}

/* Cuts what the subtree lacks: the ranks between those that are there. */
static enum pol_status cut_holes(
	struct folding *folding, const struct sorted *sorted, uint32_t begin, uint32_t end)
{
	const uint32_t *rank = folding->by_verb->rank;
	enum pol_status status = POL_OK;

	for (size_t i = 0; status == POL_OK && i <= sorted->count; i++) {
		uint32_t next = i < sorted->count ? rank[sorted->items[i]] : end;

		if (next > begin) {
			status = cut_run(
				folding, sorted->verb, begin, next, &folding->compare->holes);
		}
		begin = next + 1;
	}
	return status;
}

/* Cuts the permissions of one verb into pieces, or into one with holes where that is shorter. */
static enum pol_status cut_verb(struct folding *folding, const struct sorted *sorted)
{
	struct pol_pieces *pieces = &folding->compare->pieces;
	struct pol_pieces *holes = &folding->compare->holes;
	struct pol_piece whole = { .deep = true,
		.verb = sorted->verb,
		.hole = holes->count,
		.count = (uint32_t)sorted->count };
	size_t first = pieces->count;
	uint32_t begin, end;
	size_t lacking;
	bool mostly;
	enum pol_status status = POL_OK;

	whole.node = find_subtree(folding, sorted, &begin, &end);
	lacking = whole.node != POL_NONE ? end - begin - sorted->count : 0;
	mostly = sorted->count >= MANY && lacking > 0 && lacking * MOSTLY < sorted->count;
	if (!mostly) {
		status = cut_all(folding, sorted, pieces);
	}
	if (status != POL_OK || lacking == 0 ||
		(!mostly && (pieces->count - first <= 2 || lacking >= sorted->count))) {
		return status;
	}
	status = cut_holes(folding, sorted, begin, end);
	whole.hole_count = holes->count - whole.hole;
	if (mostly || whole.hole_count + 1 < pieces->count - first) {
		pieces->count = first;
		return status == POL_OK ? add_piece(folding, pieces, whole) : status;
	}
	holes->count = whole.hole;
	return status;
}

/* Sorts the permissions of the bitmap by verb, into compare->sorted; counts[v] is then where those
 * of verb v end. */
static void sort_bits(struct folding *folding, const uint64_t *bits)
{
	struct pol_compare *compare = folding->compare;
	const struct pol_joint *joint = folding->joint;
	uint32_t *counts = compare->counts;

	memset(counts, 0, ((size_t)joint->verb_count + 1) * sizeof *counts);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t w = 0; w < joint->words; w++) {
			for (uint64_t word = bits[w]; word != 0; word &= word - 1) {
				uint32_t at = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(word);
				uint32_t verb = joint->verb_of[at];

				if (pass == 0) {
					counts[verb + 1]++;
				} else {
					compare->sorted[counts[verb]++] = at;
				}
			}
		}
		for (uint32_t v = 0; pass == 0 && v < joint->verb_count; v++) {
			counts[v + 1] += counts[v];
		}
	}
}

static int compare_pieces(const void *left, const void *right)
{
	const struct pol_piece *a = left, *b = right;

	if (a->node != b->node) {
		return a->node < b->node ? -1 : 1;
	}
	if (a->deep != b->deep) {
		return a->deep ? 1 : -1;
	}
	/* One with holes is a change of its own. */
	if ((a->hole_count > 0) != (b->hole_count > 0)) {
		return a->hole_count > 0 ? 1 : -1;
	}
	return (a->verb > b->verb) - (a->verb < b->verb);
}

/* The pattern as text. */
static struct pol_str name_pattern(const struct folding *folding, uint32_t node, bool deep)
{
	const struct pol_joint_node *nodes = folding->joint->nodes;
	struct pol_resource *text = &folding->compare->resource;
	const struct pol_region *region = folding->region;
	uint32_t chain[POL_PATH_SEGMENTS + 1];
	uint32_t depth = 0;
	uint32_t first = 0;
	uint32_t at = node;

	for (; nodes[at].parent != POL_NONE; at = nodes[at].parent) {
		depth++;
	}
	for (uint32_t i = depth, n = node; i > 0; n = nodes[n].parent) {
		chain[--i] = n;
	}
	pol_resource_begin(text, nodes[at].shown->name);
	if (region != NULL) {
		text->len = 0;
		pol_resource_put(text, region->place);
		/* The root's place ends with its slash. */
		text->len -= region->depth == 0;
		first = region->depth < depth ? region->depth : depth;
	}
	for (uint32_t i = first; i < depth; i++) {
		pol_resource_node(text, nodes[chain[i]].shown);
	}
	if (region != NULL && first == depth && depth > 0 && region->depth >= depth &&
		nodes[node].shown->kind == POL_SEGMENT_REST) {
		pol_resource_node(text, nodes[node].shown);
	}
	if (deep) {
		pol_resource_put(text, POL_STR("/**"));
		return pol_arena_copy(
			&folding->compare->arena, (struct pol_str){ text->text, text->len });
	}
	return pol_arena_copy(&folding->compare->present, pol_resource_end(text));
}

/* Adds the holes of a piece to the change. */
static enum pol_status add_holes(
	struct folding *folding, const struct pol_piece *piece, struct pol_change *change)
{
	struct pol_compare *compare = folding->compare;
	struct pol_str *except =
		pol_arena_alloc(&compare->present, piece->hole_count, sizeof *except);

	for (size_t i = 0; except != NULL && i < piece->hole_count; i++) {
		const struct pol_piece *hole = &compare->holes.items[piece->hole + i];

		except[i] = name_pattern(folding, hole->node, hole->deep);
	}
	change->except = except;
	change->except_count = piece->hole_count;
	return compare->present.status;
}

/* Makes one change of pieces with one pattern. */
static enum pol_status add_change(struct folding *folding, const struct pol_piece *pieces,
	size_t count, struct pol_changes *out)
{
	struct pol_compare *compare = folding->compare;
	const struct pol_joint_node *nodes = folding->joint->nodes;
	const struct pol_piece *piece = &pieces[0];
	const uint32_t *present = folding->by_verb->present;
	uint32_t end = piece->deep ? nodes[piece->node].end : piece->node + 1;
	struct pol_change *change = pol_changes_add(compare, out, folding->kind);
	struct pol_str *verbs = pol_arena_alloc(&compare->present, count, sizeof *verbs);

	if (change == NULL || verbs == NULL) {
		return compare->present.status;
	}
	for (size_t i = 0; i < count; i++) {
		verbs[i] = folding->joint->verbs[pieces[i].verb];
		change->permissions += pieces[i].count;
	}
	change->verbs = verbs;
	change->verb_count = count;
	change->all = change->permissions ==
		      present[nodes[end].first] - present[nodes[piece->node].first];
	change->pattern = name_pattern(folding, piece->node, piece->deep);
	return piece->hole_count > 0 ? add_holes(folding, piece, change) : compare->present.status;
}

/* Do both belong to one change? */
static bool is_joined(const struct pol_piece *a, const struct pol_piece *b)
{
	return a == b || (a->node == b->node && a->deep == b->deep && a->hole_count == 0 &&
				 b->hole_count == 0);
}

enum pol_status pol_fold_fresh(struct pol_compare *compare, const uint64_t *bits,
	enum pol_change_kind kind, const struct pol_region *region, struct pol_changes *out)
{
	struct folding folding = { .compare = compare,
		.joint = &compare->joint,
		.by_verb = &compare->joint.by_verb[side_of(kind)],
		.region = region,
		.kind = kind };
	struct pol_pieces *pieces = &compare->pieces;
	const uint32_t *ends = compare->counts;
	enum pol_status status = POL_OK;

	pieces->count = 0;
	compare->holes.count = 0;
	sort_bits(&folding, bits);
	for (uint32_t v = 0; status == POL_OK && v < folding.joint->verb_count; v++) {
		uint32_t begin = v > 0 ? ends[v - 1] : 0;
		struct sorted sorted = { v, compare->sorted + begin, ends[v] - begin };

		status = sorted.count > 0 ? cut_verb(&folding, &sorted) : POL_OK;
	}
	if (pieces->count > 1) {
		qsort(pieces->items, pieces->count, sizeof *pieces->items, compare_pieces);
	}
	for (size_t i = 0, end = 0; status == POL_OK && i < pieces->count; i = end) {
		while (end < pieces->count && is_joined(&pieces->items[i], &pieces->items[end])) {
			end++;
		}
		status = add_change(&folding, &pieces->items[i], end - i, out);
	}
	return status;
}
