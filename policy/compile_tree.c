/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile.h"

/* From here a table of literal children grows; always a power of two. */
#define FIRST_TABLE ((size_t)1024)

/* Actions and methods of one node, which are compared with each other. */
#define NODE_ACTIONS 512

static uint64_t hash_child(const struct pol_build_node *parent, struct pol_str name)
{
	return pol_str_hash(name, POL_HASH_SEED ^ (uint64_t)(uintptr_t)parent);
}

static enum pol_status grow_table(struct pol_build *build)
{
	size_t size = build->table == NULL ? FIRST_TABLE : (build->table_mask + 1) * 2;
	struct pol_build_node **table =
		pol_arena_alloc(build->compiler->scratch, size, sizeof *table);

	if (table == NULL) {
		return build->compiler->scratch->status;
	}
	for (size_t i = 0; build->table != NULL && i <= build->table_mask; i++) {
		struct pol_build_node *node = build->table[i];
		size_t at = node != NULL ? node->hash & (size - 1) : 0;

		while (node != NULL && table[at] != NULL) {
			at = (at + 1) & (size - 1);
		}
		if (node != NULL) {
			table[at] = node;
		}
	}
	build->table = table;
	build->table_mask = size - 1;
	return POL_OK;
}

/* The place of the literal child in the table, free or taken. */
static struct pol_build_node **find_literal(
	struct pol_build *build, const struct pol_build_node *parent, struct pol_str name)
{
	uint64_t hash = hash_child(parent, name);
	size_t at = hash & build->table_mask;

	while (build->table[at] != NULL &&
		(build->table[at]->hash != hash || build->table[at]->parent != parent ||
			!pol_str_equal(build->table[at]->segment.text, name))) {
		at = (at + 1) & build->table_mask;
	}
	return &build->table[at];
}

static struct pol_build_node *make_node(
	struct pol_build *build, struct pol_build_node *parent, const struct pol_segment *segment)
{
	struct pol_build_node *node = pol_arena_alloc(build->compiler->scratch, 1, sizeof *node);

	if (node == NULL) {
		return NULL;
	}
	node->segment = *segment;
	build->node_count++;
	if (parent == NULL) {
		return node;
	}
	node->parent = parent;
	node->depth = (uint8_t)(parent->depth + 1);
	if (parent->last_child != NULL) {
		parent->last_child->next = node;
	} else {
		parent->first_child = node;
	}
	parent->last_child = node;
	return node;
}

static void complain_wild(
	struct pol_diags *diags, const struct pol_segment *was, const struct pol_segment *segment)
{
	const char *dots = segment->kind == POL_SEGMENT_REST ? "..." : "";
	const char *was_dots = was->kind == POL_SEGMENT_REST ? "..." : "";
	struct pol_diag *diag;

	if (was->kind != segment->kind) {
		diag = pol_error(diags, segment->at,
			"a node has at most one of a parameter and a rest: '{%.*s%s}' stands "
			"beside '{%.*s%s}'",
			POL_STR_ARGS(segment->text), dots, POL_STR_ARGS(was->text), was_dots);
	} else {
		diag = pol_error(diags, segment->at,
			"a second name for one parameter: '{%.*s%s}' was called '{%.*s%s}'",
			POL_STR_ARGS(segment->text), dots, POL_STR_ARGS(was->text), was_dots);
	}
	pol_note(diags, diag, was->at, "declared here");
}

/* The child that the segment names, made if it is new. *out stays NULL after a complaint. */
static enum pol_status get_child(struct pol_build *build, struct pol_build_node *parent,
	const struct pol_segment *segment, struct pol_build_node **out)
{
	struct pol_diags *diags = build->compiler->diags;
	struct pol_build_node **slot = &parent->wild;

	if (parent->segment.kind == POL_SEGMENT_REST && parent->parent != NULL) {
		struct pol_diag *diag = pol_error(diags, segment->at,
			"'{%.*s...}' is the rest of a path: nothing stands below it",
			POL_STR_ARGS(parent->segment.text));

		pol_note(diags, diag, parent->segment.at, "declared here");
		return POL_OK;
	}
	if (parent->depth == POL_PATH_SEGMENTS) {
		pol_error(diags, segment->at,
			"more than %d segments deep: no request's path is as long",
			POL_PATH_SEGMENTS);
		return POL_OK;
	}
	if (segment->kind == POL_SEGMENT_LITERAL) {
		if (build->table == NULL || build->table_used * 2 > build->table_mask) {
			enum pol_status status = grow_table(build);

			if (status != POL_OK) {
				return status;
			}
		}
		slot = find_literal(build, parent, segment->text);
	} else if (*slot != NULL && ((*slot)->segment.kind != segment->kind ||
					    !pol_str_equal((*slot)->segment.text, segment->text))) {
		complain_wild(diags, &(*slot)->segment, segment);
		/* What stands below is looked at all the same, beside the tree. */
		*out = make_node(build, NULL, segment);
		if (*out == NULL) {
			return build->compiler->scratch->status;
		}
		(*out)->parent = parent;
		(*out)->depth = (uint8_t)(parent->depth + 1);
		return POL_OK;
	}
	if (*slot == NULL) {
		*slot = make_node(build, parent, segment);
		if (*slot == NULL) {
			return build->compiler->scratch->status;
		}
		if (segment->kind == POL_SEGMENT_LITERAL) {
			(*slot)->hash = hash_child(parent, segment->text);
			build->table_used++;
		}
	}
	*out = *slot;
	return POL_OK;
}

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
		status = get_child(build, parent, &path->segments[i], out);
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
	if (into->root == NULL) {
		struct pol_segment segment = { POL_SEGMENT_LITERAL, tree->name.at,
			tree->name.text };

		into->root = make_node(build, NULL, &segment);
		if (into->root == NULL) {
			return build->compiler->scratch->status;
		}
		into->name = tree->name;
	}
	describe(build, &into->description, &tree->description);
	return add_entries(build, into->root, tree->entries, tree->entry_count);
}
