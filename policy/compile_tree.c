/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile.h"

/* Actions and methods of one node, which are compared with each other. */
#define NODE_ACTIONS 512

/* Which action of the node serves the method, if any; *out_at is where it says so. */
static const struct pol_build_action *find_method(
	const struct pol_build_node *node, struct pol_str method, struct pol_span *out_at)
{
	for (const struct pol_build_action *action = node->first_action; action != NULL;
		action = action->next) {
		if (pol_str_equal(action->entry->name.text, method)) {
			*out_at = action->entry->name.at;
			return action;
		}
		for (uint32_t i = 0; i < action->methods.count; i++) {
			if (pol_str_equal(action->methods.items[i].text, method)) {
				*out_at = action->methods.items[i].at;
				return action;
			}
		}
	}
	return NULL;
}

static bool check_method(
	struct pol_build *build, const struct pol_build_node *node, const struct pol_word *method)
{
	struct pol_span at;
	struct pol_diag *diag;

	if (find_method(node, method->text, &at) == NULL) {
		return true;
	}
	diag = pol_error(build->compiler->diags, method->at,
		"'%.*s' twice in one node: a method belongs to one action",
		POL_STR_ARGS(method->text));
	pol_note(build->compiler->diags, diag, at, "first here");
	return false;
}

/* The methods of an action that no other has, and each once. */
static struct pol_words check_methods(struct pol_build *build, const struct pol_build_node *node,
	const struct pol_ast_entry *entry)
{
	static const struct pol_ast_entry nameless;
	struct pol_build_action own = { .entry = &nameless };
	struct pol_build_node alone = { .first_action = &own };
	uint32_t good = 0;

	own.methods.items = entry->methods.items;
	for (uint32_t i = 0; i < entry->methods.count; i++) {
		const struct pol_word *method = &entry->methods.items[i];

		own.methods.count = i;
		good += check_method(build, node, method) && check_method(build, &alone, method);
	}
	/* After a mistake the action stands without methods; nothing comes of it. */
	return good == entry->methods.count ? entry->methods : (struct pol_words){ 0 };
}

static enum pol_status add_action(
	struct pol_build *build, struct pol_build_node *node, const struct pol_ast_entry *entry)
{
	struct pol_diags *diags = build->compiler->diags;
	struct pol_build_action *action;
	struct pol_words methods = { 0 };

	if (node->action_count == NODE_ACTIONS) {
		pol_error(diags, entry->name.at, "more than %d actions and methods in one node",
			NODE_ACTIONS);
		return POL_OK;
	}
	if (entry->kind == POL_ENTRY_METHOD) {
		if (!check_method(build, node, &entry->name)) {
			return POL_OK;
		}
	} else {
		for (action = node->first_action; action != NULL; action = action->next) {
			if (pol_str_equal(action->entry->name.text, entry->name.text)) {
				struct pol_diag *diag = pol_error(diags, entry->name.at,
					"action '%.*s' twice in one node",
					POL_STR_ARGS(entry->name.text));

				pol_note(diags, diag, action->entry->name.at, "first here");
				return POL_OK;
			}
		}
		methods = check_methods(build, node, entry);
	}
	action = pol_arena_alloc(build->compiler->scratch, 1, sizeof *action);
	if (action == NULL) {
		return build->compiler->scratch->status;
	}
	*action = (struct pol_build_action){ entry, methods, NULL };
	if (node->last_action != NULL) {
		node->last_action->next = action;
	} else {
		node->first_action = action;
	}
	node->last_action = action;
	node->action_count++;
	node->permission_count += methods.count > 0 ? methods.count : 1;
	build->action_count++;
	build->permission_count += methods.count > 0 ? methods.count : 1;
	return POL_OK;
}

static void describe(struct pol_build *build, struct pol_word *was, const struct pol_word *now)
{
	struct pol_diag *diag;

	if (now->text.ptr == NULL) {
		return;
	}
	if (was->text.ptr == NULL) {
		*was = *now;
		return;
	}
	diag = pol_error(build->compiler->diags, now->at, "a second description");
	pol_note(build->compiler->diags, diag, was->at, "the first is here");
}

static bool is_too_many(struct pol_build *build, struct pol_span at)
{
	build->visits++;
	if (!build->too_many &&
		(build->node_count > POL_NODE_LIMIT || build->visits > 2 * POL_NODE_LIMIT)) {
		build->too_many = true;
		pol_error(build->compiler->diags, at, "more than 1,000,000 nodes");
	}
	return build->too_many;
}

static enum pol_status find_path(struct pol_build *build, struct pol_build_node *from,
	const struct pol_ast_path *path, struct pol_build_node **out)
{
	enum pol_status status = POL_OK;

	*out = from;
	for (uint32_t i = 0; status == POL_OK && *out != NULL && i < path->count; i++) {
		struct pol_build_node *parent = *out;

		*out = NULL;
		status = pol_build_get_child(build, parent, &path->segments[i], out);
	}
	return status;
}

static enum pol_status add_entries(struct pol_build *build, struct pol_build_node *node,
	const struct pol_ast_entry *entries, uint32_t count);

/* `/a, /b { … }`: the nodes are found before what is in the block goes into each, so that one
 * that is listed twice is seen. */
static enum pol_status add_node(
	struct pol_build *build, struct pol_build_node *parent, const struct pol_ast_entry *entry)
{
	struct pol_build_node **nodes =
		pol_arena_alloc(build->compiler->scratch, entry->path_count, sizeof *nodes);
	enum pol_status status = POL_OK;
	uint32_t mark = ++build->visits;

	if (nodes == NULL) {
		return build->compiler->scratch->status;
	}
	for (uint32_t i = 0; status == POL_OK && i < entry->path_count; i++) {
		struct pol_build_node *node = NULL;

		if (is_too_many(build, entry->paths[i].at)) {
			return POL_OK;
		}
		status = find_path(build, parent, &entry->paths[i], &node);
		if (node != NULL && node->entry == mark) {
			pol_error(build->compiler->diags, entry->paths[i].at,
				"one path twice in this list");
			node = NULL;
		}
		if (node != NULL) {
			node->entry = mark;
			describe(build, &node->description, &entry->description);
		}
		nodes[i] = node;
	}
	for (uint32_t i = 0; status == POL_OK && i < entry->path_count; i++) {
		if (nodes[i] != NULL) {
			status = add_entries(build, nodes[i], entry->entries, entry->entry_count);
		}
	}
	return status;
}

static enum pol_status add_entries(struct pol_build *build, struct pol_build_node *node,
	const struct pol_ast_entry *entries, uint32_t count)
{
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && !build->too_many && i < count; i++) {
		if (entries[i].kind == POL_ENTRY_NODE) {
			status = add_node(build, node, &entries[i]);
		} else {
			status = add_action(build, node, &entries[i]);
		}
	}
	return status;
}

enum pol_status pol_build_tree(
	struct pol_build *build, const struct pol_ast_tree *tree, struct pol_build_tree *into)
{
	size_t errors = build->compiler->diags->errors;
	enum pol_status status;

	if (into->root == NULL) {
		struct pol_segment segment = { POL_SEGMENT_LITERAL, tree->name.at,
			tree->name.text };

		into->root = pol_build_make_node(build, NULL, &segment);
		if (into->root == NULL) {
			return build->compiler->scratch->status;
		}
		into->name = tree->name;
	}
	describe(build, &into->description, &tree->description);
	status = add_entries(build, into->root, tree->entries, tree->entry_count);
	into->damaged = into->damaged || tree->damaged || build->compiler->diags->errors > errors;
	return status;
}
