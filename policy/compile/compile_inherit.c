/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "policy/compile/compile.h"
#include "policy/snapshot/conditional.h"

/* The room for a circle in a message. Of a longer circle the beginning is shown; each step has its
 * own note. */
#define CIRCLE_TEXT 512

/* At most this many circles are printed whole, since each may be as long as there are roles. */
#define CIRCLES 40

enum mark { MARK_NEW = 0, MARK_OPEN, MARK_DONE };

/* A walk in depth. It has a stack of its own: a chain may be as long as there are roles. */
struct walk {
	struct pol_grantee_kind *kind;
	uint8_t *marks;
	uint32_t *stack;  /* the roles from the start of the walk to the present one */
	uint32_t *next;   /* by depth: which of the role's parents comes next */
	uint32_t *depths; /* by role: its index in the stack while it is open */
	uint32_t depth;
	uint32_t ordered;
	uint32_t circles;
};

static const struct pol_word *parent_word(
	const struct pol_grantee_kind *kind, uint32_t child, uint32_t parent)
{
	const struct pol_words *words = &kind->statements[child]->parents;

	for (uint32_t i = 0; i < words->count; i++) {
		if (pol_names_find(kind->names, words->items[i].text) == parent) {
			return &words->items[i];
		}
	}
	return &kind->statements[child]->name;
}

/* Reports the circle stack[from] … stack[depth - 1], beginning with the role declared first. */
static void report_circle(const struct walk *walk, uint32_t from)
{
	const struct pol_grantee_kind *kind = walk->kind;
	struct pol_diags *diags = kind->compiler->diags;
	const uint32_t *circle = walk->stack + from;
	uint32_t count = walk->depth - from;
	uint32_t start = 0;
	char text[CIRCLE_TEXT];
	size_t used = 0;
	struct pol_diag *diag;

	for (uint32_t i = 1; i < count; i++) {
		start = circle[i] < circle[start] ? i : start;
	}
	for (uint32_t i = 0; i < count && used < sizeof text; i++) {
		uint32_t to = circle[(start + i + 1) % count];

		used += (size_t)snprintf(text + used, sizeof text - used, " %s '%.*s'",
			kind->inherit, POL_STR_ARGS(kind->grantees[to].name));
	}
	diag = pol_diag_error(diags, kind->statements[circle[start]]->name.at,
		"a circle: %s '%.*s'%s", kind->what,
		POL_STR_ARGS(kind->grantees[circle[start]].name), text);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t child = circle[(start + i) % count];
		uint32_t parent = circle[(start + i + 1) % count];

		pol_diag_note(diags, diag, parent_word(kind, child, parent)->at,
			"'%.*s' %s '%.*s' here", POL_STR_ARGS(kind->grantees[child].name),
			kind->inherit, POL_STR_ARGS(kind->grantees[parent].name));
	}
}

/* Reports a circle: the top of the stack inherits `parent`, which is open. */
static void close_circle(struct walk *walk, uint32_t parent)
{
	uint32_t child = walk->stack[walk->depth - 1];
	const struct pol_grantee_kind *kind = walk->kind;

	if (walk->circles++ < CIRCLES) {
		report_circle(walk, walk->depths[parent]);
		return;
	}
	pol_diag_error(kind->compiler->diags, kind->statements[child]->name.at,
		"a circle: %s '%.*s' is inherited by what it %s", kind->what,
		POL_STR_ARGS(kind->grantees[child].name), kind->inherit);
}

static void open_grantee(struct walk *walk, uint32_t number)
{
	walk->marks[number] = MARK_OPEN;
	walk->depths[number] = walk->depth;
	walk->stack[walk->depth] = number;
	walk->next[walk->depth] = 0;
	walk->depth++;
}

/* Goes on to a parent. One that is still open closes a circle and becomes POL_NONE, so that what
 * remains has no circle. */
static void visit_parent(struct walk *walk, uint32_t *parent)
{
	switch ((enum mark)walk->marks[*parent]) {
	case MARK_NEW:
		open_grantee(walk, *parent);
		break;
	case MARK_OPEN:
		close_circle(walk, *parent);
		*parent = POL_NONE;
		break;
	case MARK_DONE:
		break;
	}
}

static void order_from(struct walk *walk, uint32_t number)
{
	struct pol_grantee_kind *kind = walk->kind;

	if (walk->marks[number] != MARK_NEW) {
		return;
	}
	open_grantee(walk, number);
	while (walk->depth > 0) {
		uint32_t top = walk->stack[walk->depth - 1];
		uint32_t *next = &walk->next[walk->depth - 1];

		if (*next < kind->parent_counts[top]) {
			(*next)++;
			visit_parent(walk, &kind->parents[top][*next - 1]);
			continue;
		}
		walk->marks[top] = MARK_DONE;
		kind->order[walk->ordered++] = top;
		walk->depth--;
	}
}

/* Resolves the parents of a statement and reports those that cannot be inherited. seen[p] is `mark`
 * when p was named already. Returns how many are left. */
static uint32_t find_parents(struct pol_grantee_kind *kind, const struct pol_words *words,
	uint32_t *parents, uint32_t *seen, uint32_t mark)
{
	struct pol_compiler *compiler = kind->compiler;
	bool roles = kind->names == &compiler->snapshot->role_names;
	uint32_t count = 0;

	for (uint32_t i = 0; i < words->count; i++) {
		const struct pol_word *word = &words->items[i];
		uint32_t parent = pol_names_find(kind->names, word->text);
		bool twice = parent != POL_NONE && seen[parent] == mark;

		if (parent == POL_NONE) {
			pol_compile_unknown(compiler, kind->what, word, kind->names);
		} else if (roles && pol_str_equal(word->text, POL_STR("anyone"))) {
			pol_diag_error(compiler->diags, word->at,
				"role 'anyone' is held by every caller and never inherited");
		} else if (twice) {
			pol_diag_error(compiler->diags, word->at, "%s '%.*s' twice in one list",
				kind->what, POL_STR_ARGS(word->text));
		} else {
			parents[count++] = parent;
			seen[parent] = mark;
		}
	}
	return count;
}

/* Resolves the parents of all statements. Those of statements without a number are only checked. */
static enum pol_status find_all_parents(struct pol_grantee_kind *kind, uint32_t *seen)
{
	struct pol_arena *scratch = kind->compiler->scratch;

	for (uint32_t i = 0; i < kind->count + kind->aside_count; i++) {
		bool aside = i >= kind->count;
		const struct pol_words *words = aside ? &kind->aside[i - kind->count]->parents
						      : &kind->statements[i]->parents;
		uint32_t *parents = pol_arena_alloc(scratch, words->count, sizeof *parents);
		uint32_t count;

		if (parents == NULL) {
			return scratch->status;
		}
		count = find_parents(kind, words, parents, seen, i + 1);
		if (!aside) {
			kind->parents[i] = parents;
			kind->parent_counts[i] = count;
			kind->doubtful[i] = kind->doubtful[i] || count < words->count;
		}
	}
	return POL_OK;
}

static enum pol_status join_parents(struct pol_grantee_kind *kind, uint32_t number)
{
	struct pol_grantee *grantee = &kind->grantees[number];
	struct pol_permset_pool *pool = kind->compiler->pool;
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < kind->parent_counts[number]; i++) {
		uint32_t parent = kind->parents[number][i];

		if (parent == POL_NONE) {
			kind->doubtful[number] = true;
			continue;
		}
		kind->doubtful[number] = kind->doubtful[number] || kind->doubtful[parent];
		status = pol_permset_pool_union(
			pool, &grantee->allow, &kind->grantees[parent].allow, &grantee->allow);
		if (status == POL_OK) {
			status = pol_permset_pool_union(
				pool, &grantee->deny, &kind->grantees[parent].deny, &grantee->deny);
		}
		if (status == POL_OK) {
			const struct pol_grantee *from = &kind->grantees[parent];
			struct pol_conditionals inherited = { from->conditionals,
				from->conditional_count, &from->sometimes };

			status = pol_conditional_join(
				pool, &kind->compiler->snapshot->arena, grantee, &inherited);
		}
	}
	return status;
}

enum pol_status pol_compile_inherit(struct pol_grantee_kind *kind)
{
	struct pol_arena *scratch = kind->compiler->scratch;
	struct walk walk = { .kind = kind };
	size_t count = kind->count;
	uint32_t *seen;
	enum pol_status status;

	kind->parents = pol_arena_alloc(scratch, count, sizeof *kind->parents);
	kind->parent_counts = pol_arena_alloc(scratch, count, sizeof *kind->parent_counts);
	kind->order = pol_arena_alloc(scratch, count, sizeof *kind->order);
	walk.marks = pol_arena_alloc(scratch, count, sizeof *walk.marks);
	walk.stack = pol_arena_alloc(scratch, count, sizeof *walk.stack);
	walk.next = pol_arena_alloc(scratch, count, sizeof *walk.next);
	walk.depths = pol_arena_alloc(scratch, count, sizeof *walk.depths);
	seen = pol_arena_alloc(scratch, count, sizeof *seen);
	if (scratch->status != POL_OK) {
		return scratch->status;
	}
	status = find_all_parents(kind, seen);
	for (uint32_t i = 0; status == POL_OK && i < count; i++) {
		order_from(&walk, i);
	}
	for (uint32_t i = 0; status == POL_OK && i < count; i++) {
		status = join_parents(kind, kind->order[i]);
	}
	return status;
}
