/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile.h"
#include "policy/snapshot/tree.h"
#include "policy/text/method.h"

/* The first capacity for names of actions and methods; most policies need no more. */
#define FEW_VERBS 64

/* Doubles the capacity. The old arrays stay in the arena. */
static enum pol_status grow_verbs(struct pol_build *build)
{
	struct pol_snapshot *snapshot = build->compiler->snapshot;
	uint32_t room = build->verb_room == 0 ? FEW_VERBS : build->verb_room * 2;
	struct pol_str *verbs = pol_arena_alloc(&snapshot->arena, room, sizeof *verbs);
	bool *is_method = pol_arena_alloc(&snapshot->arena, room, sizeof *is_method);
	struct pol_names names = { 0 };
	enum pol_status status = pol_names_init(&names, &snapshot->arena, room);

	if (verbs == NULL || is_method == NULL || status != POL_OK) {
		return status != POL_OK ? status : snapshot->arena.status;
	}
	for (uint32_t i = 0; i < snapshot->verb_count; i++) {
		verbs[i] = snapshot->verbs[i];
		is_method[i] = snapshot->verb_is_method[i];
		pol_names_add(&names, verbs[i], i);
	}
	snapshot->verbs = verbs;
	snapshot->verb_is_method = is_method;
	snapshot->verb_names = names;
	build->verb_room = room;
	return POL_OK;
}

/* Returns the number of an action or method in *out, and adds it when it is new. */
static enum pol_status intern_verb(struct pol_build *build, struct pol_str name, uint32_t *out)
{
	struct pol_snapshot *snapshot = build->compiler->snapshot;
	uint32_t number = pol_names_find(&snapshot->verb_names, name);

	if (number == POL_NONE) {
		struct pol_str copy = pol_compile_text(build->compiler, name);
		enum pol_status status = POL_OK;

		if (snapshot->verb_count == build->verb_room) {
			status = grow_verbs(build);
		}
		if (status != POL_OK || copy.ptr == NULL) {
			return status != POL_OK ? status : snapshot->arena.status;
		}
		number = snapshot->verb_count++;
		snapshot->verbs[number] = copy;
		snapshot->verb_is_method[number] = pol_method_is_registered(copy);
		pol_names_add(&snapshot->verb_names, copy, number);
	}
	*out = number;
	return POL_OK;
}

static enum pol_status number_action(struct pol_build *build, const struct pol_build_action *from)
{
	struct pol_compiler *compiler = build->compiler;
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_action *action = &snapshot->actions[snapshot->action_count++];
	uint32_t first = snapshot->permission_count;
	enum pol_status status = intern_verb(build, from->entry->name.text, &action->verb);

	action->description = pol_compile_text(compiler, from->entry->description.text);
	action->has_methods = from->methods.count > 0;
	action->run = (struct pol_run){ first, action->has_methods ? from->methods.count : 1 };
	snapshot->permission_count += action->run.count;
	snapshot->permissions[first] = action->verb;
	for (uint32_t i = 0; status == POL_OK && i < from->methods.count; i++) {
		status = intern_verb(
			build, from->methods.items[i].text, &snapshot->permissions[first + i]);
	}
	return status != POL_OK ? status : snapshot->arena.status;
}

static bool is_rival(const struct pol_build_node *node)
{
	return node->parent != NULL && (node->parent->damage & POL_DAMAGE_RIVALS) != 0 &&
	       (node->segment.kind == POL_SEGMENT_PARAM || node->segment.kind == POL_SEGMENT_REST);
}

static void note_damage(
	struct pol_snapshot *snapshot, const struct pol_build_node *node, uint32_t parent)
{
	struct pol_damage *damage = &snapshot->damage[node->number];

	damage->marks = node->damage;
	damage->rival = POL_NONE;
	if (parent != POL_NONE) {
		damage->marks |=
			snapshot->damage[parent].marks & (POL_DAMAGE_BROKEN | POL_DAMAGE_MOVED);
	}
	if (is_rival(node)) {
		damage->marks |= POL_DAMAGE_MOVED;
	}
	if ((damage->marks & POL_DAMAGE_BROKEN) != 0) {
		damage->marks |= POL_DAMAGE_ANY;
	}
}

static void sum_damage(struct pol_snapshot *snapshot)
{
	struct pol_damage *damage = snapshot->damage;

	for (uint32_t i = 0; i < snapshot->node_count; i++) {
		damage[i + 1].verbs = damage[i].verbs + ((damage[i].marks & POL_DAMAGE_VERBS) != 0);
		damage[i + 1].doubtful = damage[i].doubtful + (damage[i].marks != 0);
	}
}

/* Numbers a node and all below it. POL_PATH_SEGMENTS bounds the recursion. */
static enum pol_status number_node(
	struct pol_build *build, struct pol_build_node *from, uint32_t parent, uint32_t tree)
{
	struct pol_snapshot *snapshot = build->compiler->snapshot;
	uint32_t number = snapshot->node_count++;
	struct pol_node *node = &snapshot->nodes[number];
	enum pol_status status = POL_OK;

	from->number = number;
	if (snapshot->damage != NULL) {
		note_damage(snapshot, from, parent);
	}
	*node = (struct pol_node){
		.name = pol_compile_name(build->compiler, from->segment.text),
		.description = pol_compile_text(build->compiler, from->description.text),
		.parent = parent,
		.tree = tree,
		.wild = POL_NONE,
		.first = snapshot->permission_count,
		.action = snapshot->action_count,
		.kind = from->segment.kind,
	};
	if (node->name.ptr == NULL || snapshot->arena.status != POL_OK) {
		return snapshot->arena.status;
	}
	for (const struct pol_build_action *action = from->first_action;
		status == POL_OK && action != NULL; action = action->next) {
		status = number_action(build, action);
	}
	for (struct pol_build_node *child = from->first_child; status == POL_OK && child != NULL;
		child = child->next) {
		status = number_node(build, child, number, tree);
	}
	node->end = snapshot->node_count;
	if (from->wild != NULL) {
		node->wild = from->wild->number;
	}
	if ((from->damage & POL_DAMAGE_RIVALS) != 0) {
		for (const struct pol_build_node *wild = from->wild; wild->rival != NULL;
			wild = wild->rival) {
			snapshot->damage[wild->number].rival = wild->rival->number;
		}
	}
	return status;
}

static void put_literal(
	struct pol_literal *slot, uint32_t hash, uint32_t number, const struct pol_node *node)
{
	size_t head = node->name.len < POL_LITERAL_HEAD ? node->name.len : POL_LITERAL_HEAD;

	slot->hash = hash;
	slot->node = number;
	slot->parent = node->parent;
	slot->len = (uint32_t)node->name.len;
	memcpy(slot->head, node->name.ptr, head);
}

static enum pol_status index_literals(struct pol_build *build)
{
	struct pol_snapshot *snapshot = build->compiler->snapshot;
	size_t size = 2;

	while (size < (size_t)snapshot->node_count * 2) {
		size *= 2;
	}
	snapshot->literals = pol_arena_alloc(&snapshot->arena, size, sizeof *snapshot->literals);
	if (snapshot->literals == NULL) {
		return snapshot->arena.status;
	}
	snapshot->literal_mask = (uint32_t)(size - 1);
	for (uint32_t i = 0; i < snapshot->node_count; i++) {
		const struct pol_node *node = &snapshot->nodes[i];
		uint32_t hash;
		uint32_t at;

		if (node->parent == POL_NONE || node->kind != POL_SEGMENT_LITERAL) {
			continue;
		}
		hash = pol_tree_literal_hash(node->parent, node->name);
		at = hash & snapshot->literal_mask;
		while (snapshot->literals[at].node != 0) {
			at = (at + 1) & snapshot->literal_mask;
		}
		put_literal(&snapshot->literals[at], hash, i, node);
	}
	return POL_OK;
}

static enum pol_status make_arrays(struct pol_build *build)
{
	struct pol_snapshot *snapshot = build->compiler->snapshot;
	struct pol_arena *arena = &snapshot->arena;
	enum pol_status status = pol_names_init(&snapshot->tree_names, arena, build->tree_count);

	snapshot->trees = pol_arena_alloc(arena, build->tree_count, sizeof *snapshot->trees);
	snapshot->nodes =
		pol_arena_alloc(arena, (size_t)build->node_count + 1, sizeof *snapshot->nodes);
	snapshot->actions = pol_arena_alloc(arena, build->action_count, sizeof *snapshot->actions);
	snapshot->permissions =
		pol_arena_alloc(arena, build->permission_count, sizeof *snapshot->permissions);
	if (build->damaged) {
		snapshot->damage = pol_arena_alloc(
			arena, (size_t)build->node_count + 1, sizeof *snapshot->damage);
	}
	return status != POL_OK ? status : arena->status;
}

enum pol_status pol_compile_number(struct pol_build *build)
{
	struct pol_snapshot *snapshot = build->compiler->snapshot;
	enum pol_status status = make_arrays(build);
	uint32_t verb;

	/* These two have fixed numbers, declared or not. */
	if (status == POL_OK) {
		status = intern_verb(build, POL_STR("GET"), &verb);
	}
	if (status == POL_OK) {
		status = intern_verb(build, POL_STR("HEAD"), &verb);
	}
	for (uint32_t i = 0; status == POL_OK && i < build->tree_count; i++) {
		const struct pol_build_tree *from = &build->trees[i];
		struct pol_tree *tree = &snapshot->trees[i];

		tree->root = snapshot->node_count;
		tree->strict_slash = from->strict_slash;
		status = number_node(build, from->root, POL_NONE, i);
		if (status == POL_OK) {
			tree->name = snapshot->nodes[tree->root].name;
			tree->description =
				pol_compile_text(build->compiler, from->description.text);
			pol_names_add(&snapshot->tree_names, tree->name, i);
			snapshot->tree_count++;
		}
	}
	if (status != POL_OK) {
		return status;
	}
	snapshot->nodes[snapshot->node_count] = (struct pol_node){
		.parent = POL_NONE,
		.wild = POL_NONE,
		.first = snapshot->permission_count,
		.action = snapshot->action_count,
	};
	if (snapshot->damage != NULL) {
		sum_damage(snapshot);
	}
	return index_literals(build);
}
