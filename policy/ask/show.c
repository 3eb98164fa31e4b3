/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/show.h"

#include <string.h>

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

/* The state of one walk. What is shown of a node lies here until the next one. */
struct show {
	const struct pol_snapshot *snapshot;
	const struct pol_show_holder *holder; /* NULL: none */
	struct pol_arena arena;
	struct pol_resource resource;
	struct pol_shown_action *actions;
	size_t action_capacity;
	char *methods; /* of all actions of a node, joined */
	size_t method_capacity;
};

/* Makes room for a node's actions. The arrays are written again for each node. */
static enum pol_status make_room(struct show *show, size_t actions, size_t methods)
{
	void *grown;

	if (actions > show->action_capacity) {
		grown = pol_arena_grow(&show->arena, NULL, 0, actions, sizeof *show->actions,
			&show->action_capacity);
		if (grown == NULL) {
			return show->arena.status;
		}
		show->actions = grown;
	}
	if (methods > show->method_capacity) {
		grown = pol_arena_grow(&show->arena, NULL, 0, methods, 1, &show->method_capacity);
		if (grown == NULL) {
			return show->arena.status;
		}
		show->methods = grown;
	}
	return POL_OK;
}

static struct pol_str list_methods(
	const struct pol_snapshot *snapshot, const struct pol_action *action, char *out)
{
	size_t len = 0;

	for (uint32_t i = 0; action->has_methods && i < action->run.count; i++) {
		struct pol_str name = snapshot->verbs[snapshot->permissions[action->run.first + i]];

		if (i > 0) {
			out[len++] = ' ';
		}
		memcpy(out + len, name.ptr, name.len);
		len += name.len;
	}
	return (struct pol_str){ out, len };
}

/* False: no memory. */
static bool mark(struct show *show, struct pol_shown_action *shown)
{
	char when[POL_WHEN_TEXT];

	shown->marks = pol_show_mark(show->snapshot, show->holder, shown->number, when);
	if (when[0] != '\0') {
		shown->when = pol_arena_copy(&show->arena, pol_str_of(when));
	}
	return when[0] == '\0' || shown->when.ptr != NULL;
}

static enum pol_status show_actions(struct show *show, uint32_t node, struct pol_shown *out)
{
	const struct pol_snapshot *snapshot = show->snapshot;
	uint32_t first = snapshot->nodes[node].action;
	uint32_t end = snapshot->nodes[node + 1].action;
	struct pol_run run = pol_tree_node_run(snapshot, node);
	size_t room = 0;
	char *text;
	enum pol_status status;

	for (uint32_t i = run.first; i < run.first + run.count; i++) {
		room += snapshot->verbs[snapshot->permissions[i]].len + 1;
	}
	status = make_room(show, end - first, room);
	if (status != POL_OK) {
		return status;
	}
	text = show->methods;
	for (uint32_t i = first; i < end; i++) {
		const struct pol_action *action = &snapshot->actions[i];
		struct pol_shown_action *shown = &show->actions[i - first];

		*shown = (struct pol_shown_action){
			.name = snapshot->verbs[action->verb],
			.methods = list_methods(snapshot, action, text),
			.description = action->description,
			.number = i,
		};
		text += shown->methods.len;
		if (show->holder != NULL && !mark(show, shown)) {
			return show->arena.status;
		}
	}
	out->actions = show->actions;
	out->action_count = end - first;
	return POL_OK;
}

static enum pol_status show_node(struct show *show, uint32_t number, struct pol_shown *out)
{
	const struct pol_snapshot *snapshot = show->snapshot;
	const struct pol_node *node = &snapshot->nodes[number];
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, number, chain);

	*out = (struct pol_shown){
		.tree = snapshot->trees[node->tree].name,
		.description = node->description,
		.depth = depth,
	};
	out->resource = pol_resource_of_node(&show->resource, snapshot, number);
	out->segment = out->tree;
	if (depth > 0) {
		out->segment = (struct pol_str){ out->resource.ptr + show->resource.segment,
			out->resource.len - show->resource.segment };
	} else {
		out->description = snapshot->trees[node->tree].description;
		out->strict_slash = snapshot->trees[node->tree].strict_slash;
	}
	return show_actions(show, number, out);
}

enum pol_status pol_show(const struct pol_snapshot *snapshot, struct pol_str tree,
	const struct pol_show_holder *holder, pol_show_visit visit, void *context)
{
	struct show show = { .snapshot = snapshot, .holder = holder };
	uint32_t node = 0;
	uint32_t end = snapshot->node_count;
	enum pol_status status = POL_OK;

	if (tree.len > 0) {
		uint32_t number = pol_tree_number(snapshot, tree);

		if (number == POL_NONE) {
			return POL_EINVALID;
		}
		node = snapshot->trees[number].root;
		end = snapshot->nodes[node].end;
	}
	if (holder != NULL &&
		holder->number >= (holder->scope ? snapshot->scope_count : snapshot->role_count)) {
		return POL_EINVALID;
	}
	pol_arena_init(&show.arena, POL_SNAPSHOT_LIMIT);
	show.resource.text = pol_arena_alloc(&show.arena, POL_RESOURCE_TEXT, 1);
	if (show.resource.text == NULL) {
		status = show.arena.status;
	}
	for (; status == POL_OK && node < end; node++) {
		struct pol_shown shown;

		status = show_node(&show, node, &shown);
		if (status == POL_OK && !visit(context, &shown)) {
			break;
		}
	}
	pol_arena_finish(&show.arena);
	return status;
}
