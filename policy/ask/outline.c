/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/outline.h"

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"

_Static_assert(POL_OUTLINE_TEXT == POL_RESOURCE_TEXT, "the buffer holds any resource");

bool pol_outline_tree(
	const struct pol_snapshot *snapshot, uint32_t number, struct pol_outline_tree *out)
{
	const struct pol_tree *tree;

	if (number >= snapshot->tree_count) {
		return false;
	}
	tree = &snapshot->trees[number];
	*out = (struct pol_outline_tree){ tree->name, tree->description, tree->root,
		snapshot->nodes[tree->root].end };
	return true;
}

void pol_outline_node(const struct pol_snapshot *snapshot, uint32_t node,
	char buffer[static POL_OUTLINE_TEXT], struct pol_outline_node *out)
{
	struct pol_resource resource = { .text = buffer };

	*out = (struct pol_outline_node){
		.resource = pol_resource_of_node(&resource, snapshot, node),
		.description = snapshot->nodes[node].description,
		.action = snapshot->nodes[node].action,
		.action_end = snapshot->nodes[node + 1].action,
	};
}

void pol_outline_action(
	const struct pol_snapshot *snapshot, uint32_t action, struct pol_outline_action *out)
{
	const struct pol_action *one = &snapshot->actions[action];
	bool has_methods = one->has_methods || snapshot->verb_is_method[one->verb];

	*out = (struct pol_outline_action){
		.name = snapshot->verbs[one->verb],
		.description = one->description,
		.method = one->run.first,
		.method_end = one->run.first + (has_methods ? one->run.count : 0),
	};
}

struct pol_str pol_outline_method(const struct pol_snapshot *snapshot, uint32_t method)
{
	return snapshot->verbs[snapshot->permissions[method]];
}
