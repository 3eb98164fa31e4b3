/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/nodes.h"

#include <stdlib.h>

#include "policy/format/format.h"
#include "tools/lsp/server.h"

/* As many nodes as a policy may have, and as many entries of lists that are multiplied out. */
#define MOST_NODES  1000000
#define MOST_VISITS 4000000

struct lsp_nodes {
	struct pol_arena arena;
	struct lsp_node *first, *last; /* the roots */
	struct lsp_node **table;       /* literals by parent and text; open addressing */
	size_t count, mask;
	struct pol_str *verbs; /* of all nodes, each once */
	size_t verb_count, verb_capacity;
	uint32_t *verb_table; /* numbers of verbs, from 1; open addressing */
	size_t verb_mask;
	size_t visits;
	uint32_t mark;
	struct pol_str text; /* of the file that is added */
};

/* --- making them ------------------------------------------------------------------------------ */

static size_t slot_of(
	const struct lsp_nodes *nodes, const struct lsp_node *parent, struct pol_str text)
{
	size_t at = pol_str_hash(text, POL_HASH_SEED ^ (uintptr_t)parent) & nodes->mask;

	while (nodes->table[at] != NULL && (nodes->table[at]->parent != parent ||
						   !pol_str_equal(nodes->table[at]->text, text))) {
		at = (at + 1) & nodes->mask;
	}
	return at;
}

/* Makes the table twice as large. False: no memory. */
static bool grow_table(struct lsp_nodes *nodes)
{
	struct lsp_node **old = nodes->table;
	size_t size = old != NULL ? nodes->mask + 1 : 0;
	struct lsp_node **table = calloc(size > 0 ? size * 2 : 1024, sizeof(struct lsp_node *));

	if (table == NULL) {
		return false;
	}
	nodes->table = table;
	nodes->mask = size > 0 ? size * 2 - 1 : 1023;
	for (size_t i = 0; i < size; i++) {
		if (old[i] != NULL) {
			table[slot_of(nodes, old[i]->parent, old[i]->text)] = old[i];
		}
	}
	free(old);
	return true;
}

/* A new node, the last child of its parent. NULL: no memory, or too many. */
static struct lsp_node *make(
	struct lsp_nodes *nodes, struct lsp_node *parent, const struct lsp_node *like)
{
	struct lsp_node *node = NULL;

	if (nodes->count < MOST_NODES) {
		node = pol_arena_alloc(&nodes->arena, 1, sizeof *node);
	}
	if (node == NULL) {
		return NULL;
	}
	*node = *like;
	node->parent = parent;
	if (parent == NULL) {
		*(nodes->last != NULL ? &nodes->last->next : &nodes->first) = node;
		nodes->last = node;
	} else {
		*(parent->last != NULL ? &parent->last->next : &parent->first) = node;
		parent->last = node;
	}
	nodes->count++;
	return node;
}

/* The literal child. With `like`, one that is not there is made. */
static struct lsp_node *literal(struct lsp_nodes *nodes, struct lsp_node *parent,
	struct pol_str text, const struct lsp_node *like)
{
	size_t at;

	if ((nodes->count + 1) * 2 > nodes->mask && like != NULL && !grow_table(nodes)) {
		return NULL;
	}
	if (nodes->table == NULL) {
		return NULL;
	}
	at = slot_of(nodes, parent, text);
	if (nodes->table[at] == NULL && like != NULL) {
		nodes->table[at] = make(nodes, parent, like);
	}
	return nodes->table[at];
}

/* The child that a segment of a tree declares. NULL: none. */
static struct lsp_node *declare(
	struct lsp_nodes *nodes, struct lsp_node *parent, const struct pol_segment *segment)
{
	struct lsp_node like = { .kind = segment->kind,
		.text = segment->text,
		.raw = { nodes->text.ptr + segment->at.offset, segment->at.length } };
	struct lsp_node **wild = segment->kind == POL_SEGMENT_PARAM ? &parent->wild : &parent->rest;

	switch (segment->kind) {
	case POL_SEGMENT_LITERAL:
		return literal(nodes, parent, segment->text, &like);
	case POL_SEGMENT_PARAM:
	case POL_SEGMENT_REST:
		if (*wild == NULL) {
			*wild = make(nodes, parent, &like);
		}
		return *wild;
	case POL_SEGMENT_STAR:
	case POL_SEGMENT_STARSTAR:
	case POL_SEGMENT_LOST:
		break;
	}
	return NULL;
}

static size_t verb_slot(const struct lsp_nodes *nodes, struct pol_str verb)
{
	size_t at = pol_str_hash(verb, POL_HASH_SEED) & nodes->verb_mask;

	while (nodes->verb_table[at] != 0 &&
		!pol_str_equal(nodes->verbs[nodes->verb_table[at] - 1], verb)) {
		at = (at + 1) & nodes->verb_mask;
	}
	return at;
}

/* Makes the table large enough for one more. False: no memory. */
static bool grow_verbs(struct lsp_nodes *nodes)
{
	size_t size = nodes->verb_table != NULL ? (nodes->verb_mask + 1) * 2 : 256;
	uint32_t *table;

	if (nodes->verb_table != NULL && nodes->verb_count * 2 < nodes->verb_mask) {
		return true;
	}
	table = calloc(size, sizeof *table);
	if (table == NULL) {
		return false;
	}
	free(nodes->verb_table);
	nodes->verb_table = table;
	nodes->verb_mask = size - 1;
	for (size_t i = 0; i < nodes->verb_count; i++) {
		table[verb_slot(nodes, nodes->verbs[i])] = (uint32_t)i + 1;
	}
	return true;
}

/* Adds a verb to the list of all. */
static void list_verb(struct lsp_nodes *nodes, struct pol_str verb)
{
	size_t at;

	if (!grow_verbs(nodes)) {
		return;
	}
	at = verb_slot(nodes, verb);
	if (nodes->verb_table[at] != 0) {
		return;
	}
	if (nodes->verb_count == nodes->verb_capacity) {
		struct pol_str *grown =
			pol_arena_grow(&nodes->arena, nodes->verbs, nodes->verb_count,
				nodes->verb_count + 1, sizeof *grown, &nodes->verb_capacity);

		if (grown == NULL) {
			return;
		}
		nodes->verbs = grown;
	}
	nodes->verbs[nodes->verb_count++] = verb;
	nodes->verb_table[at] = (uint32_t)nodes->verb_count;
}

static void add_verb(
	struct lsp_nodes *nodes, struct lsp_node *node, const struct pol_ast_entry *entry)
{
	struct lsp_verb *verb = pol_arena_alloc(&nodes->arena, 1, sizeof *verb);

	if (verb != NULL) {
		verb->name = entry->name.text;
		verb->methods = entry->kind == POL_ENTRY_ACTION ? &entry->methods : NULL;
		verb->description = entry->description.text;
		*(node->final != NULL ? &node->final->next : &node->verbs) = verb;
		node->final = verb;
	}
	list_verb(nodes, entry->name.text);
	for (uint32_t i = 0; entry->kind == POL_ENTRY_ACTION && i < entry->methods.count; i++) {
		list_verb(nodes, entry->methods.items[i].text);
	}
}

static void add_entries(struct lsp_nodes *nodes, struct lsp_node *node,
	const struct pol_ast_entry *entries, uint32_t count);

static void add_paths(
	struct lsp_nodes *nodes, struct lsp_node *parent, const struct pol_ast_entry *entry)
{
	for (uint32_t i = 0; i < entry->path_count; i++) {
		const struct pol_ast_path *path = &entry->paths[i];
		struct lsp_node *node = parent;

		for (uint32_t k = 0; k < path->count && node != NULL; k++) {
			node = declare(nodes, node, &path->segments[k]);
		}
		if (node != NULL && node->description.ptr == NULL) {
			node->description = entry->description.text;
		}
		if (node != NULL) {
			add_entries(nodes, node, entry->entries, entry->entry_count);
		}
	}
}

static void add_entries(struct lsp_nodes *nodes, struct lsp_node *node,
	const struct pol_ast_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count && nodes->visits < MOST_VISITS; i++) {
		nodes->visits++;
		switch (entries[i].kind) {
		case POL_ENTRY_NODE:
			add_paths(nodes, node, &entries[i]);
			break;
		case POL_ENTRY_METHOD:
		case POL_ENTRY_ACTION:
			add_verb(nodes, node, &entries[i]);
			break;
		case POL_ENTRY_STRICT_SLASH:
		case POL_ENTRY_LOST:
		case POL_ENTRY_LOST_VERB:
		case POL_ENTRY_DOUBTFUL:
			break;
		}
	}
}

static void add_file(struct lsp_nodes *nodes, const struct lsp_file *file)
{
	nodes->text = file->source.text;
	for (size_t i = 0; i < file->ast.trees_count; i++) {
		const struct pol_ast_tree *tree = &file->ast.trees[i];
		struct lsp_node *root = lsp_nodes_tree(nodes, tree->name.text);

		if (tree->name.text.len == 0) {
			continue;
		}
		if (root == NULL) {
			root = make(nodes, NULL,
				&(struct lsp_node){ .text = tree->name.text,
					.raw = tree->name.text,
					.description = tree->description.text });
		}
		if (root != NULL) {
			add_entries(nodes, root, tree->entries, tree->entry_count);
		}
	}
}

struct lsp_nodes *lsp_nodes_of(struct lsp *lsp, struct lsp_kept *kept)
{
	struct lsp_nodes *nodes = kept->nodes;

	if (nodes != NULL) {
		return nodes;
	}
	nodes = calloc(1, sizeof *nodes);
	if (nodes == NULL) {
		return NULL;
	}
	pol_arena_init(&nodes->arena, POL_FORMAT_MEMORY);
	for (size_t i = 0; i < kept->count; i++) {
		add_file(nodes, kept->files[i]);
	}
	if (lsp->built_in == NULL) {
		lsp->built_in = lsp_kept_built_in();
	}
	if (lsp->built_in != NULL) {
		add_file(nodes, lsp->built_in);
	}
	kept->nodes = nodes;
	return nodes;
}

void lsp_nodes_destroy(struct lsp_nodes *nodes)
{
	if (nodes != NULL) {
		pol_arena_finish(&nodes->arena);
		free(nodes->table);
		free(nodes->verb_table);
		free(nodes);
	}
}

/* --- finding them ----------------------------------------------------------------------------- */

struct lsp_node *lsp_nodes_roots(const struct lsp_nodes *nodes)
{
	return nodes->first;
}

struct lsp_node *lsp_nodes_tree(const struct lsp_nodes *nodes, struct pol_str name)
{
	struct lsp_node *root = nodes->first;

	while (root != NULL && !pol_str_equal(root->text, name)) {
		root = root->next;
	}
	return root;
}

uint32_t lsp_nodes_mark(struct lsp_nodes *nodes)
{
	return ++nodes->mark;
}

/* Finds the literal child; nothing is made. */
static struct lsp_node *find_literal(
	const struct lsp_nodes *nodes, const struct lsp_node *parent, struct pol_str text)
{
	return nodes->table != NULL ? nodes->table[slot_of(nodes, parent, text)] : NULL;
}

bool lsp_nodes_below(struct lsp_node *node, lsp_nodes_visit visit, void *context)
{
	struct lsp_node *at = node;

	for (;;) {
		if (!visit(context, at)) {
			return false;
		}
		if (at->first != NULL) {
			at = at->first;
			continue;
		}
		while (at != node && at->next == NULL) {
			at = at->parent;
		}
		if (at == node) {
			return true;
		}
		at = at->next;
	}
}

static bool select_from(const struct lsp_nodes *nodes, struct lsp_node *node,
	const struct pol_ast_path *path, lsp_nodes_visit visit, void *context)
{
	const struct pol_segment *segment = path->segments;
	struct pol_ast_path rest = *path;
	struct lsp_node *child = NULL;

	if (path->count == 0) {
		return visit(context, node);
	}
	rest.segments++;
	rest.count--;
	switch (segment->kind) {
	case POL_SEGMENT_LITERAL:
		child = find_literal(nodes, node, segment->text);
		break;
	case POL_SEGMENT_PARAM:
	case POL_SEGMENT_REST:
		child = segment->kind == POL_SEGMENT_PARAM ? node->wild : node->rest;
		child = child != NULL && pol_str_equal(child->text, segment->text) ? child : NULL;
		break;
	case POL_SEGMENT_STAR:
		for (child = node->first; child != NULL; child = child->next) {
			if (child->kind != POL_SEGMENT_REST &&
				!select_from(nodes, child, &rest, visit, context)) {
				return false;
			}
		}
		break;
	case POL_SEGMENT_STARSTAR:
		return lsp_nodes_below(node, visit, context);
	case POL_SEGMENT_LOST:
		break;
	}
	return child == NULL || select_from(nodes, child, &rest, visit, context);
}

bool lsp_nodes_select(const struct lsp_nodes *nodes, const struct pol_ast_pattern *pattern,
	lsp_nodes_visit visit, void *context)
{
	struct lsp_node *root = lsp_nodes_tree(nodes, pattern->tree.text);

	return root == NULL || select_from(nodes, root, &pattern->path, visit, context);
}

struct lsp_node *lsp_nodes_requested(const struct lsp_nodes *nodes, struct pol_str place)
{
	struct pol_str tree, raw;
	struct pol_path path;
	struct lsp_node *node;

	if (!pol_path_split(place, &tree, &raw) || pol_path_read(raw, &path) != POL_OK) {
		return NULL;
	}
	node = lsp_nodes_tree(nodes, tree);
	for (uint32_t i = 0; i < path.count && node != NULL; i++) {
		struct lsp_node *child = find_literal(nodes, node, path.segments[i]);

		child = child != NULL ? child : node->wild;
		if (child == NULL) {
			return node->rest;
		}
		node = child;
	}
	return node != NULL && node->verbs == NULL && node->rest != NULL ? node->rest : node;
}

const struct pol_str *lsp_nodes_verbs(const struct lsp_nodes *nodes, size_t *out_count)
{
	*out_count = nodes->verb_count;
	return nodes->verbs;
}

bool lsp_nodes_has(const struct lsp_node *node, struct pol_str verb)
{
	for (const struct lsp_verb *own = node->verbs; own != NULL; own = own->next) {
		if (pol_str_equal(own->name, verb)) {
			return true;
		}
		for (uint32_t i = 0; own->methods != NULL && i < own->methods->count; i++) {
			if (pol_str_equal(own->methods->items[i].text, verb)) {
				return true;
			}
		}
	}
	return false;
}
