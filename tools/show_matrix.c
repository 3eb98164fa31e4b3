/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/show_matrix.h"

#include <stdio.h>
#include <string.h>

bool show_matrix_is(const struct pol_show_holder *a, const struct pol_show_holder *b)
{
	return b != NULL && a->scope == b->scope && a->number == b->number;
}

static bool on_count(void *context, const struct pol_shown *shown)
{
	size_t *count = context;

	*count += shown->action_count;
	return true;
}

enum pol_status show_matrix_count(
	const struct pol_snapshot *snapshot, struct pol_str tree, size_t *out)
{
	*out = 0;
	return pol_show(snapshot, tree, NULL, on_count, out);
}

bool show_matrix_fits(const struct pol_snapshot *snapshot, size_t actions)
{
	size_t all = pol_snapshot_role_count(snapshot) + pol_snapshot_scope_count(snapshot);

	return all == 0 || actions <= SHOW_MATRIX_MARKS / all;
}

bool show_matrix_begin(struct show_matrix *matrix, struct app *app,
	const struct pol_snapshot *snapshot, const struct pol_show_holder *one)
{
	size_t roles = pol_snapshot_role_count(snapshot);
	size_t scopes = pol_snapshot_scope_count(snapshot);

	*matrix = (struct show_matrix){ .app = app,
		.snapshot = snapshot,
		.holders = pol_arena_alloc(&app->arena, roles + scopes, sizeof *matrix->holders),
		.marks = pol_arena_alloc(&app->arena, roles + scopes, 1),
		.conditions = json_array(),
		.condition_numbers = json_object() };
	if (matrix->holders == NULL || matrix->marks == NULL) {
		return false;
	}
	for (size_t i = 0; i < roles + scopes; i++) {
		struct pol_show_holder holder = { .scope = i >= roles,
			.number = (uint32_t)(i < roles ? i : i - roles) };

		if (one == NULL || show_matrix_is(&holder, one)) {
			matrix->holders[matrix->holder_count++] = holder;
		}
	}
	return true;
}

void show_matrix_finish(struct show_matrix *matrix)
{
	json_decref(matrix->conditions);
	json_decref(matrix->condition_numbers);
	*matrix = (struct show_matrix){ .app = NULL };
}

struct pol_str show_matrix_name(const struct show_matrix *matrix, size_t i)
{
	const struct pol_show_holder *holder = &matrix->holders[i];

	return (holder->scope ? pol_snapshot_scope_name : pol_snapshot_role_name)(
		matrix->snapshot, holder->number);
}

struct pol_str show_matrix_description(const struct show_matrix *matrix, size_t i)
{
	const struct pol_show_holder *holder = &matrix->holders[i];

	return (holder->scope ? pol_snapshot_scope_description : pol_snapshot_role_description)(
		matrix->snapshot, holder->number);
}

static char mark_of(const struct pol_show_marks *marks)
{
	if (marks->denied) {
		return marks->sometimes ? '!' : marks->partly ? 'x' : '-';
	}
	return marks->sometimes ? '?' : marks->allowed ? '+' : marks->partly ? '~' : '.';
}

/* The number of a condition's text, among those that were met. */
static json_t *condition_number(struct show_matrix *matrix, const char *when)
{
	json_t *number = json_object_get(matrix->condition_numbers, when);

	if (number == NULL) {
		number = json_integer((json_int_t)json_array_size(matrix->conditions));
		app_append(matrix->app, matrix->conditions, document_text(when));
		json_object_set_new(matrix->condition_numbers, when, number);
	}
	return number;
}

/* Marks as runs, in place. Returns the length, which is never more. */
static size_t make_runs(char *marks, size_t count)
{
	size_t used = 0;

	for (size_t i = 0, next; i < count; i = next) {
		char number[24];
		int digits = 0;

		for (next = i + 1; next < count && marks[next] == marks[i]; next++) {
		}
		if (next > i + 1) {
			digits = snprintf(number, sizeof number, "%zu", next - i);
		}
		marks[used++] = marks[i];
		memcpy(marks + used, number, (size_t)digits);
		used += (size_t)digits;
	}
	return used;
}

struct pol_str show_matrix_marks(
	struct show_matrix *matrix, uint32_t action, json_t **out_conditions)
{
	json_t *conditions = NULL;
	char when[POL_WHEN_TEXT], key[24];

	for (size_t i = 0; i < matrix->holder_count; i++) {
		struct pol_show_marks marks =
			pol_show_mark(matrix->snapshot, &matrix->holders[i], action, when);

		matrix->marks[i] = mark_of(&marks);
		if (when[0] != '\0') {
			conditions = conditions != NULL ? conditions : json_object();
			snprintf(key, sizeof key, "%zu", i);
			json_object_set(conditions, key, condition_number(matrix, when));
		}
	}
	*out_conditions = conditions;
	return (struct pol_str){ matrix->marks, make_runs(matrix->marks, matrix->holder_count) };
}
