/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "policy/compile/compile.h"

/* A circle longer than this is shown by its beginning; each step has its note all the same. */
#define CIRCLE_TEXT 512

/* Past so many circles a further one is called that, and not walked around: each may be as long as
 * there are roles. */
#define CIRCLES 40

enum mark { MARK_NEW = 0, MARK_OPEN, MARK_DONE };

/* Depth first with a stack of our own: a chain may be as long as there are roles. */
struct walk {
	struct pol_family *family;
	uint8_t *marks;
	uint32_t *stack;  /* the way from where the walk began */
	uint32_t *next;   /* which parent of it comes next */
	uint32_t *places; /* where in it an open one stands */
	uint32_t depth;
	uint32_t ordered;
	uint32_t circles;
};

static const struct pol_word *parent_word(
	const struct pol_family *family, uint32_t child, uint32_t parent)
{
	const struct pol_words *words = &family->statements[child]->parents;

	for (uint32_t i = 0; i < words->count; i++) {
		if (pol_names_find(family->names, words->items[i].text) == parent) {
			return &words->items[i];
		}
	}
	return &family->statements[child]->name;
}

/* Prints the circle stack[from] … stack[depth - 1], beginning with what was declared first. */
static void complain_circle(const struct walk *walk, uint32_t from)
{
	const struct pol_family *family = walk->family;
	struct pol_diags *diags = family->compiler->diags;
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
			family->inherit, POL_STR_ARGS(family->grantees[to].name));
	}
	diag = pol_diag_error(diags, family->statements[circle[start]]->name.at,
		"a circle: %s '%.*s'%s", family->what,
		POL_STR_ARGS(family->grantees[circle[start]].name), text);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t child = circle[(start + i) % count];
		uint32_t parent = circle[(start + i + 1) % count];

		pol_diag_note(diags, diag, parent_word(family, child, parent)->at,
			"'%.*s' %s '%.*s' here", POL_STR_ARGS(family->grantees[child].name),
			family->inherit, POL_STR_ARGS(family->grantees[parent].name));
	}
}

/* The top of the stack inherits the open `parent`. */
static void close_circle(struct walk *walk, uint32_t parent)
{
	uint32_t child = walk->stack[walk->depth - 1];
	const struct pol_family *family = walk->family;

	if (walk->circles++ < CIRCLES) {
		complain_circle(walk, walk->places[parent]);
		return;
	}
	pol_diag_error(family->compiler->diags, family->statements[child]->name.at,
		"a circle: %s '%.*s' is inherited by what it %s", family->what,
		POL_STR_ARGS(family->grantees[child].name), family->inherit);
}

static void open_grantee(struct walk *walk, uint32_t number)
{
	walk->marks[number] = MARK_OPEN;
	walk->places[number] = walk->depth;
	walk->stack[walk->depth] = number;
	walk->next[walk->depth] = 0;
	walk->depth++;
}

/* A parent that is still open closes a circle; it is left out, so that what follows is sound. */
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
	struct pol_family *family = walk->family;

	if (walk->marks[number] != MARK_NEW) {
		return;
	}
	open_grantee(walk, number);
	while (walk->depth > 0) {
		uint32_t top = walk->stack[walk->depth - 1];
		uint32_t *next = &walk->next[walk->depth - 1];

		if (*next < family->parent_counts[top]) {
			(*next)++;
			visit_parent(walk, &family->parents[top][*next - 1]);
			continue;
		}
		walk->marks[top] = MARK_DONE;
		family->order[walk->ordered++] = top;
		walk->depth--;
	}
}

/* The numbers of a statement's parents; those that are not there are complained of. seen[p] is mark
 * when p is one already. Returns how many are good. */
static uint32_t find_parents(struct pol_family *family, const struct pol_words *words,
	uint32_t *parents, uint32_t *seen, uint32_t mark)
{
	struct pol_compiler *compiler = family->compiler;
	bool roles = family->names == &compiler->snapshot->role_names;
	uint32_t count = 0;

	for (uint32_t i = 0; i < words->count; i++) {
		const struct pol_word *word = &words->items[i];
		uint32_t parent = pol_names_find(family->names, word->text);
		bool twice = parent != POL_NONE && seen[parent] == mark;

		if (parent == POL_NONE) {
			pol_compile_unknown(compiler, family->what, word, family->names);
		} else if (roles && pol_str_equal(word->text, POL_STR("anyone"))) {
			pol_diag_error(compiler->diags, word->at,
				"role 'anyone' is held by every caller and never inherited");
		} else if (twice) {
			pol_diag_error(compiler->diags, word->at, "%s '%.*s' twice in one list",
				family->what, POL_STR_ARGS(word->text));
		} else {
			parents[count++] = parent;
			seen[parent] = mark;
		}
	}
	return count;
}

/* Those of all statements; the ones without a number are looked at for their mistakes. */
static enum pol_status find_all_parents(struct pol_family *family, uint32_t *seen)
{
	struct pol_arena *scratch = family->compiler->scratch;

	for (uint32_t i = 0; i < family->count + family->aside_count; i++) {
		bool aside = i >= family->count;
		const struct pol_words *words = aside ? &family->aside[i - family->count]->parents
						      : &family->statements[i]->parents;
		uint32_t *parents = pol_arena_alloc(scratch, words->count, sizeof *parents);
		uint32_t count;

		if (parents == NULL) {
			return scratch->status;
		}
		count = find_parents(family, words, parents, seen, i + 1);
		if (!aside) {
			family->parents[i] = parents;
			family->parent_counts[i] = count;
			family->doubtful[i] = family->doubtful[i] || count < words->count;
		}
	}
	return POL_OK;
}

static enum pol_status join_parents(struct pol_family *family, uint32_t number)
{
	struct pol_grantee *grantee = &family->grantees[number];
	struct pol_permset_pool *pool = family->compiler->pool;
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < family->parent_counts[number]; i++) {
		uint32_t parent = family->parents[number][i];

		if (parent == POL_NONE) {
			family->doubtful[number] = true;
			continue;
		}
		family->doubtful[number] = family->doubtful[number] || family->doubtful[parent];
		status = pol_permset_union(
			pool, &grantee->allow, &family->grantees[parent].allow, &grantee->allow);
		if (status == POL_OK) {
			status = pol_permset_union(pool, &grantee->deny,
				&family->grantees[parent].deny, &grantee->deny);
		}
	}
	return status;
}

enum pol_status pol_compile_inherit(struct pol_family *family)
{
	struct pol_arena *scratch = family->compiler->scratch;
	struct walk walk = { .family = family };
	size_t count = family->count;
	uint32_t *seen;
	enum pol_status status;

	family->parents = pol_arena_alloc(scratch, count, sizeof *family->parents);
	family->parent_counts = pol_arena_alloc(scratch, count, sizeof *family->parent_counts);
	family->order = pol_arena_alloc(scratch, count, sizeof *family->order);
	walk.marks = pol_arena_alloc(scratch, count, sizeof *walk.marks);
	walk.stack = pol_arena_alloc(scratch, count, sizeof *walk.stack);
	walk.next = pol_arena_alloc(scratch, count, sizeof *walk.next);
	walk.places = pol_arena_alloc(scratch, count, sizeof *walk.places);
	seen = pol_arena_alloc(scratch, count, sizeof *seen);
	if (scratch->status != POL_OK) {
		return scratch->status;
	}
	status = find_all_parents(family, seen);
	for (uint32_t i = 0; status == POL_OK && i < count; i++) {
		order_from(&walk, i);
	}
	for (uint32_t i = 0; status == POL_OK && i < count; i++) {
		status = join_parents(family, family->order[i]);
	}
	return status;
}
