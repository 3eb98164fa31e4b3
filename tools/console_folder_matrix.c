/* SPDX-License-Identifier: Apache-2.0 */

/* console_folder: what roles and scopes may do in the trees. */

#include <string.h>

#include "tools/console_folder_internal.h"
#include "tools/show_matrix.h"

/* The most nodes, and marks of all holders, in one part of the answer. A node is never split. */
#define PART_NODES 10000
#define PART_MARKS ((size_t)2 * 1024 * 1024)

struct building {
	struct app *app;
	struct show_matrix matrix;
	json_t *nodes;
	size_t begin; /* the number of the first node of this part */
	size_t next;  /* of the node that is visited; at the end, of the first of the next part */
	size_t marks;
	bool more; /* there is a next part */
};

static json_t *json_action(struct building *building, const struct pol_shown_action *action)
{
	json_t *conditions;
	struct pol_str marks = show_matrix_marks(&building->matrix, action->number, &conditions);

	return json_pack("{s:o, s:o, s:o*, s:o, s:o*}", "action", document_str(action->name),
		"methods", document_words(action->methods), "description",
		console_folder_optional(action->description), "marks", document_str(marks), "when",
		conditions);
}

static bool on_node(void *context, const struct pol_shown *shown)
{
	struct building *building = context;
	size_t marks = shown->action_count * building->matrix.holder_count;
	size_t count = json_array_size(building->nodes);
	json_t *actions;

	if (building->next < building->begin) {
		building->next++;
		return true;
	}
	building->more = count == PART_NODES || (count > 0 && building->marks + marks > PART_MARKS);
	if (building->more) {
		return false;
	}
	building->next++;
	building->marks += marks;
	actions = json_array();
	for (size_t i = 0; i < shown->action_count; i++) {
		app_append(building->app, actions, json_action(building, &shown->actions[i]));
	}
	app_append(building->app, building->nodes,
		json_pack("{s:o, s:o*, s:o}", "resource", document_str(shown->resource),
			"description", console_folder_optional(shown->description), "actions",
			actions));
	return !building->app->no_memory;
}

static json_t *json_holders(struct building *building)
{
	json_t *holders = json_array();

	for (size_t i = 0; i < building->matrix.holder_count; i++) {
		app_append(building->app, holders,
			json_pack("{s:s, s:o, s:o*}", "kind",
				building->matrix.holders[i].scope ? "scope" : "role", "name",
				document_str(show_matrix_name(&building->matrix, i)), "description",
				console_folder_optional(
					show_matrix_description(&building->matrix, i))));
	}
	return holders;
}

/* The one that the parameters name; *out NULL: all. False: the call failed. */
static bool choose_holder(struct console_folder *folder, struct pol_show_holder *holder,
	const struct pol_show_holder **out)
{
	bool role = console_folder_text(folder, "role").len > 0;
	bool scope = console_folder_text(folder, "scope").len > 0;

	*out = NULL;
	if (!role && !scope) {
		return true;
	}
	if (role && scope) {
		console_folder_fail(
			folder, "invalid_request", "'role' and 'scope' exclude each other");
		return false;
	}
	holder->scope = scope;
	*out = holder;
	return console_folder_find(folder, scope, &holder->number);
}

/* Where the part begins. False: the call failed. */
static bool read_cursor(struct console_folder *folder, size_t *out)
{
	struct pol_str cursor = console_folder_text(folder, "cursor");

	*out = 0;
	for (size_t i = 0; i < cursor.len; i++) {
		if (i == 9 || cursor.ptr[i] < '0' || cursor.ptr[i] > '9') {
			console_folder_fail(folder, "invalid_request",
				"'cursor' is not one that an answer had: begin without it");
			return false;
		}
		*out = *out * 10 + (size_t)(cursor.ptr[i] - '0');
	}
	return true;
}

/* The holders are in the first part alone. */
static json_t *json_part(struct building *building)
{
	json_t *result = json_pack("{s:s, s:o*, s:O, s:O}", "revision",
		pol_snapshot_revision(building->matrix.snapshot), "holders",
		building->begin == 0 ? json_holders(building) : NULL, "nodes", building->nodes,
		"conditions", building->matrix.conditions);

	if (result != NULL && building->more) {
		json_object_set_new(result, "cursor",
			document_text(app_text(building->app, "%zu", building->next)));
	}
	return result;
}

json_t *console_folder_matrix(struct console_folder *folder)
{
	const struct pol_snapshot *snapshot = folder->policy.snapshot;
	struct pol_str tree = console_folder_text(folder, "tree");
	struct building building = { .app = &folder->call };
	struct pol_show_holder holder;
	const struct pol_show_holder *one;
	json_t *result = NULL;
	enum pol_status status;

	if (!choose_holder(folder, &holder, &one) || !read_cursor(folder, &building.begin)) {
		return NULL;
	}
	building.nodes = json_array();
	status = show_matrix_begin(&building.matrix, building.app, snapshot, one)
			 ? pol_show(snapshot, tree, NULL, on_node, &building)
			 : POL_ENOMEM;
	if (status == POL_EINVALID) {
		console_folder_fail(folder, "not_found", "the policy folder has no tree '%.*s'",
			POL_STR_ARGS(tree));
	} else if (status == POL_OK) {
		result = json_part(&building);
	}
	json_decref(building.nodes);
	show_matrix_finish(&building.matrix);
	return result;
}
