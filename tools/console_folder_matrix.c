/* SPDX-License-Identifier: Apache-2.0 */

/* console_folder: one role, and what all roles and scopes may do in the trees. */

#include <string.h>

#include "policy/ask/written.h"
#include "tools/console_folder_internal.h"
#include "tools/show_matrix.h"

/* NULL, which json_pack leaves out, where there is none. */
static json_t *json_optional(struct pol_str text)
{
	return text.len > 0 ? document_str(text) : NULL;
}

/* --- folder.matrix ---------------------------------------------------------------------------- */

/* Of one part of the answer: nodes, and marks of all holders. A node is never split. */
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
		json_optional(action->description), "marks", document_str(marks), "when",
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
			"description", json_optional(shown->description), "actions", actions));
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
				json_optional(show_matrix_description(&building->matrix, i))));
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
			console_folder_fail(
				folder, "invalid_request", "'cursor' is none that an answer had");
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

/* --- folder.role ------------------------------------------------------------------------------ */

static json_t *json_parents(struct console_folder *folder, uint32_t role)
{
	const struct pol_snapshot *snapshot = folder->policy.snapshot;
	json_t *parents = json_array();
	uint32_t parent;

	for (uint32_t i = 0; (parent = pol_written_parent(snapshot, role, i)) != POL_NONE; i++) {
		app_append(&folder->call, parents,
			document_str(pol_snapshot_role_name(snapshot, parent)));
	}
	return parents;
}

/* How roles inherit one role. */
enum heir { NO_HEIR = 0, HEIR_DIRECTLY, HEIR_THROUGH_ANOTHER };

/* Marks those that inherit a marked role. Returns whether another one was marked. */
static bool mark_heirs(const struct pol_snapshot *snapshot, uint32_t role, unsigned char *marks)
{
	size_t count = pol_snapshot_role_count(snapshot);
	bool any = false;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t parent;

		for (uint32_t k = 0; marks[i] != HEIR_DIRECTLY &&
				     (parent = pol_written_parent(snapshot, i, k)) != POL_NONE;
			k++) {
			if (parent == role) {
				any = any || marks[i] == NO_HEIR;
				marks[i] = HEIR_DIRECTLY;
			} else if (marks[parent] != NO_HEIR && marks[i] == NO_HEIR) {
				any = true;
				marks[i] = HEIR_THROUGH_ANOTHER;
			}
		}
	}
	return any;
}

static json_t *json_heirs(
	struct console_folder *folder, const unsigned char *marks, enum heir wanted)
{
	const struct pol_snapshot *snapshot = folder->policy.snapshot;
	size_t count = pol_snapshot_role_count(snapshot);
	json_t *names = json_array();

	for (uint32_t i = 0; i < count; i++) {
		if (marks[i] == wanted && json_array_size(names) < CONSOLE_FOLDER_ITEMS) {
			app_append(&folder->call, names,
				document_str(pol_snapshot_role_name(snapshot, i)));
		}
	}
	return names;
}

/* Adds what stands elsewhere about the role: heirs, grants and tests. False: no memory. */
static bool add_rest(struct console_folder *folder, json_t *result, uint32_t role)
{
	const struct pol_snapshot *snapshot = folder->policy.snapshot;
	unsigned char *marks =
		pol_arena_alloc(&folder->call.arena, pol_snapshot_role_count(snapshot), 1);
	size_t total;

	if (marks == NULL) {
		return false;
	}
	while (mark_heirs(snapshot, role, marks)) {
	}
	json_object_set_new(result, "inherited_by", json_heirs(folder, marks, HEIR_DIRECTLY));
	json_object_set_new(
		result, "inherited_through", json_heirs(folder, marks, HEIR_THROUGH_ANOTHER));
	json_object_set_new(result, "grants",
		console_suite_grants(folder, pol_snapshot_role_name(snapshot, role)));
	return json_object_set_new(result, "tests", console_suite_json(folder, role, &total)) == 0;
}

json_t *console_folder_role(struct console_folder *folder)
{
	const struct pol_snapshot *snapshot = folder->policy.snapshot;
	struct pol_str name = console_folder_text(folder, "name");
	uint32_t role = pol_snapshot_role(snapshot, name);
	struct pol_written_text whole;
	json_t *result;
	bool cut;

	if (role == POL_NONE || !pol_written_whole(snapshot, role, &whole)) {
		return console_folder_fail(folder, "not_found",
			"the policy folder has no role '%.*s'", POL_STR_ARGS(name));
	}
	if (!console_suite_run(folder)) {
		return NULL;
	}
	cut = whole.text.len > CONSOLE_FOLDER_TEXT;
	whole.text.len = cut ? CONSOLE_FOLDER_TEXT : whole.text.len;
	result = json_pack("{s:o, s:o*, s:o, s:I, s:I, s:o, s:b, s:o}", "name", document_str(name),
		"description", json_optional(pol_snapshot_role_description(snapshot, role)), "file",
		document_str(policy_file_name(&folder->policy, whole.file)), "line",
		(json_int_t)whole.line, "end_line", (json_int_t)whole.end_line, "text",
		document_str(whole.text), "cut", cut, "inherits", json_parents(folder, role));
	if (result != NULL && !add_rest(folder, result, role)) {
		json_decref(result);
		return NULL;
	}
	return result;
}
