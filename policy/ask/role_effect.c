/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "policy/ask/role_effect_internal.h"
#include "policy/snapshot/tree.h"

/* --- items ------------------------------------------------------------------------------------ */

static bool is_alike(const struct pol_when *a, const struct pol_when *b)
{
	return pol_when_equal(a, b) || (a->kind == POL_WHEN_SOMETIMES && a->kind == b->kind &&
					       a->formula == NULL && b->formula == NULL);
}

/* Takes the permissions of the node that are gained, or lost, as `first` is, and marks them as
 * shown: an action by its name when all of its methods are among them, else the methods. */
static void take_group(struct pol_role_search *search, uint32_t node, uint32_t first,
	struct pol_role_effect_item *item)
{
	const struct pol_snapshot *snapshot = search->sides[POL_ROLE_AFTER].snapshot;
	const struct pol_when *like = search->permissions[first].when;
	uint32_t base = pol_tree_node_run(snapshot, node).first;
	size_t count = 0;

	item->count = 0;
	for (uint32_t i = snapshot->nodes[node].action; i < snapshot->nodes[node + 1].action; i++) {
		const struct pol_action *action = &snapshot->actions[i];
		uint32_t end = action->run.first + action->run.count;
		size_t before = count;

		for (uint32_t p = action->run.first; p < end; p++) {
			struct pol_role_permission *one = &search->permissions[p - base];

			if ((item->gained ? one->gained : one->lost) &&
				is_alike(&one->when[POL_ROLE_BEFORE], &like[POL_ROLE_BEFORE]) &&
				is_alike(&one->when[POL_ROLE_AFTER], &like[POL_ROLE_AFTER])) {
				one->shown = true;
				search->actions[count++] =
					snapshot->verbs[snapshot->permissions[p]];
			}
		}
		item->count += (uint32_t)(count - before);
		if (count - before == action->run.count) {
			search->actions[before] = snapshot->verbs[action->verb];
			count = before + 1;
		}
	}
	item->action_count = count;
}

/* Shows what is gained, or lost, on the node. */
static void show(struct pol_role_search *search, uint32_t node, bool gained)
{
	const struct pol_snapshot *snapshot = search->sides[POL_ROLE_AFTER].snapshot;
	const int own = gained ? POL_ROLE_AFTER : POL_ROLE_BEFORE,
		  other = gained ? POL_ROLE_BEFORE : POL_ROLE_AFTER;
	uint32_t count = pol_tree_node_run(snapshot, node).count;
	struct pol_role_effect_item item = { .gained = gained, .actions = search->actions };

	for (uint32_t i = 0; i < count; i++) {
		struct pol_role_permission *one = &search->permissions[i];

		one->shown = false;
		*(gained ? &search->out->gained : &search->out->lost) +=
			gained ? one->gained : one->lost;
	}
	for (uint32_t i = 0; i < count && !search->full[gained]; i++) {
		const struct pol_role_permission *one = &search->permissions[i];

		if (one->shown || !(gained ? one->gained : one->lost)) {
			continue;
		}
		item.resource = pol_resource_of_node(&search->resource, snapshot, node);
		take_group(search, node, i, &item);
		item.when = pol_when_text(
			search->sides[own].snapshot, &one->when[own], search->texts[own]);
		item.other = pol_when_text(
			search->sides[other].snapshot, &one->when[other], search->texts[other]);
		search->full[gained] = !search->change->visit(search->change->context, &item);
	}
}

/* --- the walk --------------------------------------------------------------------------------- */

/* False: no memory. */
static bool make_room(struct pol_role_search *search, uint32_t count)
{
	struct pol_role_permission *permissions;
	struct pol_str *actions;

	if (count <= search->room) {
		return true;
	}
	permissions = realloc(search->permissions, count * sizeof *permissions);
	search->permissions = permissions != NULL ? permissions : search->permissions;
	actions = realloc(search->actions, count * sizeof *actions);
	search->actions = actions != NULL ? actions : search->actions;
	if (permissions == NULL || actions == NULL) {
		return false;
	}
	search->room = count;
	return true;
}

static bool look_at_node(struct pol_role_search *search, uint32_t node)
{
	struct pol_run run = pol_tree_node_run(search->sides[POL_ROLE_AFTER].snapshot, node);

	if (!make_room(search, run.count)) {
		return false;
	}
	for (uint32_t i = 0; i < run.count; i++) {
		pol_role_search_look(search, run.first + i,
			pol_role_search_bits(search, run.first + i), &search->permissions[i]);
	}
	show(search, node, true);
	show(search, node, false);
	return true;
}

/* Those of the permission's word, from it on, that may be gained or lost. */
static uint64_t candidates(struct pol_role_search *search, uint32_t permission)
{
	const struct pol_role_bits *bits = pol_role_search_bits(search, permission);
	uint64_t unsure = (bits[POL_ROLE_BEFORE].may & ~bits[POL_ROLE_BEFORE].sure) |
			  (bits[POL_ROLE_AFTER].may & ~bits[POL_ROLE_AFTER].sure);

	return ((bits[POL_ROLE_BEFORE].sure ^ bits[POL_ROLE_AFTER].sure) | unsure) &
	       UINT64_MAX << permission % 64;
}

static enum pol_status walk(struct pol_role_search *search)
{
	const struct pol_snapshot *snapshot = search->sides[POL_ROLE_AFTER].snapshot;
	uint32_t permission = 0;

	while (permission < snapshot->permission_count) {
		uint64_t bits = candidates(search, permission);
		struct pol_run run;
		uint32_t node;

		if (bits == 0) {
			permission = (permission / 64 + 1) * 64;
			continue;
		}
		permission = permission / 64 * 64 + (uint32_t)__builtin_ctzll(bits);
		node = pol_tree_permission_node(snapshot, permission);
		if (!look_at_node(search, node)) {
			return POL_ENOMEM;
		}
		run = pol_tree_node_run(snapshot, node);
		permission = run.first + run.count;
	}
	return POL_OK;
}

enum pol_status pol_role_effect_find(
	const struct pol_role_change *change, struct pol_role_effect *out)
{
	struct pol_role_search *search = calloc(1, sizeof *search);
	struct pol_role_effect found = { 0, 0 };
	enum pol_status status = POL_ENOMEM;

	if (search == NULL) {
		return POL_ENOMEM;
	}
	search->change = change;
	search->out = &found;
	search->resource.text = malloc(POL_RESOURCE_TEXT);
	if (search->resource.text != NULL && pol_role_search_begin(search)) {
		status = walk(search);
	}
	pol_arena_finish(&search->arena);
	free(search->resource.text);
	free(search->permissions);
	free(search->actions);
	free(search);
	if (status == POL_OK) {
		*out = found;
	}
	return status;
}
