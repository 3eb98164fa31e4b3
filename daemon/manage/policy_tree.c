/* SPDX-License-Identifier: Apache-2.0 */
/* policy.tree: the nodes that grants can name, with their actions, in pages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/manage/list.h"
#include "daemon/manage/policy.h"
#include "policy/ask/outline.h"

enum { TREE, LIMIT, CURSOR };

const struct wire_field policy_tree_fields[POLICY_TREE_FIELDS] = {
	[TREE] = WIRE_FIELD("tree", WIRE_KIND_TEXT, 0),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* A cursor is the number of the next node, and the revision that numbered it. */
enum { REVISION = 16, CURSOR_BYTES = LIST_NUMBER + REVISION };

/* The nodes that are asked for. */
struct range {
	uint32_t node, end;
};

static bool describe(struct wire_buf *out, struct pol_str description)
{
	if (description.len > 0) {
		wire_put_cstr(out, "description");
		wire_put_str(out, subject_wire(description));
	}
	return description.len > 0;
}

static void encode_action(
	struct wire_buf *out, const struct pol_snapshot *snapshot, uint32_t number)
{
	struct pol_outline_action action;
	size_t map = wire_open_map(out);

	pol_outline_action(snapshot, number, &action);
	wire_put_cstr(out, "action");
	wire_put_str(out, subject_wire(action.name));
	wire_put_cstr(out, "methods");
	wire_put_array(out, action.method_end - action.method);
	for (uint32_t i = action.method; i < action.method_end; i++) {
		wire_put_str(out, subject_wire(pol_outline_method(snapshot, i)));
	}
	wire_close_map(out, map, describe(out, action.description) ? 3 : 2);
}

static void encode_node(
	struct wire_buf *out, const struct pol_snapshot *snapshot, uint32_t number, char *buffer)
{
	struct pol_outline_node node;
	size_t map = wire_open_map(out);

	pol_outline_node(snapshot, number, buffer, &node);
	wire_put_cstr(out, "resource");
	wire_put_str(out, subject_wire(node.resource));
	wire_put_cstr(out, "actions");
	wire_put_array(out, node.action_end - node.action);
	for (uint32_t i = node.action; i < node.action_end; i++) {
		encode_action(out, snapshot, i);
	}
	wire_close_map(out, map, describe(out, node.description) ? 3 : 2);
}

static void encode_trees(struct wire_buf *out, const struct pol_snapshot *snapshot)
{
	struct pol_outline_tree tree;
	uint32_t count = 0;
	size_t array;

	wire_put_cstr(out, "trees");
	array = wire_open_array(out);
	while (count < POLICY_NAMES_MAX && pol_outline_tree(snapshot, count, &tree)) {
		size_t map = wire_open_map(out);

		wire_put_cstr(out, "name");
		wire_put_str(out, subject_wire(tree.name));
		wire_close_map(out, map, describe(out, tree.description) ? 2 : 1);
		count++;
	}
	wire_close_array(out, array, count);
}

/* 0; 1: there is no such tree, which is reported. */
static int find_range(struct call *call, struct range *out)
{
	const struct wire_value *name = &call->params[TREE];
	struct pol_outline_tree tree;

	*out = (struct range){ 0, 0 };
	for (uint32_t i = 0; pol_outline_tree(call->snapshot, i, &tree); i++) {
		if (name->given && pol_str_equal(tree.name, subject_str(name->text))) {
			*out = (struct range){ tree.first, tree.end };
			return 0;
		}
		out->end = tree.end;
	}
	return name->given ? call_invalid(call, "tree", "is not a tree of the policy") : 0;
}

/* False: the cursor is of another policy. */
static bool resume(const struct list *list, struct range *range)
{
	if (list->cursor_len == 0) {
		return true;
	}
	range->node = (uint32_t)list_cursor_number(list);
	return list->cursor_len == CURSOR_BYTES &&
	       memcmp(list->cursor + LIST_NUMBER, pol_snapshot_revision(list->call->snapshot),
		       REVISION) == 0;
}

static void walk(struct list *list, const struct range *range, char *buffer)
{
	struct call *call = list->call;
	char cursor[CURSOR_BYTES];

	memcpy(cursor + LIST_NUMBER, pol_snapshot_revision(call->snapshot), REVISION);
	for (uint32_t i = range->node; i < range->end && list_has_room(list); i++) {
		encode_node(call->out, call->snapshot, i, buffer);
		list_number_cursor((uint64_t)i + 1, cursor);
		list_visited(list, (struct pol_str){ cursor, sizeof cursor }, true);
	}
}

static int list_nodes(struct list *list, const struct range *range)
{
	struct call *call = list->call;
	char *buffer = malloc(POL_OUTLINE_TEXT);

	if (buffer == NULL) {
		return -ENOMEM;
	}
	walk(list, range, buffer);
	free(buffer);
	list->extra = 2;
	list_end(list);
	encode_trees(call->out, call->snapshot);
	wire_put_cstr(call->out, "revision");
	wire_put_str(
		call->out, (struct wire_str){ pol_snapshot_revision(call->snapshot), REVISION });
	return 0;
}

int policy_tree(struct call *call)
{
	struct range range;
	struct list list;
	int r = actor_may(call, "roles", (struct pol_str){ NULL, 0 }, "list");

	if (r == 0) {
		r = find_range(call, &range);
	}
	if (r == 0) {
		r = list_begin(&list, call, &call->params[LIMIT], &call->params[CURSOR]);
	}
	if (r == 0 && !resume(&list, &range)) {
		wire_buf_rewind(call->out, list.start);
		r = call_invalid(call, "cursor", "the policy changed since: begin again");
	}
	return r == 0 ? list_nodes(&list, &range) : r;
}
