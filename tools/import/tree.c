/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The operations of a model as a tree. They are sorted by their paths, parameters all alike and
 * after literals, so that each path begins where the one before it left off.
 */

#include <stdlib.h>
#include <string.h>

#include "tools/import/import.h"

/* The methods that come first, in this order; others follow by name. */
static unsigned method_rank(struct pol_str method)
{
	static const char *const first[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };
	unsigned rank = 0;

	while (rank < sizeof first / sizeof first[0] &&
		!pol_str_equal(method, pol_str_of(first[rank]))) {
		rank++;
	}
	return rank;
}

static int compare_segments(const struct import_segment *a, const struct import_segment *b)
{
	if (a->param || b->param) {
		return (int)a->param - (int)b->param;
	}
	return pol_str_compare(a->text, b->text);
}

static int compare(const void *a, const void *b)
{
	const struct import_operation *first = a, *second = b;
	int order = 0;

	for (uint32_t i = 0; order == 0; i++) {
		if (i == first->segment_count || i == second->segment_count) {
			order = (int)(i < first->segment_count) - (int)(i < second->segment_count);
			break;
		}
		order = compare_segments(&first->segments[i], &second->segments[i]);
	}
	if (order == 0) {
		order = (int)method_rank(first->method) - (int)method_rank(second->method);
	}
	if (order == 0) {
		order = pol_str_compare(first->method, second->method);
	}
	/* `/{basehead}` before `/{base}...{head}`: whole segments are said as they are meant. */
	for (uint32_t i = 0; order == 0 && i < first->segment_count; i++) {
		order = (int)first->segments[i].partial - (int)second->segments[i].partial;
	}
	if (order == 0) {
		order = pol_str_compare(first->path, second->path);
	}
	return order != 0 ? order : pol_str_compare(first->id, second->id);
}

static struct import_node *make_node(
	struct import *import, struct import_node *parent, const struct import_segment *segment)
{
	struct import_node *node = pol_arena_alloc(&import->arena, 1, sizeof *node);

	if (node == NULL) {
		import_fail(import, "no memory left");
		return NULL;
	}
	node->parent = parent;
	if (parent == NULL) {
		return node;
	}
	node->segment = *segment;
	if (parent->last_child != NULL) {
		parent->last_child->next = node;
	} else {
		parent->first_child = node;
	}
	parent->last_child = node;
	return node;
}

/* Counts a name of the node's parameter. */
static void count_name(struct import_node *node, const struct import_segment *segment)
{
	uint32_t i = 0;

	while (i < node->name_count && !pol_str_equal(node->names[i].name, segment->text)) {
		i++;
	}
	if (i == IMPORT_PARAM_NAMES) {
		return;
	}
	if (i == node->name_count) {
		node->names[node->name_count++].name = segment->text;
	}
	/* What is only a part of its segment gives its name when there is no other. */
	node->names[i].count += segment->partial ? 0 : 1;
	node->segment.rest = node->segment.rest || segment->rest;
}

/* The node of an operation, whose path is sorted after that of `last`. */
static struct import_node *place(
	struct import *import, struct import_node *last, const struct import_operation *one)
{
	struct import_node *spine[IMPORT_SEGMENTS_MAX + 1];
	struct import_node *node = import->root;
	uint32_t depth = 0;

	for (struct import_node *at = last; at != NULL && at->parent != NULL; at = at->parent) {
		depth++;
	}
	for (uint32_t i = depth; i > 0; i--, last = last->parent) {
		spine[i - 1] = last;
	}
	for (uint32_t i = 0; i < one->segment_count; i++) {
		const struct import_segment *segment = &one->segments[i];

		if (i < depth && spine[i]->parent == node &&
			compare_segments(&spine[i]->segment, segment) == 0) {
			node = spine[i];
		} else {
			depth = i;
			node = make_node(import, node, segment);
		}
		if (node == NULL) {
			return NULL;
		}
		if (segment->param) {
			count_name(node, segment);
		}
	}
	return node;
}

/* --- parameters --------------------------------------------------------------------------------
 */

static struct import_node *next_node(struct import_node *node)
{
	if (node->first_child != NULL) {
		return node->first_child;
	}
	while (node != NULL && node->next == NULL) {
		node = node->parent;
	}
	return node != NULL ? node->next : NULL;
}

/* The name that most paths have, the first of equal ones. */
static void name_parameter(struct import *import, struct import_node *node)
{
	const struct import_param *best = &node->names[0];
	const char *where = import_node_path(import, node->parent);

	for (uint32_t i = 1; i < node->name_count; i++) {
		const struct import_param *other = &node->names[i];

		if (other->count > best->count ||
			(other->count == best->count &&
				pol_str_compare(other->name, best->name) < 0)) {
			best = other;
		}
	}
	node->segment.text = best->name;
	for (uint32_t i = 0; i < node->name_count; i++) {
		const struct import_param *other = &node->names[i];

		if (other != best && other->count > 0) {
			import_note(import, where,
				"parameter {%.*s} is {%.*s} here: a node has one name for its "
				"parameter",
				POL_STR_ARGS(other->name), POL_STR_ARGS(best->name));
		}
	}
	node->rest = node->segment.rest && node->first_child == NULL;
	/* A node with operations of its own keeps that path. */
	if (node->rest && node->parent->count == 0) {
		import_note(import, where, "{%.*s...} takes %s itself, too",
			POL_STR_ARGS(best->name), where);
	}
	if (node->segment.rest && !node->rest) {
		import_note(import, where,
			"{%.*s} is one segment, though its values may have slashes: paths go on "
			"after it",
			POL_STR_ARGS(best->name));
	}
}

/* --- actions -----------------------------------------------------------------------------------
 */

static const char *where_of(struct import *import, const struct import_operation *one)
{
	return import_text(import, "%.*s %.*s", POL_STR_ARGS(one->method), POL_STR_ARGS(one->path));
}

static void name_action(struct import *import, struct import_operation *one)
{
	if (one->id.len == 0) {
		return;
	}
	one->action = import_action_name(import, one->id);
	if (one->action.len == 0) {
		import_note(import, where_of(import, one),
			"the name '%.*s' has no letters that an action's has: it is '%.*s'",
			POL_STR_ARGS(one->id), POL_STR_ARGS(one->method));
	} else if (!pol_str_equal(one->action, one->id)) {
		import_note(import, where_of(import, one), "'%.*s' is the action '%.*s'",
			POL_STR_ARGS(one->id), POL_STR_ARGS(one->action));
	}
}

/* Two operations with one method at one node cannot be distinguished. */
static void note_shared(struct import *import, const struct import_operation *one,
	const struct import_operation *other)
{
	import_note(import, where_of(import, one),
		"%s%.*s%sis the same request as %.*s %.*s: '%.*s' stands for both",
		one->id.len > 0 ? "'" : "", POL_STR_ARGS(one->id), one->id.len > 0 ? "' " : "",
		POL_STR_ARGS(other->method), POL_STR_ARGS(other->path),
		POL_STR_ARGS(other->action.len > 0 ? other->action : other->method));
}

/* The operations of a node are sorted by their methods. */
static void name_actions(struct import *import, struct import_node *node)
{
	const struct import_operation *last = NULL;

	for (size_t i = node->first; i < node->first + node->count; i++) {
		struct import_operation *one = &import->operations[i];

		one->shares = last != NULL && pol_str_equal(last->method, one->method);
		if (one->shares) {
			note_shared(import, one, last);
		} else {
			name_action(import, one);
			last = one;
		}
		if (node->about.len == 0) {
			node->about = one->about;
		}
	}
}

bool import_build(struct import *import)
{
	struct import_node *node;

	if (import->count == 0) {
		return import_fail(
			import, "the policy language cannot express any of its operations");
	}
	qsort(import->operations, import->count, sizeof *import->operations, compare);
	node = import->root = make_node(import, NULL, NULL);
	for (size_t i = 0; node != NULL && i < import->count; i++) {
		struct import_operation *one = &import->operations[i];

		node = place(import, node, one);
		if (node == NULL) {
			return false;
		}
		one->node = node;
		node->first = node->count == 0 ? i : node->first;
		node->count++;
	}
	for (node = import->root; node != NULL; node = next_node(node)) {
		/* A document says which of its paths are one. */
		import->paths += import->document == NULL && node->count > 0;
		if (node->name_count > 0) {
			name_parameter(import, node);
		}
		name_actions(import, node);
	}
	return import->error == NULL && import->arena.status == POL_OK
		       ? import_scopes_build(import)
		       : import_fail(import, "no memory left");
}
