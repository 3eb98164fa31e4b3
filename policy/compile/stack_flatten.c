/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/stack_draft.h"

#include <stdio.h>

/* The room for a circle in a message, and the most notes for it. Only the beginning of a longer
 * circle is shown. */
#define CIRCLE_TEXT  1024
#define CIRCLE_NOTES 256

/*
 * Every group of every stack becomes flat after the groups that it includes: a walk in depth. It
 * keeps its way back in the drafts and does not recurse, since a chain of inclusions may be as long
 * as there are stacks.
 */

/* Reports the circle from `from`, which is on the walk, to `end`, which includes `from` again. A
 * stack is reported in one circle: when that is mended, others are found. */
static enum pol_status report_circle(
	struct pol_stack_compiler *compiler, uint32_t from, uint32_t end, enum pol_group group)
{
	struct pol_draft *drafts = compiler->drafts;
	uint32_t length = 1;
	uint32_t *circle;
	char text[CIRCLE_TEXT];
	size_t used = 0;
	struct pol_diag *diag;

	if (drafts[from].circular) {
		return POL_OK;
	}
	for (uint32_t at = end; at != from; at = drafts[at].groups[group].parent) {
		length++;
	}
	circle = pol_arena_alloc(&compiler->snapshot->arena, length, sizeof *circle);
	if (circle == NULL) {
		return compiler->snapshot->arena.status;
	}
	for (uint32_t i = length, at = end; i > 0; at = drafts[at].groups[group].parent) {
		circle[--i] = at;
	}
	for (uint32_t i = 0; i < length && used < sizeof text; i++) {
		struct pol_str next = drafts[circle[(i + 1) % length]].ast->name.text;

		used += (size_t)snprintf(
			text + used, sizeof text - used, " includes '%.*s'", POL_STR_ARGS(next));
	}
	diag = pol_diag_error(compiler->diags, drafts[from].ast->name.at,
		"a circle: stack '%.*s'%s", POL_STR_ARGS(drafts[from].ast->name.text), text);
	for (uint32_t i = 0; i < length; i++) {
		struct pol_draft *draft = &drafts[circle[i]];
		struct pol_word name = draft->lines[draft->groups[group].next].ast->module;

		draft->circular = true;
		if (i >= CIRCLE_NOTES) {
			continue;
		}
		pol_diag_note(compiler->diags, diag, name.at, "'%.*s' includes '%.*s' here",
			POL_STR_ARGS(draft->ast->name.text), POL_STR_ARGS(name.text));
	}
	return POL_OK;
}

void pol_stack_flatten_too_long(struct pol_stack_compiler *compiler, struct pol_draft *draft)
{
	if (draft->too_long) {
		return;
	}
	draft->too_long = true;
	pol_diag_error(compiler->diags, draft->ast->name.at,
		"stack '%.*s' has more than %d lines after inclusion",
		POL_STR_ARGS(draft->ast->name.text), POL_STACK_LINES);
}

/* May lines be missing among those that this one stands for? */
static bool is_doubtful(
	const struct pol_stack_compiler *compiler, const struct pol_draft_line *line)
{
	const struct pol_draft_group *target;

	if (!pol_draft_includes(line->ast)) {
		return line->module == NULL;
	}
	if (line->target == POL_NONE) {
		return true;
	}
	target = &compiler->drafts[line->target].groups[line->ast->group];
	return target->progress != POL_DRAFT_DONE || target->doubtful;
}

/* How many flat lines a written line becomes. */
static uint32_t flat_count(
	const struct pol_stack_compiler *compiler, const struct pol_draft_line *line)
{
	if (!pol_draft_includes(line->ast)) {
		return line->module != NULL;
	}
	return line->target == POL_NONE
		       ? 0
		       : compiler->drafts[line->target].groups[line->ast->group].flat.count;
}

static void copy_flat(const struct pol_stack_compiler *compiler, const struct pol_draft_line *line,
	struct pol_stack_line *out)
{
	const struct pol_stack_group *flat;

	if (!pol_draft_includes(line->ast)) {
		*out = (struct pol_stack_line){ .module = line->module,
			.state = line->state,
			.control = line->ast->control,
			.written = line->written };
		return;
	}
	flat = &compiler->drafts[line->target].groups[line->ast->group].flat;
	for (uint32_t i = 0; i < flat->count; i++) {
		out[i] = flat->lines[i];
		if (line->ast->control == POL_CONTROL_SUBSTACK && out[i].skip == 0) {
			out[i].skip = flat->count - i;
		}
	}
}

/* Flattens a group whose inclusions are all flat. */
static enum pol_status flatten(
	struct pol_stack_compiler *compiler, uint32_t number, enum pol_group group)
{
	struct pol_draft *draft = &compiler->drafts[number];
	struct pol_stack_line *lines;
	uint32_t total = 0;
	uint32_t used = 0;

	draft->groups[group].doubtful = draft->ast->incomplete;
	for (uint32_t i = 0; i < draft->ast->line_count; i++) {
		if (draft->lines[i].ast->group == group) {
			draft->groups[group].doubtful = draft->groups[group].doubtful ||
							is_doubtful(compiler, &draft->lines[i]);
			total += flat_count(compiler, &draft->lines[i]);
		}
		if (total > POL_STACK_LINES) {
			pol_stack_flatten_too_long(compiler, draft);
			return POL_OK;
		}
	}
	lines = pol_arena_alloc(&compiler->snapshot->arena, total, sizeof *lines);
	if (lines == NULL) {
		return compiler->snapshot->arena.status;
	}
	for (uint32_t i = 0; i < draft->ast->line_count; i++) {
		uint32_t count = flat_count(compiler, &draft->lines[i]);

		if (draft->lines[i].ast->group == group && count > 0) {
			copy_flat(compiler, &draft->lines[i], lines + used);
			used += count;
		}
	}
	draft->groups[group].flat = (struct pol_stack_group){ lines, total };
	return POL_OK;
}

/* Finds the next stack for the walk: one that `at` includes and that is not flat yet, or POL_NONE.
 */
static enum pol_status next_inclusion(
	struct pol_stack_compiler *compiler, uint32_t at, enum pol_group group, uint32_t *out)
{
	struct pol_draft *draft = &compiler->drafts[at];
	struct pol_draft_group *here = &draft->groups[group];
	enum pol_status status = POL_OK;

	*out = POL_NONE;
	for (; status == POL_OK && here->next < draft->ast->line_count; here->next++) {
		const struct pol_draft_line *line = &draft->lines[here->next];

		if (line->ast->group != group || line->target == POL_NONE) {
			continue;
		}
		switch (compiler->drafts[line->target].groups[group].progress) {
		case POL_DRAFT_UNSEEN:
			*out = line->target;
			return POL_OK;
		case POL_DRAFT_BEGUN:
			status = report_circle(compiler, line->target, at, group);
			break;
		case POL_DRAFT_DONE:
			break;
		}
	}
	return status;
}

enum pol_status pol_stack_flatten(
	struct pol_stack_compiler *compiler, uint32_t start, enum pol_group group)
{
	uint32_t at = start;

	if (compiler->drafts[at].groups[group].progress != POL_DRAFT_UNSEEN) {
		return POL_OK;
	}
	compiler->drafts[at].groups[group].parent = POL_NONE;
	while (at != POL_NONE) {
		struct pol_draft_group *here = &compiler->drafts[at].groups[group];
		uint32_t below;
		enum pol_status status;

		here->progress = POL_DRAFT_BEGUN;
		status = next_inclusion(compiler, at, group, &below);
		if (status != POL_OK) {
			return status;
		}
		if (below != POL_NONE) {
			compiler->drafts[below].groups[group].parent = at;
			at = below;
			continue;
		}
		status = flatten(compiler, at, group);
		if (status != POL_OK) {
			return status;
		}
		here->progress = POL_DRAFT_DONE;
		at = here->parent;
	}
	return POL_OK;
}
