/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/decide/registry.h"
#include "policy/decide/stack.h"

/*
 * A stack is compared line by line after inclusion, so that a line that moves to an included stack
 * changes nothing. Arguments have no order, and of a module that is built in their values have none
 * either. A fragment is not compared, since no request names it; `authz` is.
 */

/* One line, ready to be compared. */
struct line {
	struct pol_str text; /* "account required network allow=10.0.0.0/8" */
	uint32_t end;        /* where its substack ends: a line of the group; 0: it is in none */
};

struct lines {
	struct line *items;
	uint32_t count;
};

static int compare_texts(const void *left, const void *right)
{
	return pol_str_compare(*(const struct pol_str *)left, *(const struct pol_str *)right);
}

/* "allow=b,a" as "allow=a,b". */
static struct pol_str sort_values(struct pol_compare *compare, struct pol_str argument)
{
	const char *equals = memchr(argument.ptr, '=', argument.len);
	size_t head = equals != NULL ? (size_t)(equals - argument.ptr) + 1 : 0;
	struct pol_str rest = { argument.ptr + head, argument.len - head };
	struct pol_str out = { argument.ptr, head };
	struct pol_str *values;
	size_t count = 1, at = 0;

	for (size_t i = 0; i < rest.len; i++) {
		count += rest.ptr[i] == ',';
	}
	values = count > 1 ? pol_arena_alloc(&compare->present, count, sizeof *values) : NULL;
	if (values == NULL) {
		return argument;
	}
	for (size_t i = 0; i < count; i++) {
		const char *comma = memchr(rest.ptr + at, ',', rest.len - at);
		size_t len = comma != NULL ? (size_t)(comma - rest.ptr) - at : rest.len - at;

		values[i] = (struct pol_str){ rest.ptr + at, len };
		at += len + 1;
	}
	qsort(values, count, sizeof *values, compare_texts);
	for (size_t i = 0; i < count; i++) {
		out = pol_compare_text(compare, "%.*s%s%.*s", POL_STR_ARGS(out), i > 0 ? "," : "",
			POL_STR_ARGS(values[i]));
	}
	return out;
}

static struct pol_str line_text(
	struct pol_compare *compare, enum pol_group group, const struct pol_stack_line *line)
{
	const struct pol_written_line *written = line->written;
	uint32_t count = written != NULL ? written->argument_count : 0;
	struct pol_str name = pol_str_of(line->module->name);
	bool built_in = pol_registry_find(name) == line->module;
	struct pol_str *arguments = pol_arena_alloc(&compare->present, count, sizeof *arguments);
	struct pol_str text = pol_compare_text(compare, "%s %s %.*s", pol_terms_group(group),
		pol_terms_control(line->control), POL_STR_ARGS(name));

	for (uint32_t i = 0; arguments != NULL && i < count; i++) {
		arguments[i] = built_in ? sort_values(compare, written->arguments[i])
					: written->arguments[i];
	}
	if (arguments != NULL && count > 1) {
		qsort(arguments, count, sizeof *arguments, compare_texts);
	}
	for (uint32_t i = 0; arguments != NULL && i < count; i++) {
		text = pol_compare_text(
			compare, "%.*s %.*s", POL_STR_ARGS(text), POL_STR_ARGS(arguments[i]));
	}
	return text;
}

/* The lines of a group; none of a stack that is NULL. */
static enum pol_status list_lines(struct pol_compare *compare, const struct pol_stack *stack,
	enum pol_group group, struct lines *out)
{
	const struct pol_stack_group *from = stack != NULL ? &stack->groups[group] : NULL;

	*out = (struct lines){ .count = from != NULL ? from->count : 0 };
	out->items = pol_arena_alloc(&compare->present, out->count, sizeof *out->items);
	for (uint32_t i = 0; out->items != NULL && i < out->count; i++) {
		out->items[i].text = line_text(compare, group, &from->lines[i]);
		out->items[i].end = from->lines[i].skip > 0 ? i + from->lines[i].skip : 0;
	}
	return compare->present.status;
}

static void add_line(struct pol_compare *compare, enum pol_change_kind kind, struct pol_str text,
	struct pol_changes *out)
{
	struct pol_change *change = pol_changes_add(compare, out, kind);

	if (change != NULL) {
		change->what = text;
		change->effect = POL_CHANGE_GAIN | POL_CHANGE_LOSS;
	}
}

/* Do both groups have the same lines, and do their substacks end at the same ones? */
static bool has_equal_ends(const struct lines *before, const struct lines *after)
{
	for (uint32_t i = 0; i < before->count; i++) {
		if (before->items[i].end != after->items[i].end) {
			return false;
		}
	}
	return true;
}

/* Adds the lines that are not in the longest common subsequence (Wagner and Fischer, 1974). The
 * first `skip` lines are equal. */
static enum pol_status add_differing(struct pol_compare *compare, const struct lines *before,
	const struct lines *after, uint32_t skip, struct pol_changes *out)
{
	uint32_t rows = before->count - skip, columns = after->count - skip;
	size_t width = (size_t)columns + 1;
	/* length[i * width + k]: of the lines from before[i] and after[k] on. */
	uint16_t *length = calloc(((size_t)rows + 1) * width, sizeof *length);
	const struct line *a = before->items + skip, *b = after->items + skip;
	uint32_t i = 0, k = 0;

	if (length == NULL) {
		return POL_ENOMEM;
	}
	for (uint32_t r = rows; r-- > 0;) {
		for (uint32_t c = columns; c-- > 0;) {
			uint16_t down = length[(r + 1) * width + c];
			uint16_t right = length[r * width + c + 1];

			length[r * width + c] =
				pol_str_equal(a[r].text, b[c].text)
					? (uint16_t)(length[(r + 1) * width + c + 1] + 1)
					: (down > right ? down : right);
		}
	}
	while (i < rows || k < columns) {
		if (i < rows && k < columns && pol_str_equal(a[i].text, b[k].text)) {
			i++;
			k++;
		} else if (i < rows && (k == columns || length[(i + 1) * width + k] >=
								length[i * width + k + 1])) {
			add_line(compare, POL_CHANGE_REMOVED, a[i++].text, out);
		} else {
			add_line(compare, POL_CHANGE_ADDED, b[k++].text, out);
		}
	}
	free(length);
	return compare->present.status;
}

static enum pol_status compare_group(struct pol_compare *compare, enum pol_group group,
	const struct pol_stack *const stacks[POL_SIDES], struct pol_changes *out)
{
	struct lines lines[POL_SIDES];
	uint32_t skip = 0;
	enum pol_status status = list_lines(compare, stacks[0], group, &lines[0]);

	if (status == POL_OK) {
		status = list_lines(compare, stacks[1], group, &lines[1]);
	}
	if (status != POL_OK) {
		return status;
	}
	while (skip < lines[0].count && skip < lines[1].count &&
		pol_str_equal(lines[0].items[skip].text, lines[1].items[skip].text)) {
		skip++;
	}
	if (skip < lines[0].count || skip < lines[1].count) {
		return add_differing(compare, &lines[0], &lines[1], skip, out);
	}
	if (!has_equal_ends(&lines[0], &lines[1])) {
		struct pol_change *change = pol_changes_add(compare, out, POL_CHANGE_ALTERED);

		if (change != NULL) {
			change->what =
				pol_compare_text(compare, "%s lines", pol_terms_group(group));
			change->before = POL_STR("other substacks");
			change->after = POL_STR("the same lines");
			change->effect = POL_CHANGE_GAIN | POL_CHANGE_LOSS;
		}
	}
	return compare->present.status;
}

/* The stack of that name, if a request may name it. */
static const struct pol_stack *find_stack(const struct pol_snapshot *snapshot, struct pol_str name)
{
	const struct pol_stack *stack = pol_stack_find(snapshot, name);

	return stack != NULL && (!stack->fragment || pol_str_equal(name, POL_STR("authz"))) ? stack
											    : NULL;
}

static enum pol_status compare_stack(struct pol_compare *compare, struct pol_str name,
	const struct pol_stack *const stacks[POL_SIDES], pol_compare_visit visit, void *context)
{
	struct pol_changes changes = { 0 };
	struct pol_difference difference = {
		.kind = POL_COMPARED_STACK,
		.name = name,
		.presence = stacks[0] == NULL   ? POL_IN_AFTER
			    : stacks[1] == NULL ? POL_IN_BEFORE
						: POL_IN_BOTH,
	};
	enum pol_status status = POL_OK;

	pol_compare_next(compare);
	for (int group = 0; status == POL_OK && group < POL_GROUP_COUNT; group++) {
		status = compare_group(compare, (enum pol_group)group, stacks, &changes);
	}
	difference.changes = changes.items;
	difference.count = changes.count;
	if (status == POL_OK && (changes.count > 0 || difference.presence != POL_IN_BOTH)) {
		visit(context, &difference);
	}
	return status;
}

enum pol_status pol_compare_stacks(
	struct pol_compare *compare, pol_compare_visit visit, void *context)
{
	const struct pol_snapshot *before = compare->sides[POL_SIDE_BEFORE];
	const struct pol_snapshot *after = compare->sides[POL_SIDE_AFTER];
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < after->stack_count + before->stack_count;
		i++) {
		bool second = i >= after->stack_count;
		struct pol_str name = second ? before->stacks[i - after->stack_count].name
					     : after->stacks[i].name;
		const struct pol_stack *stacks[POL_SIDES] = { find_stack(before, name),
			find_stack(after, name) };

		if ((stacks[0] == NULL && stacks[1] == NULL) ||
			(second && pol_stack_find(after, name) != NULL)) {
			continue;
		}
		status = compare_stack(compare, name, stacks, visit, context);
	}
	return status;
}
