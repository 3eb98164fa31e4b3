/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"

/* The first size of the table of literal children; always a power of two. */
#define FIRST_TABLE ((size_t)1024)

/* Up to this many literal children of a node are searched one by one. When a node has more, all of
 * them are in the table. Most nodes have few, and few are fast to search. */
#define FEW_LITERALS 16

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

/* The slot of the literal child in the table, or the free slot where it belongs. */
static struct pol_build_node **find_slot(
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

static struct pol_build_node *find_literal(
	struct pol_build *build, const struct pol_build_node *parent, struct pol_str name)
{
	struct pol_build_node *child = parent->first_child;

	if (parent->literal_count > FEW_LITERALS) {
		return *find_slot(build, parent, name);
	}
	while (child != NULL && (child->segment.kind != POL_SEGMENT_LITERAL ||
					!pol_str_equal(child->segment.text, name))) {
		child = child->next;
	}
	return child;
}

static enum pol_status put_in_table(struct pol_build *build, struct pol_build_node *child)
{
	if (build->table == NULL || build->table_used * 2 > build->table_mask) {
		enum pol_status status = grow_table(build);

		if (status != POL_OK) {
			return status;
		}
	}
	child->hash = hash_child(child->parent, child->segment.text);
	*find_slot(build, child->parent, child->segment.text) = child;
	build->table_used++;
	return POL_OK;
}

/* Counts a literal child, which is the last of its parent's children, and puts it in the table
 * where the parent has many. */
static enum pol_status count_literal(struct pol_build *build, struct pol_build_node *child)
{
	struct pol_build_node *parent = child->parent;
	enum pol_status status = POL_OK;

	if (++parent->literal_count <= FEW_LITERALS) {
		return POL_OK;
	}
	if (parent->literal_count > FEW_LITERALS + 1) {
		return put_in_table(build, child);
	}
	for (child = parent->first_child; status == POL_OK && child != NULL; child = child->next) {
		if (child->segment.kind == POL_SEGMENT_LITERAL) {
			status = put_in_table(build, child);
		}
	}
	return status;
}

struct pol_build_node *pol_compile_child_make(
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

/* At most this many further parameters of one node are kept after a mistake. Patterns through
 * others are not checked. */
#define RIVALS 16

/* Makes a node apart from the tree, so that mistakes below it are found, and notes at the parent
 * what may be missing there. */
static struct pol_build_node *make_aside(struct pol_build *build, struct pol_build_node *parent,
	const struct pol_segment *segment, unsigned marks)
{
	pol_compile_mark_damage(build, parent, marks | POL_DAMAGE_VERBS | POL_DAMAGE_DOUBT);
	return pol_compile_child_make(build, NULL, segment);
}

/* Finds or makes a second parameter or rest of one node, so that grants on it are checked too. */
static struct pol_build_node *get_rival(
	struct pol_build *build, struct pol_build_node *parent, const struct pol_segment *segment)
{
	struct pol_build_node *last = parent->wild;

	for (unsigned i = 0; i < RIVALS; i++) {
		if (last->rival == NULL) {
			last->rival = pol_compile_child_make(build, parent, segment);
			pol_compile_mark_damage(build, parent, POL_DAMAGE_RIVALS);
			return last->rival;
		}
		last = last->rival;
		if (last->segment.kind == segment->kind &&
			pol_str_equal(last->segment.text, segment->text)) {
			return last;
		}
	}
	return make_aside(build, parent, segment, POL_DAMAGE_PARAMETERS);
}

/* Makes a child that no pattern can name, for a segment that the parser did not understand. */
static struct pol_build_node *make_lost(
	struct pol_build *build, struct pol_build_node *parent, const struct pol_segment *segment)
{
	bool parameter = false;

	for (size_t i = 0; i < segment->text.len; i++) {
		char c = segment->text.ptr[i];

		parameter = parameter || c == '{' || c == '*';
	}
	pol_compile_mark_damage(
		build, parent, parameter ? POL_DAMAGE_PARAMETERS : POL_DAMAGE_LITERALS);
	return pol_compile_child_make(build, parent, segment);
}

static void report_wild(
	struct pol_diags *diags, const struct pol_segment *was, const struct pol_segment *segment)
{
	const char *dots = segment->kind == POL_SEGMENT_REST ? "..." : "";
	const char *was_dots = was->kind == POL_SEGMENT_REST ? "..." : "";
	struct pol_diag *diag;

	if (was->kind != segment->kind) {
		diag = pol_diag_error(diags, segment->at,
			"a node has at most one of a parameter and a rest: '{%.*s%s}' stands "
			"beside '{%.*s%s}'",
			POL_STR_ARGS(segment->text), dots, POL_STR_ARGS(was->text), was_dots);
	} else {
		diag = pol_diag_error(diags, segment->at,
			"a second name for one parameter: '{%.*s%s}' was called '{%.*s%s}'",
			POL_STR_ARGS(segment->text), dots, POL_STR_ARGS(was->text), was_dots);
	}
	pol_diag_note(diags, diag, was->at, "declared here");
}

enum pol_status pol_compile_child_get(struct pol_build *build, struct pol_build_node *parent,
	const struct pol_segment *segment, struct pol_build_node **out)
{
	struct pol_diags *diags = build->compiler->diags;
	struct pol_build_node *child = parent->wild;
	bool literal = segment->kind == POL_SEGMENT_LITERAL;

	if (parent->segment.kind == POL_SEGMENT_REST && parent->parent != NULL) {
		struct pol_diag *diag = pol_diag_error(diags, segment->at,
			"'{%.*s...}' is the rest of a path: nothing stands below it",
			POL_STR_ARGS(parent->segment.text));

		pol_diag_note(diags, diag, parent->segment.at, "declared here");
		*out = make_aside(build, parent, segment, POL_DAMAGE_ANY);
		return build->compiler->scratch->status;
	}
	if (parent->depth == POL_PATH_SEGMENTS) {
		pol_diag_error(diags, segment->at,
			"more than %d segments deep: no request's path is as long",
			POL_PATH_SEGMENTS);
		*out = make_aside(build, parent, segment, POL_DAMAGE_ANY);
		return build->compiler->scratch->status;
	}
	if (segment->kind == POL_SEGMENT_LOST) {
		*out = make_lost(build, parent, segment);
		return build->compiler->scratch->status;
	}
	if (literal) {
		child = find_literal(build, parent, segment->text);
	} else if (child != NULL && (child->segment.kind != segment->kind ||
					    !pol_str_equal(child->segment.text, segment->text))) {
		report_wild(diags, &child->segment, segment);
		*out = get_rival(build, parent, segment);
		return build->compiler->scratch->status;
	}
	if (child == NULL) {
		child = pol_compile_child_make(build, parent, segment);
		if (child == NULL) {
			return build->compiler->scratch->status;
		}
		if (!literal) {
			parent->wild = child;
		} else if (count_literal(build, child) != POL_OK) {
			return build->compiler->scratch->status;
		}
	}
	*out = child;
	return POL_OK;
}
