/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/tree.h"
#include "policy/text/path.h"

void pol_damage_of_nodes(
	const struct pol_snapshot *snapshot, uint32_t first, uint32_t end, struct pol_loss *loss)
{
	const struct pol_damage *damage = snapshot->damage;

	if (damage == NULL) {
		return;
	}
	loss->nodes = loss->nodes || (damage[first].marks & POL_DAMAGE_MOVED) != 0;
	loss->verbs = loss->verbs || damage[end].verbs > damage[first].verbs;
	loss->doubt = loss->doubt || damage[end].doubtful > damage[first].doubtful;
}

void pol_damage_of_child(const struct pol_snapshot *snapshot, uint32_t node,
	enum pol_segment_kind kind, struct pol_loss *loss)
{
	uint32_t marks = POL_DAMAGE_LITERALS | POL_DAMAGE_PARAMETERS;

	if (snapshot->damage == NULL) {
		return;
	}
	if (kind == POL_SEGMENT_LITERAL) {
		marks = POL_DAMAGE_LITERALS;
	} else if (kind == POL_SEGMENT_PARAM || kind == POL_SEGMENT_REST) {
		marks = POL_DAMAGE_PARAMETERS;
	}
	if ((snapshot->damage[node].marks & (marks | POL_DAMAGE_MOVED)) != 0) {
		loss->nodes = true;
		pol_damage_of_nodes(snapshot, node, snapshot->nodes[node].end, loss);
	}
}

/* Follows a path. A step that no literal matches, from a node with damage, may lead elsewhere once
 * the mistake is corrected; then all below that node counts. */
static void follow(const struct pol_snapshot *snapshot, uint32_t node, const struct pol_path *path,
	struct pol_loss *loss)
{
	for (uint32_t i = 0; i < path->count; i++) {
		uint32_t parent = node;

		if (pol_tree_literal_find(snapshot, parent, path->segments[i], &node) ==
			POL_LITERAL_EXACT) {
			continue;
		}
		if ((snapshot->damage[parent].marks & ~POL_DAMAGE_DOUBT) != 0) {
			loss->nodes = true;
			pol_damage_of_nodes(snapshot, parent, snapshot->nodes[parent].end, loss);
			return;
		}
		node = snapshot->nodes[parent].wild;
		if (node == POL_NONE) {
			return;
		}
		if (snapshot->nodes[node].kind == POL_SEGMENT_REST) {
			break;
		}
	}
	pol_damage_of_nodes(snapshot, node, node + 1, loss);
}

void pol_damage_of_resource(
	const struct pol_snapshot *snapshot, struct pol_str resource, struct pol_loss *loss)
{
	struct pol_path path;
	struct pol_str tree, raw;
	uint32_t number;

	if (!pol_path_split(resource, &tree, &raw)) {
		return;
	}
	number = pol_tree_number(snapshot, tree);
	if (number == POL_NONE) {
		loss->nodes = loss->nodes || snapshot->tree_lost;
		loss->verbs = loss->verbs || snapshot->tree_lost;
		return;
	}
	if (snapshot->damage != NULL && pol_path_read(raw, &path) == POL_OK) {
		follow(snapshot, snapshot->trees[number].root, &path, loss);
	}
}
