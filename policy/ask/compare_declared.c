/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/snapshot/tree.h"

/* What the trees declare, not who may use it. */

/* Does the policy declare this permission at this very node? */
static bool is_declared(const struct pol_compare *compare, int side, uint32_t permission)
{
	const struct pol_snapshot *snapshot = compare->sides[side];
	const struct pol_joint *joint = &compare->joint;
	uint32_t own = joint->nodes[joint->node_of[permission]].own[side];
	uint32_t source = joint->source[side][permission];
	struct pol_run run;

	if (own == POL_NONE || source == POL_NONE) {
		return false;
	}
	run = pol_tree_node_run(snapshot, own);
	/* HEAD may be there with GET only. */
	return source - run.first < run.count &&
	       pol_str_equal(snapshot->verbs[snapshot->permissions[source]],
		       joint->verbs[joint->verb_of[permission]]);
}

static enum pol_status add_permissions(struct pol_compare *compare, struct pol_run run,
	enum pol_side side, struct pol_changes *out)
{
	uint64_t *bits = compare->result;
	bool any = false;

	memset(bits, 0, compare->joint.words * sizeof *bits);
	for (uint32_t i = run.first; i < run.first + run.count; i++) {
		if (is_declared(compare, side, i) && !is_declared(compare, !side, i)) {
			bits[i / 64] |= UINT64_C(1) << i % 64;
			any = true;
		}
	}
	return any ? pol_fold(compare, bits,
			     side == POL_SIDE_AFTER ? POL_CHANGE_DECLARED : POL_CHANGE_DROPPED,
			     NULL, out)
		   : POL_OK;
}

/* --- actions that have methods ---------------------------------------------------------------- */

/* "PUT PATCH", in the order of the file; empty: the node has no such action with methods. */
static struct pol_str list_methods(
	struct pol_compare *compare, int side, uint32_t node, struct pol_str name)
{
	const struct pol_snapshot *snapshot = compare->sides[side];
	struct pol_str text = { NULL, 0 };

	for (uint32_t i = snapshot->nodes[node].action; i < snapshot->nodes[node + 1].action; i++) {
		const struct pol_action *action = &snapshot->actions[i];

		if (!action->has_methods || !pol_str_equal(snapshot->verbs[action->verb], name)) {
			continue;
		}
		for (uint32_t k = 0; k < action->run.count; k++) {
			struct pol_str method =
				snapshot->verbs[snapshot->permissions[action->run.first + k]];

			text = pol_compare_text(compare, "%.*s%s%.*s", POL_STR_ARGS(text),
				k > 0 ? " " : "", POL_STR_ARGS(method));
		}
	}
	return text;
}

static bool is_equal_action(const struct pol_snapshot *a, const struct pol_action *one,
	const struct pol_snapshot *b, const struct pol_action *other)
{
	if (one->has_methods != other->has_methods || one->run.count != other->run.count ||
		!pol_str_equal(a->verbs[one->verb], b->verbs[other->verb])) {
		return false;
	}
	for (uint32_t i = 0; one->has_methods && i < one->run.count; i++) {
		struct pol_str method = a->verbs[a->permissions[one->run.first + i]];
		uint32_t k = 0;

		while (k < other->run.count &&
			!pol_str_equal(method, b->verbs[b->permissions[other->run.first + k]])) {
			k++;
		}
		if (k == other->run.count) {
			return false;
		}
	}
	return true;
}

/* Does the other policy's node have an action of that name with the same methods? */
static bool has_action(const struct pol_compare *compare, int side, const uint32_t own[POL_SIDES],
	const struct pol_action *action)
{
	const struct pol_snapshot *have = compare->sides[side], *other = compare->sides[!side];
	uint32_t first = other->nodes[own[!side]].action;
	uint32_t count = other->nodes[own[!side] + 1].action - first;
	/* Most nodes have the same actions in the same order. */
	uint32_t guess = (uint32_t)(action - have->actions) - have->nodes[own[side]].action;

	if (guess < count && is_equal_action(have, action, other, &other->actions[first + guess])) {
		return true;
	}
	for (uint32_t i = first; i < first + count; i++) {
		if (is_equal_action(have, action, other, &other->actions[i])) {
			return true;
		}
	}
	return false;
}

static void add_action(
	struct pol_compare *compare, uint32_t node, struct pol_str name, struct pol_changes *out)
{
	const struct pol_joint_node *joint = &compare->joint.nodes[node];
	struct pol_str methods[POL_SIDES];
	struct pol_change *change;

	for (int side = 0; side < POL_SIDES; side++) {
		methods[side] = list_methods(compare, side, joint->own[side], name);
	}
	change = pol_changes_add(compare, out, POL_CHANGE_ALTERED);
	if (change == NULL) {
		return;
	}
	change->effect = POL_CHANGE_GAIN | POL_CHANGE_LOSS;
	change->what = pol_compare_text(compare, "action %.*s of %.*s", POL_STR_ARGS(name),
		POL_STR_ARGS(pol_resource_of_node(&compare->resource,
			compare->sides[POL_SIDE_AFTER], joint->own[POL_SIDE_AFTER])));
	change->before = methods[0].len > 0 ? methods[0] : POL_STR("no methods");
	change->after = methods[1].len > 0 ? methods[1] : POL_STR("no methods");
}

/* Adds the named actions of a node whose methods are others. */
static void compare_actions(struct pol_compare *compare, uint32_t node, struct pol_changes *out)
{
	const uint32_t *own = compare->joint.nodes[node].own;

	if (own[0] == POL_NONE || own[1] == POL_NONE) {
		return;
	}
	for (int side = POL_SIDE_AFTER; side >= 0; side--) {
		const struct pol_snapshot *snapshot = compare->sides[side];
		const struct pol_node *from = &snapshot->nodes[own[side]];

		for (uint32_t i = from[0].action; i < from[1].action; i++) {
			const struct pol_action *action = &snapshot->actions[i];
			struct pol_str name = snapshot->verbs[action->verb];

			/* A bare method is itself an action of that name. */
			if (!action->has_methods || snapshot->verb_is_method[action->verb] ||
				has_action(compare, side, own, action)) {
				continue;
			}
			/* The policy after was looked at first. */
			if (side == POL_SIDE_AFTER ||
				list_methods(compare, POL_SIDE_AFTER, own[1], name).len == 0) {
				add_action(compare, node, name, out);
			}
		}
	}
}

static enum pol_status compare_tree(
	struct pol_compare *compare, const struct pol_joint_tree *tree, struct pol_changes *out)
{
	const struct pol_joint *joint = &compare->joint;
	uint32_t end = joint->nodes[tree->root].end;
	struct pol_run run = { joint->nodes[tree->root].first, 0 };
	enum pol_status status;

	run.count = joint->nodes[end].first - run.first;
	status = add_permissions(compare, run, POL_SIDE_AFTER, out);
	if (status == POL_OK) {
		status = add_permissions(compare, run, POL_SIDE_BEFORE, out);
	}
	if (status != POL_OK || tree->number[0] == POL_NONE || tree->number[1] == POL_NONE) {
		return status;
	}
	for (uint32_t node = tree->root; node < end; node++) {
		compare_actions(compare, node, out);
	}
	if (compare->sides[0]->trees[tree->number[0]].strict_slash !=
		compare->sides[1]->trees[tree->number[1]].strict_slash) {
		bool strict = compare->sides[1]->trees[tree->number[1]].strict_slash;
		struct pol_change *change = pol_changes_add(compare, out, POL_CHANGE_ALTERED);

		if (change != NULL) {
			change->what = POL_STR("strict_slash");
			change->before = strict ? POL_STR("no") : POL_STR("yes");
			change->after = strict ? POL_STR("yes") : POL_STR("no");
			change->effect = POL_CHANGE_GAIN | POL_CHANGE_LOSS;
		}
	}
	return compare->present.status;
}

enum pol_status pol_compare_trees(
	struct pol_compare *compare, pol_compare_visit visit, void *context)
{
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < compare->joint.tree_count; i++) {
		const struct pol_joint_tree *tree = &compare->joint.trees[i];
		struct pol_changes changes = { 0 };
		struct pol_difference difference = {
			.kind = POL_COMPARED_TREE,
			.name = tree->name,
			.presence = tree->number[0] == POL_NONE   ? POL_IN_AFTER
				    : tree->number[1] == POL_NONE ? POL_IN_BEFORE
								  : POL_IN_BOTH,
		};

		pol_compare_next(compare);
		status = compare_tree(compare, tree, &changes);
		difference.changes = changes.items;
		difference.count = changes.count;
		if (status == POL_OK && (changes.count > 0 || difference.presence != POL_IN_BOTH)) {
			visit(context, &difference);
		}
	}
	return status;
}
