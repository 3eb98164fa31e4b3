/* SPDX-License-Identifier: Apache-2.0 */

/* console_folder: one role: its text, its parents and heirs, its grants and tests. */

#include "policy/ask/written.h"
#include "tools/console_folder_internal.h"

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
		"description",
		console_folder_optional(pol_snapshot_role_description(snapshot, role)), "file",
		document_str(policy_file_name(&folder->policy, whole.file)), "line",
		(json_int_t)whole.line, "end_line", (json_int_t)whole.end_line, "text",
		document_str(whole.text), "cut", cut, "inherits", json_parents(folder, role));
	if (result != NULL && !add_rest(folder, result, role)) {
		json_decref(result);
		return NULL;
	}
	return result;
}
