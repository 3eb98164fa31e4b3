/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/eval_internal.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"

/* Is it `{loan}`, or `{path...}`? */
static bool is_braced(struct pol_str segment)
{
	return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

/* Is the segment the parameter of the node, as it is declared? */
static bool names(const struct pol_node *node, struct pol_str segment)
{
	struct pol_str name = { segment.ptr + 1, segment.len - 2 };

	if (node->kind == POL_SEGMENT_REST) {
		const struct pol_str dots = POL_STR("...");

		if (name.len <= dots.len ||
			!pol_str_equal((struct pol_str){ name.ptr + name.len - dots.len, dots.len },
				dots)) {
			return false;
		}
		name.len -= dots.len;
	}
	return pol_str_equal(name, node->name);
}

struct pol_str pol_eval_find_open(struct pol_evaluation *eval)
{
	struct pol_eval_node *out = eval->of_node;
	const struct pol_path *path = eval->at;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(eval->snapshot, eval->node, chain);

	for (uint32_t i = 0; i < path->count; i++) {
		/* The segments from the last node on are of a rest. */
		const struct pol_node *node =
			&eval->snapshot->nodes[chain[i < depth ? i : depth - 1]];
		bool rest = node->kind == POL_SEGMENT_REST;

		if (node->kind == POL_SEGMENT_LITERAL || (path->encoded >> i & 1) != 0 ||
			!is_braced(path->segments[i])) {
			continue;
		}
		if (!names(node, path->segments[i]) || (rest && path->count != depth)) {
			out->misnamed = true;
			return POL_STR("unknown_resource");
		}
		out->open |= UINT64_C(1) << i;
		out->open_rest = rest ? i : out->open_rest;
	}
	eval->matched.open = out->open;
	return (struct pol_str){ 0 };
}

struct pol_str pol_eval_ask_authorize(struct pol_evaluation *eval)
{
	struct pol_eval_node *out = eval->of_node;
	uint32_t charges = eval->charges.count;

	eval->request.scopes_allow = true;
	for (uint32_t i = 0; i < POL_ROLES_CASES; i++) {
		eval->request.roles_allow = i != POL_ROLES_NOTHING;
		eval->request.anyone_allows = i == POL_ROLES_ANYONE;
		eval->charges.count = charges;
		out->authorize[i] = pol_eval_denial(pol_eval_run_group(eval, POL_GROUP_AUTHORIZE));
	}
	return POL_STR("denied");
}
