/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/snapshot/tree.h"

/*
 * A node of the joined trees stands for the paths that lead through it. Each policy answers them by
 * the node that the path leads to: the literal of that name, else the parameter or rest beside it.
 * So the children of a joined node are those of both answering nodes together.
 */

struct joining {
	struct pol_compare *compare;
	struct pol_joint *joint;
	size_t capacity;
	enum pol_status status;
};

static const struct pol_node *node_of(
	const struct joining *joining, enum pol_side side, uint32_t node)
{
	return &joining->compare->sides[side]->nodes[node];
}

/* The child with that name and kind, or POL_NONE. A parameter has any name. */
static uint32_t find_child(const struct joining *joining, enum pol_side side, uint32_t parent,
	const struct pol_node *like)
{
	const struct pol_snapshot *snapshot = joining->compare->sides[side];
	uint32_t child = POL_NONE;

	if (parent == POL_NONE) {
		return POL_NONE;
	}
	if (like->kind != POL_SEGMENT_LITERAL) {
		child = snapshot->nodes[parent].wild;
		return child != POL_NONE && snapshot->nodes[child].kind == like->kind ? child
										      : POL_NONE;
	}
	return pol_tree_literal_find(snapshot, parent, like->name, &child) == POL_LITERAL_EXACT
		       ? child
		       : POL_NONE;
}

/* The node that answers for a child that the policy does not have, or POL_NONE. */
static uint32_t find_answer(const struct joining *joining, enum pol_side side, uint32_t parent,
	enum pol_segment_kind kind)
{
	uint32_t wild;

	if (parent == POL_NONE || node_of(joining, side, parent)->kind == POL_SEGMENT_REST) {
		return parent;
	}
	wild = node_of(joining, side, parent)->wild;
	if (wild == POL_NONE || kind == POL_SEGMENT_LITERAL) {
		return wild;
	}
	/* A rest answers for a parameter, but not a parameter for a rest. */
	return node_of(joining, side, wild)->kind == POL_SEGMENT_REST ? wild : POL_NONE;
}

static struct pol_joint_node *add_node(struct joining *joining, uint32_t *out)
{
	struct pol_joint *joint = joining->joint;
	struct pol_joint_node *grown;

	if (joint->node_count >= POL_JOINT_LIMIT) {
		joining->status = POL_ELIMIT;
		return NULL;
	}
	if (joint->node_count + (size_t)1 >= joining->capacity) {
		grown = pol_arena_grow(&joining->compare->arena, joint->nodes, joint->node_count,
			joint->node_count + (size_t)2, sizeof *grown, &joining->capacity);
		if (grown == NULL) {
			joining->status = joining->compare->arena.status;
			return NULL;
		}
		joint->nodes = grown;
	}
	*out = joint->node_count++;
	return &joint->nodes[*out];
}

static void add_children(struct joining *joining, uint32_t parent);

/* Adds the child that both policies call like this node of one of them. */
static void add_child(struct joining *joining, uint32_t parent, const struct pol_node *like)
{
	struct pol_joint_node above = joining->joint->nodes[parent];
	uint32_t number;
	struct pol_joint_node *node = add_node(joining, &number);

	if (node == NULL) {
		return;
	}
	node->shown = like;
	node->parent = parent;
	for (int side = 0; side < POL_SIDES; side++) {
		uint32_t child = find_child(joining, side, above.answers[side], like);

		node->own[side] = above.own[side] == above.answers[side] ? child : POL_NONE;
		node->answers[side] = child != POL_NONE ? child
							: find_answer(joining, side,
								  above.answers[side], like->kind);
	}
	add_children(joining, number);
}

/* The kind of the parameter or rest below a node; LITERAL: it has none. */
static enum pol_segment_kind wild_kind(
	const struct joining *joining, enum pol_side side, uint32_t node)
{
	uint32_t wild = node != POL_NONE ? node_of(joining, side, node)->wild : POL_NONE;

	return wild != POL_NONE ? node_of(joining, side, wild)->kind : POL_SEGMENT_LITERAL;
}

/* Has one policy a parameter there, and the other a rest? Then the parameter stands for the paths
 * that go on, and the node itself for the rest without a segment. */
static bool is_split(const struct joining *joining, uint32_t parent)
{
	const uint32_t *answers = joining->joint->nodes[parent].answers;
	enum pol_segment_kind before = wild_kind(joining, 0, answers[0]);
	enum pol_segment_kind after = wild_kind(joining, 1, answers[1]);

	return (before == POL_SEGMENT_PARAM && after == POL_SEGMENT_REST) ||
	       (before == POL_SEGMENT_REST && after == POL_SEGMENT_PARAM);
}

/* Where a rest answers in one policy and a node without a parameter or rest in the other, paths
 * that go on below that node are the rest's alone. */
static void add_rest(struct joining *joining, uint32_t parent)
{
	const uint32_t *answers = joining->joint->nodes[parent].answers;

	for (int side = 0; side < POL_SIDES; side++) {
		const struct pol_node *rest =
			answers[side] != POL_NONE ? node_of(joining, side, answers[side]) : NULL;

		if (rest != NULL && rest->kind == POL_SEGMENT_REST && answers[!side] != POL_NONE &&
			wild_kind(joining, !side, answers[!side]) == POL_SEGMENT_LITERAL) {
			add_child(joining, parent, rest);
			return;
		}
	}
}

static void add_children(struct joining *joining, uint32_t parent)
{
	bool split = is_split(joining, parent);

	joining->joint->nodes[parent].split = split;
	for (int side = POL_SIDE_AFTER; side >= POL_SIDE_BEFORE; side--) {
		uint32_t node = joining->joint->nodes[parent].answers[side];
		uint32_t end = node != POL_NONE ? node_of(joining, side, node)->end : 0;

		for (uint32_t child = node + 1; joining->status == POL_OK && child < end;
			child = node_of(joining, side, child)->end) {
			const struct pol_node *like = node_of(joining, side, child);
			uint32_t after = joining->joint->nodes[parent].answers[POL_SIDE_AFTER];

			if (split && like->kind == POL_SEGMENT_REST) {
				continue;
			}
			if (side == POL_SIDE_AFTER ||
				find_child(joining, POL_SIDE_AFTER, after, like) == POL_NONE) {
				add_child(joining, parent, like);
			}
		}
	}
	if (joining->status == POL_OK &&
		joining->joint->nodes[parent].shown->kind != POL_SEGMENT_REST) {
		add_rest(joining, parent);
	}
	joining->joint->nodes[parent].end = joining->joint->node_count;
}

static void add_tree(struct joining *joining, const uint32_t number[POL_SIDES])
{
	struct pol_joint_tree *tree = &joining->joint->trees[joining->joint->tree_count++];
	uint32_t root;
	struct pol_joint_node *node = add_node(joining, &root);

	if (node == NULL) {
		return;
	}
	*tree = (struct pol_joint_tree){ .root = root };
	node->parent = POL_NONE;
	for (int side = 0; side < POL_SIDES; side++) {
		const struct pol_snapshot *snapshot = joining->compare->sides[side];

		tree->number[side] = number[side];
		node->own[side] = POL_NONE;
		if (number[side] != POL_NONE) {
			tree->name = snapshot->trees[number[side]].name;
			node->own[side] = snapshot->trees[number[side]].root;
			node->shown = &snapshot->nodes[node->own[side]];
		}
		node->answers[side] = node->own[side];
	}
	add_children(joining, root);
}

enum pol_status pol_joint_make(struct pol_compare *compare)
{
	const struct pol_snapshot *before = compare->sides[POL_SIDE_BEFORE];
	const struct pol_snapshot *after = compare->sides[POL_SIDE_AFTER];
	struct pol_joint *joint = &compare->joint;
	struct joining joining = { .compare = compare, .joint = joint };
	size_t trees = (size_t)before->tree_count + after->tree_count;

	joint->trees = pol_arena_alloc(&compare->arena, trees, sizeof *joint->trees);
	joint->nodes = pol_arena_grow(&compare->arena, NULL, 0, (size_t)after->node_count + 2,
		sizeof *joint->nodes, &joining.capacity);
	if (joint->trees == NULL || joint->nodes == NULL) {
		return compare->arena.status;
	}
	for (uint32_t i = 0; joining.status == POL_OK && i < after->tree_count; i++) {
		add_tree(
			&joining, (uint32_t[]){ pol_tree_number(before, after->trees[i].name), i });
	}
	for (uint32_t i = 0; joining.status == POL_OK && i < before->tree_count; i++) {
		if (pol_tree_number(after, before->trees[i].name) == POL_NONE) {
			add_tree(&joining, (uint32_t[]){ i, POL_NONE });
		}
	}
	return joining.status == POL_OK ? pol_joint_number(compare) : joining.status;
}

uint32_t pol_joint_step(const struct pol_joint *joint, uint32_t node, struct pol_str segment)
{
	uint32_t param = POL_NONE, rest = POL_NONE;

	if (joint->nodes[node].shown->kind == POL_SEGMENT_REST) {
		return node;
	}
	for (uint32_t child = node + 1; child < joint->nodes[node].end;
		child = joint->nodes[child].end) {
		const struct pol_node *shown = joint->nodes[child].shown;

		if (shown->kind == POL_SEGMENT_LITERAL && pol_str_equal(shown->name, segment)) {
			return child;
		}
		if (shown->kind == POL_SEGMENT_PARAM) {
			param = child;
		} else if (shown->kind == POL_SEGMENT_REST) {
			rest = child;
		}
	}
	return param != POL_NONE ? param : rest;
}

/* Copies bits, a word of `from` at a time. `out` is zero where they go. */
static void copy_bits(const uint64_t *from, const struct pol_joint_segment *segment, uint64_t *out)
{
	uint32_t done = 0;

	while (done < segment->count) {
		uint32_t source = segment->from + done;
		uint32_t target = segment->at + done;
		uint32_t take = 64 - source % 64;
		uint64_t bits = from[source / 64] >> source % 64;

		if (take > segment->count - done) {
			take = segment->count - done;
		}
		if (take < 64) {
			bits &= (UINT64_C(1) << take) - 1;
		}
		if (bits != 0) {
			out[target / 64] |= bits << target % 64;
			if (target % 64 + take > 64) {
				out[target / 64 + 1] |= bits >> (64 - target % 64);
			}
		}
		done += take;
	}
}

void pol_joint_translate(
	const struct pol_joint *joint, enum pol_side side, const uint64_t *from, uint64_t *out)
{
	memset(out, 0, joint->words * sizeof *out);
	for (size_t i = 0; i < joint->segment_count[side]; i++) {
		copy_bits(from, &joint->segments[side][i], out);
	}
}
