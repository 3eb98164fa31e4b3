/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile_order.h"

#include <stdio.h>

/* The room for a circle in a message. Only the beginning of a longer circle is shown; each step has
 * its own note. */
#define CIRCLE_TEXT 512

/* At most this many circles are printed whole, since each may be as long as there are statements.
 */
#define CIRCLES 40

enum mark { MARK_NEW = 0, MARK_OPEN, MARK_DONE };

/* A walk in depth. It has a stack of its own: a chain may be as long as there are statements. */
struct walk {
	const struct pol_graph *graph;
	uint8_t *marks;
	uint32_t *stack;  /* the numbers from the start of the walk to the present one */
	uint32_t *next;   /* by depth: which of the targets comes next */
	uint32_t *depths; /* by number: its index in the stack while it is open */
	uint32_t depth;
	uint32_t *order;
	uint32_t ordered;
	uint32_t circles;
};

static const struct pol_word *name_of(const struct pol_graph *graph, uint32_t number)
{
	return graph->name(graph->context, number);
}

/* Reports the circle stack[from] … stack[depth - 1], beginning with the one declared first. */
static void report_circle(const struct walk *walk, uint32_t from)
{
	const struct pol_graph *graph = walk->graph;
	const uint32_t *circle = walk->stack + from;
	uint32_t count = walk->depth - from;
	uint32_t start = 0;
	char text[CIRCLE_TEXT];
	size_t used = 0;
	const struct pol_word *first;
	struct pol_diag *diag;

	for (uint32_t i = 1; i < count; i++) {
		start = circle[i] < circle[start] ? i : start;
	}
	for (uint32_t i = 0; i < count && used < sizeof text; i++) {
		const struct pol_word *to = name_of(graph, circle[(start + i + 1) % count]);

		used += (size_t)snprintf(text + used, sizeof text - used, " %s '%.*s'", graph->verb,
			POL_STR_ARGS(to->text));
	}
	first = name_of(graph, circle[start]);
	diag = pol_diag_error(graph->diags, first->at, "a circle: %s '%.*s'%s", graph->what,
		POL_STR_ARGS(first->text), text);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t one = circle[(start + i) % count];
		uint32_t to = circle[(start + i + 1) % count];

		pol_diag_note(graph->diags, diag, graph->position(graph->context, one, to),
			"'%.*s' %s '%.*s' here", POL_STR_ARGS(name_of(graph, one)->text),
			graph->verb, POL_STR_ARGS(name_of(graph, to)->text));
	}
}

/* Reports a circle: the top of the stack names `target`, which is open. */
static void close_circle(struct walk *walk, uint32_t target)
{
	const struct pol_graph *graph = walk->graph;
	const struct pol_word *name = name_of(graph, walk->stack[walk->depth - 1]);

	if (walk->circles++ < CIRCLES) {
		report_circle(walk, walk->depths[target]);
		return;
	}
	pol_diag_error(graph->diags, name->at, "a circle: %s '%.*s' is part of what it %s",
		graph->what, POL_STR_ARGS(name->text), graph->verb);
}

static void open_number(struct walk *walk, uint32_t number)
{
	walk->marks[number] = MARK_OPEN;
	walk->depths[number] = walk->depth;
	walk->stack[walk->depth] = number;
	walk->next[walk->depth] = 0;
	walk->depth++;
}

/* Goes on to a target. */
static void visit(struct walk *walk, uint32_t *target)
{
	switch ((enum mark)walk->marks[*target]) {
	case MARK_NEW:
		open_number(walk, *target);
		break;
	case MARK_OPEN:
		close_circle(walk, *target);
		*target = POL_NONE;
		break;
	case MARK_DONE:
		break;
	}
}

static void order_from(struct walk *walk, uint32_t number)
{
	const struct pol_graph *graph = walk->graph;

	if (walk->marks[number] != MARK_NEW) {
		return;
	}
	open_number(walk, number);
	while (walk->depth > 0) {
		uint32_t top = walk->stack[walk->depth - 1];
		uint32_t *next = &walk->next[walk->depth - 1];

		if (*next < graph->target_counts[top]) {
			(*next)++;
			visit(walk, &graph->targets[top][*next - 1]);
			continue;
		}
		walk->marks[top] = MARK_DONE;
		walk->order[walk->ordered++] = top;
		walk->depth--;
	}
}

enum pol_status pol_compile_order(
	const struct pol_graph *graph, struct pol_arena *scratch, uint32_t *order)
{
	struct walk walk = { .graph = graph, .order = order };
	size_t count = graph->count;

	walk.marks = pol_arena_alloc(scratch, count, sizeof *walk.marks);
	walk.stack = pol_arena_alloc(scratch, count, sizeof *walk.stack);
	walk.next = pol_arena_alloc(scratch, count, sizeof *walk.next);
	walk.depths = pol_arena_alloc(scratch, count, sizeof *walk.depths);
	if (scratch->status != POL_OK) {
		return scratch->status;
	}
	for (uint32_t i = 0; i < count; i++) {
		order_from(&walk, i);
	}
	return POL_OK;
}
