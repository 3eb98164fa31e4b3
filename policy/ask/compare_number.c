/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/snapshot/tree.h"

struct numbering {
	struct pol_compare *compare;
	struct pol_joint *joint;
	struct pol_names names;
	uint32_t *verbs[POL_SIDES];    /* the joined number of each verb of the policy */
	uint32_t *seen[POL_SIDES];     /* by joined verb: the last permission of that verb */
	struct pol_run run[POL_SIDES]; /* of the present node */
	size_t capacity;
};

static enum pol_status join_verbs(struct numbering *numbering)
{
	struct pol_compare *compare = numbering->compare;
	struct pol_arena *arena = &compare->arena;
	struct pol_joint *joint = numbering->joint;
	size_t most = (size_t)compare->sides[0]->verb_count + compare->sides[1]->verb_count;

	joint->verbs = pol_arena_alloc(arena, most, sizeof *joint->verbs);
	if (joint->verbs == NULL || pol_names_init(&numbering->names, arena, most) != POL_OK) {
		return arena->status != POL_OK ? arena->status : POL_ELIMIT;
	}
	for (int side = 0; side < POL_SIDES; side++) {
		const struct pol_snapshot *snapshot = compare->sides[side];
		uint32_t *verbs =
			pol_arena_alloc(arena, snapshot->verb_count, sizeof *numbering->verbs[0]);

		numbering->seen[side] = pol_arena_alloc(arena, most, sizeof *numbering->seen[0]);
		if (verbs == NULL || numbering->seen[side] == NULL) {
			return arena->status;
		}
		numbering->verbs[side] = verbs;
		memset(numbering->seen[side], 0xff, most * sizeof *numbering->seen[side]);
		for (uint32_t i = 0; i < snapshot->verb_count; i++) {
			uint32_t number = joint->verb_count;

			verbs[i] = pol_names_add(&numbering->names, snapshot->verbs[i], number);
			if (verbs[i] == number) {
				joint->verbs[joint->verb_count++] = snapshot->verbs[i];
			}
		}
	}
	return POL_OK;
}

/* Makes room for the permissions of one more node. */
static enum pol_status make_room(struct numbering *numbering, size_t more)
{
	struct pol_arena *arena = &numbering->compare->arena;
	struct pol_joint *joint = numbering->joint;
	uint32_t **arrays[] = { &joint->verb_of, &joint->node_of, &joint->source[0],
		&joint->source[1] };
	size_t need = joint->permission_count + more;
	size_t capacity = numbering->capacity;

	if (need <= numbering->capacity) {
		return POL_OK;
	}
	for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
		void *grown;

		capacity = numbering->capacity;
		grown = pol_arena_grow(arena, *arrays[i], joint->permission_count, need,
			sizeof **arrays[i], &capacity);
		if (grown == NULL) {
			return arena->status;
		}
		*arrays[i] = grown;
	}
	numbering->capacity = capacity;
	return need < POL_NONE ? POL_OK : POL_ELIMIT;
}

/* The permission of the present node with that verb, or POL_NONE. */
static uint32_t find_verb(const struct numbering *numbering, int side, uint32_t verb)
{
	uint32_t permission = numbering->seen[side][verb];
	const struct pol_run *run = &numbering->run[side];

	return permission != POL_NONE && permission - run->first < run->count ? permission
									      : POL_NONE;
}

/* The permission that a request with that verb needs: HEAD goes with GET. */
static uint32_t find_needed(const struct numbering *numbering, int side, uint32_t verb)
{
	uint32_t permission = find_verb(numbering, side, verb);

	if (permission == POL_NONE && verb == numbering->verbs[side][POL_VERB_HEAD]) {
		permission = find_verb(numbering, side, numbering->verbs[side][POL_VERB_GET]);
	}
	return permission;
}

/* The permissions of the node that answers a request: those of its rest if it has none itself. */
static struct pol_run find_run(const struct pol_snapshot *snapshot, uint32_t node)
{
	struct pol_run run = { 0 };
	uint32_t wild;

	if (node == POL_NONE) {
		return run;
	}
	run = pol_tree_node_run(snapshot, node);
	wild = snapshot->nodes[node].wild;
	if (run.count == 0 && wild != POL_NONE && snapshot->nodes[wild].kind == POL_SEGMENT_REST) {
		run = pol_tree_node_run(snapshot, wild);
	}
	return run;
}

/* Do requests for the node itself differ from those for its rest? */
static bool is_resource(const struct pol_compare *compare, const struct pol_joint_node *node)
{
	for (int side = 0; side < POL_SIDES; side++) {
		if (node->split) {
			return true;
		}
		if (node->answers[side] != POL_NONE &&
			pol_tree_node_run(compare->sides[side], node->answers[side]).count > 0) {
			return true;
		}
	}
	return false;
}

static void add_permission(struct numbering *numbering, uint32_t node, uint32_t verb)
{
	struct pol_joint *joint = numbering->joint;
	uint32_t number = joint->permission_count++;

	joint->verb_of[number] = verb;
	joint->node_of[number] = node;
	for (int side = 0; side < POL_SIDES; side++) {
		joint->source[side][number] = find_needed(numbering, side, verb);
	}
}

static enum pol_status number_node(struct numbering *numbering, uint32_t number)
{
	struct pol_compare *compare = numbering->compare;
	struct pol_joint_node *node = &numbering->joint->nodes[number];
	enum pol_status status;

	node->first = numbering->joint->permission_count;
	if (!is_resource(compare, node)) {
		return POL_OK;
	}
	for (int side = 0; side < POL_SIDES; side++) {
		struct pol_run run = find_run(compare->sides[side], node->answers[side]);

		numbering->run[side] = run;
		for (uint32_t i = run.first; i < run.first + run.count; i++) {
			uint32_t verb = compare->sides[side]->permissions[i];

			numbering->seen[side][numbering->verbs[side][verb]] = i;
		}
	}
	status = make_room(numbering, (size_t)numbering->run[0].count + numbering->run[1].count);
	for (int side = POL_SIDE_AFTER; status == POL_OK && side >= 0; side--) {
		struct pol_run run = numbering->run[side];

		for (uint32_t i = run.first; i < run.first + run.count; i++) {
			uint32_t verb =
				numbering->verbs[side][compare->sides[side]->permissions[i]];

			if (side == POL_SIDE_AFTER ||
				find_verb(numbering, POL_SIDE_AFTER, verb) == POL_NONE) {
				add_permission(numbering, number, verb);
			}
		}
	}
	return status;
}

static enum pol_status make_segments(struct pol_compare *compare, int side)
{
	struct pol_joint *joint = &compare->joint;
	const uint32_t *source = joint->source[side];
	struct pol_joint_segment *segment = NULL;
	size_t capacity = 0;

	for (uint32_t i = 0; i < joint->permission_count; i++) {
		size_t count = joint->segment_count[side];

		if (source[i] == POL_NONE) {
			segment = NULL;
			continue;
		}
		if (segment != NULL && source[i] == segment->from + segment->count) {
			segment->count++;
			continue;
		}
		if (count == capacity) {
			struct pol_joint_segment *grown = pol_arena_grow(&compare->arena,
				joint->segments[side], count, count + 1, sizeof *grown, &capacity);

			if (grown == NULL) {
				return compare->arena.status;
			}
			joint->segments[side] = grown;
		}
		segment = &joint->segments[side][joint->segment_count[side]++];
		*segment = (struct pol_joint_segment){ i, source[i], 1 };
	}
	return POL_OK;
}

static enum pol_status sort_by_verb(struct pol_compare *compare, int side)
{
	struct pol_joint *joint = &compare->joint;
	struct pol_joint_verbs *out = &joint->by_verb[side];
	struct pol_arena *arena = &compare->arena;
	size_t count = joint->permission_count;

	out->begin = pol_arena_alloc(arena, (size_t)joint->verb_count + 2, sizeof *out->begin);
	out->items = pol_arena_alloc(arena, count, sizeof *out->items);
	out->rank = pol_arena_alloc(arena, count, sizeof *out->rank);
	out->present = pol_arena_alloc(arena, count + 1, sizeof *out->present);
	if (arena->status != POL_OK) {
		return arena->status;
	}
	for (uint32_t i = 0; i < count; i++) {
		bool present = joint->source[side][i] != POL_NONE;

		out->present[i + 1] = out->present[i] + present;
		out->begin[joint->verb_of[i] + 2] += present;
	}
	for (uint32_t i = 0; i < joint->verb_count; i++) {
		out->begin[i + 2] += out->begin[i + 1];
	}
	/* begin[v + 1] is where the next permission of v goes, and in the end where those of v + 1
	 * begin. */
	for (uint32_t i = 0; i < count; i++) {
		if (joint->source[side][i] != POL_NONE) {
			uint32_t at = out->begin[joint->verb_of[i] + 1]++;

			out->items[at] = i;
			out->rank[i] = at;
		}
	}
	return POL_OK;
}

static bool is_whole(const struct pol_compare *compare, int side)
{
	const struct pol_joint *joint = &compare->joint;

	return joint->permission_count == compare->sides[side]->permission_count &&
	       (joint->permission_count == 0 ||
		       (joint->segment_count[side] == 1 &&
			       joint->segments[side][0].count == joint->permission_count));
}

enum pol_status pol_joint_number(struct pol_compare *compare)
{
	struct pol_joint *joint = &compare->joint;
	struct numbering numbering = { .compare = compare, .joint = joint };
	enum pol_status status = join_verbs(&numbering);

	for (uint32_t i = 0; status == POL_OK && i < joint->node_count; i++) {
		status = number_node(&numbering, i);
	}
	joint->nodes[joint->node_count].first = joint->permission_count;
	for (int side = 0; status == POL_OK && side < POL_SIDES; side++) {
		status = make_segments(compare, side);
		if (status == POL_OK) {
			status = sort_by_verb(compare, side);
		}
	}
	joint->words = ((size_t)joint->permission_count + 63) / 64;
	joint->equal = is_whole(compare, POL_SIDE_BEFORE) && is_whole(compare, POL_SIDE_AFTER);
	return status;
}
