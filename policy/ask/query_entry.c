/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/query_internal.h"
#include "policy/snapshot/tree.h"

/* The node as text, with the values of the substitution. */
static struct pol_str name_resource(
	struct pol_query_walk *walk, const struct pol_substitution *substitution, uint32_t node)
{
	const struct pol_snapshot *snapshot = walk->snapshot;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, node, chain);
	bool rest = snapshot->nodes[node].kind == POL_SEGMENT_REST;

	pol_resource_begin(&walk->resource, snapshot->trees[snapshot->nodes[node].tree].name);
	for (uint32_t i = 0; i < substitution->count; i++) {
		pol_resource_value(&walk->resource, substitution->values[i]);
	}
	for (uint32_t i = substitution->count; i < depth; i++) {
		pol_resource_node(&walk->resource, &snapshot->nodes[chain[i]]);
	}
	if (rest && substitution->count >= depth) {
		pol_resource_node(&walk->resource, &snapshot->nodes[node]);
	}
	return pol_resource_end(&walk->resource);
}

/* Is a permission of the node, by its bit from the word of the first, in the group? */
static inline bool is_in_group(const struct pol_query_walk *walk,
	const struct pol_query_answer *answers, uint32_t bit, uint32_t group)
{
	return walk->any_unsure ? walk->groups[bit - walk->first_bit] == group
				: (answers[bit / 64].allowed >> bit % 64 & 1) != 0;
}

/* Lists what is in the group: an action by its name when all of its methods are, else the methods.
 */
static size_t name_actions(struct pol_query_walk *walk, const struct pol_query_answer *answers,
	uint32_t node, uint32_t group)
{
	const struct pol_snapshot *snapshot = walk->snapshot;
	uint32_t base = snapshot->nodes[node].first / 64 * 64;
	size_t count = 0;

	for (uint32_t i = snapshot->nodes[node].action; i < snapshot->nodes[node + 1].action; i++) {
		const struct pol_action *action = &snapshot->actions[i];
		uint32_t end = action->run.first + action->run.count;
		size_t before = count;

		for (uint32_t p = action->run.first; p < end; p++) {
			if (is_in_group(walk, answers, p - base, group)) {
				walk->actions[count++] = snapshot->verbs[snapshot->permissions[p]];
			}
		}
		if (count - before == action->run.count) {
			walk->actions[before] = snapshot->verbs[action->verb];
			count = before + 1;
		}
	}
	return count;
}

void pol_query_show(struct pol_query_walk *walk, uint32_t node, uint32_t number, uint32_t from)
{
	const struct pol_query_answer *answers = walk->answers + number * walk->words;
	struct pol_allowed allowed = {
		.resource = name_resource(walk, &walk->substitutions.items[number], node),
		.actions = walk->actions,
	};
	uint32_t last = 1;

	if (walk->any_unsure) {
		last = pol_query_when_group(&walk->own, walk->groups);
	}
	for (uint32_t i = from > 1 ? from : 1; i <= last; i++) {
		walk->out->steps += 8 + pol_tree_node_run(walk->snapshot, node).count;
		allowed.action_count = name_actions(walk, answers, node, i);
		if (allowed.action_count == 0 && last > 1) {
			continue;
		}
		if (walk->any_unsure) {
			allowed.when = pol_query_when_text(&walk->own, walk->groups, i, walk->when);
		}
		if (!walk->query->visit(walk->query->context, &allowed)) {
			walk->out->next = (struct pol_query_cursor){ node, number, i };
			walk->stopped = true;
			return;
		}
	}
}
