/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"

/* The most actions and methods of one node. Each is compared with all others. */
#define NODE_ACTIONS 512

/* Finds the action of the node that has the method, or is it; *out_at is where it stands. */
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
	diag = pol_diag_error(build->compiler->diags, method->at,
		"'%.*s' twice in one node: a method belongs to one action",
		POL_STR_ARGS(method->text));
	pol_diag_note(build->compiler->diags, diag, at, "first here");
	return false;
}

/* Makes an array with room for all methods, and copies the first `count`. NULL: scratch failed. */
static struct pol_word *copy_methods(
	struct pol_build *build, const struct pol_words *methods, uint32_t count)
{
	struct pol_word *copy =
		pol_arena_alloc(build->compiler->scratch, methods->count, sizeof *copy);

	for (uint32_t i = 0; copy != NULL && i < count; i++) {
		copy[i] = methods->items[i];
	}
	return copy;
}

/* Returns the methods of an action, without those that the node has already. Reports the others. */
static struct pol_words check_methods(struct pol_build *build, const struct pol_build_node *node,
	const struct pol_ast_entry *entry)
{
	static const struct pol_ast_entry nameless;
	struct pol_build_action own = { .entry = &nameless };
	struct pol_build_node alone = { .first_action = &own };
	struct pol_words *good = &own.methods;

	good->items = entry->methods.items;
	for (uint32_t i = 0; i < entry->methods.count; i++) {
		const struct pol_word *method = &entry->methods.items[i];

		if (check_method(build, node, method) && check_method(build, &alone, method)) {
			if (good->items != entry->methods.items) {
				good->items[good->count] = *method;
			}
			good->count++;
		} else if (good->items == entry->methods.items) {
			good->items = copy_methods(build, &entry->methods, good->count);
			if (good->items == NULL) {
				return (struct pol_words){ 0 };
			}
		}
	}
	return *good;
}

static enum pol_status add_action(
	struct pol_build *build, struct pol_build_node *node, const struct pol_ast_entry *entry)
{
	struct pol_diags *diags = build->compiler->diags;
	struct pol_build_action *action;
	struct pol_words methods = { 0 };
	size_t errors = diags->errors;

	if (node->action_count == NODE_ACTIONS) {
		pol_compile_mark_damage(build, node, POL_DAMAGE_DOUBT | POL_DAMAGE_VERBS);
		pol_diag_error(diags, entry->name.at,
			"more than %d actions and methods in one node", NODE_ACTIONS);
		return POL_OK;
	}
	if (entry->kind == POL_ENTRY_METHOD) {
		if (!check_method(build, node, &entry->name)) {
			pol_compile_mark_damage(build, node, POL_DAMAGE_DOUBT);
			return POL_OK;
		}
	} else {
		for (action = node->first_action; action != NULL; action = action->next) {
			if (pol_str_equal(action->entry->name.text, entry->name.text)) {
				struct pol_diag *diag = pol_diag_error(diags, entry->name.at,
					"action '%.*s' twice in one node",
					POL_STR_ARGS(entry->name.text));

				pol_diag_note(diags, diag, action->entry->name.at, "first here");
				break;
			}
		}
		methods = check_methods(build, node, entry);
		if (diags->errors > errors) {
			pol_compile_mark_damage(build, node, POL_DAMAGE_DOUBT);
		}
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
	diag = pol_diag_error(build->compiler->diags, now->at, "a second description");
	pol_diag_note(build->compiler->diags, diag, was->at, "the first is here");
}

static void set_strict_slash(struct pol_build *build, const struct pol_ast_entry *entry)
{
	struct pol_build_tree *tree = build->into;
	struct pol_diag *diag;

	if (tree->setting.text.ptr == NULL) {
		tree->setting = entry->name;
		tree->strict_slash = entry->yes;
		return;
	}
	diag = pol_diag_error(build->compiler->diags, entry->name.at,
		"'strict_slash' is given twice for tree '%.*s'", POL_STR_ARGS(tree->name.text));
	pol_diag_note(build->compiler->diags, diag, tree->setting.at, "first here");
}

static bool is_too_many(struct pol_build *build, struct pol_span at)
{
	build->visits++;
	if (!build->too_many &&
		(build->node_count > POL_NODE_LIMIT || build->visits > 2 * POL_NODE_LIMIT)) {
		build->too_many = true;
		pol_diag_error(build->compiler->diags, at, "more than 1,000,000 nodes");
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
		status = pol_compile_child_get(build, parent, &path->segments[i], out);
	}
	return status;
}

static enum pol_status add_entries(struct pol_build *build, struct pol_build_node *node,
	const struct pol_ast_entry *entries, uint32_t count);

/* Adds `/a, /b { … }`: first finds all nodes, so that a path listed twice is reported, then adds
 * what is in the block to each. */
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
			pol_compile_mark_damage(build, parent, POL_DAMAGE_BROKEN);
			return POL_OK;
		}
		status = find_path(build, parent, &entry->paths[i], &node);
		if (node != NULL && node->entry == mark) {
			pol_diag_error(build->compiler->diags, entry->paths[i].at,
				"this list has the path twice");
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

	/* What belongs here may stand in a block further down. */
	if (build->unclosed) {
		pol_compile_mark_damage(build, node, POL_DAMAGE_ANY);
	}
	for (uint32_t i = 0; status == POL_OK && !build->too_many && i < count; i++) {
		switch (entries[i].kind) {
		case POL_ENTRY_NODE:
			status = add_node(build, node, &entries[i]);
			break;
		case POL_ENTRY_METHOD:
		case POL_ENTRY_ACTION:
			status = add_action(build, node, &entries[i]);
			break;
		case POL_ENTRY_STRICT_SLASH:
			set_strict_slash(build, &entries[i]);
			break;
		case POL_ENTRY_LOST:
			pol_compile_mark_damage(build, node, POL_DAMAGE_ANY);
			break;
		case POL_ENTRY_LOST_VERB:
			pol_compile_mark_damage(build, node, POL_DAMAGE_DOUBT | POL_DAMAGE_VERBS);
			break;
		case POL_ENTRY_DOUBTFUL:
			pol_compile_mark_damage(build, node, POL_DAMAGE_DOUBT);
			break;
		}
	}
	return status;
}

enum pol_status pol_compile_tree(
	struct pol_build *build, const struct pol_ast_tree *tree, struct pol_build_tree *into)
{
	if (into->root == NULL) {
		struct pol_segment segment = { POL_SEGMENT_LITERAL, tree->name.at,
			tree->name.text };

		into->root = pol_compile_child_make(build, NULL, &segment);
		if (into->root == NULL) {
			return build->compiler->scratch->status;
		}
		into->name = tree->name;
	}
	describe(build, &into->description, &tree->description);
	if (tree->broken) {
		pol_compile_mark_damage(build, into->root, POL_DAMAGE_BROKEN);
	}
	if (!build->too_many && !pol_compile_count(build, tree)) {
		pol_compile_mark_damage(build, into->root, POL_DAMAGE_BROKEN);
	}
	build->into = into;
	build->unclosed = tree->unclosed;
	return add_entries(build, into->root, tree->entries, tree->entry_count);
}
