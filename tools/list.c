/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/list.h"

#include <stdio.h>
#include <string.h>

#include "tools/pager.h"
#include "tools/table.h"

struct run {
	struct app *app;
	const struct list *list;
	const char *word; /* the parameter that the first word is; NULL: there is none */
	/* The columns that are asked for. */
	const struct record_field *columns[TABLE_MAX_COLUMNS];
	size_t columns_count;
	struct table table;
	json_t *before; /* with --json: the members before the array, and its name */
	const char *array;
	bool blank; /* a blank line before the first row */
	bool full;  /* memory ran out */
	size_t count;
};

static bool on_json(void *context, struct wire_cursor item)
{
	struct run *run = context;

	run->count++;
	app_item(run->app, document_wire(item));
	return true;
}

static enum colour colour_of(struct wire_cursor item, enum record_kind kind)
{
	struct pol_str status = record_str(item, "status");
	struct pol_str state = record_str(item, "state"); /* of a host */

	if (kind == RECORD_FINDINGS) {
		return COLOUR_YELLOW;
	}
	if (kind == RECORD_STATUS && status.len == 0 && state.len > 0) {
		return pol_str_equal(state, POL_STR("live"))   ? COLOUR_GREEN
		       : pol_str_equal(state, POL_STR("late")) ? COLOUR_YELLOW
							       : COLOUR_RED;
	}
	if (kind != RECORD_STATUS || status.len == 0) {
		return COLOUR_NONE;
	}
	return pol_str_equal(status, POL_STR("active"))    ? COLOUR_GREEN
	       : pol_str_equal(status, POL_STR("expired")) ? COLOUR_YELLOW
							   : COLOUR_RED;
}

static bool on_row(void *context, struct wire_cursor item)
{
	struct run *run = context;
	struct table_cell cells[TABLE_MAX_COLUMNS] = { 0 };

	run->count++;
	for (size_t i = 0; i < run->columns_count; i++) {
		const struct record_field *column = run->columns[i];

		cells[i].text = record_field_text(run->app, table_arena(&run->table), item, column);
		cells[i].colour = colour_of(item, column->kind);
	}
	run->full = !table_add(&run->table, cells);
	return !run->full;
}

static int on_page(void *context, struct wire_cursor result)
{
	struct run *run = context;

	if (run->app->want_json) {
		app_list(run->app, json_incref(run->before), run->array);
		record_each(result, "items", on_json, run);
		return EXIT_YES;
	}
	record_each(result, "items", on_row, run);
	if (run->full) {
		return app_fail(run->app, EXIT_DAEMON, "internal", "out of memory");
	}
	if (run->count == 0) {
		return EXIT_YES;
	}
	if (run->blank) {
		putchar('\n');
		run->blank = false;
	} else {
		pager_begin(run->app);
	}
	table_print(&run->table, stdout);
	return EXIT_YES;
}

static int fill(void *context, struct params *params)
{
	const struct run *run = context;

	if (run->word != NULL) {
		params_text(params, run->word, run->app->args.words[0]);
	}
	return params_options(run->app, params, run->app->command->flags);
}

/* --- columns ---------------------------------------------------------------------------------- */

/* A title as it is written in --columns: "last-used". */
static const char *option_word(struct app *app, const char *title)
{
	char word[32];
	size_t len = 0;

	for (; title[len] != '\0' && len + 1 < sizeof word; len++) {
		char c = title[len];

		word[len] = c == ' ' ? '-' : (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return app_text(app, "%.*s", (int)len, word);
}

const char *list_column_word(struct app *app, const struct list *list, size_t column)
{
	return option_word(app, list->columns[column].title);
}

static int unknown_column(const struct run *run, const char *word)
{
	struct app *app = run->app;
	const char *words[TABLE_MAX_COLUMNS];
	const char *nearest;
	const char *all = "";

	for (size_t i = 0; i < run->list->count; i++) {
		words[i] = option_word(app, run->list->columns[i].title);
		all = app_text(app, "%s%s%s", all, i > 0 ? ", " : "", words[i]);
	}
	nearest = args_nearest(word, words, run->list->count);
	if (nearest != NULL) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--columns '%s': did you mean '%s'? There are %s", word, nearest, all);
	}
	return app_fail(app, EXIT_USAGE, "usage", "--columns '%s': no such column; there are %s",
		word, all);
}

/* A column by its title, in any case and with blanks or hyphens, or by its name in --json. */
static const struct record_field *find_column(const struct run *run, const char *word)
{
	const char *wanted = option_word(run->app, word);

	for (size_t i = 0; i < run->list->count; i++) {
		const struct record_field *column = &run->list->columns[i];

		if (strcmp(word, column->name) == 0 ||
			strcmp(wanted, option_word(run->app, column->title)) == 0) {
			return column;
		}
	}
	return NULL;
}

static int choose_columns(struct run *run)
{
	const struct args_list *asked = &run->app->args.lists[FLAG_COLUMNS];
	struct app *app = run->app;

	if (asked->count > 0 && app->want_json) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--columns is for tables: leave it out, or --json");
	}
	if (asked->count > TABLE_MAX_COLUMNS) {
		return app_fail(app, EXIT_USAGE, "usage", "--columns names more than %d columns",
			TABLE_MAX_COLUMNS);
	}
	for (size_t i = 0; i < asked->count; i++) {
		const char *word = app_text(app, "%.*s", POL_STR_ARGS(asked->items[i]));

		run->columns[i] = find_column(run, word);
		if (run->columns[i] == NULL) {
			return unknown_column(run, word);
		}
	}
	run->columns_count = asked->count;
	for (size_t i = 0; asked->count == 0 && i < run->list->count; i++) {
		const struct record_field *column = &run->list->columns[i];

		if (strcmp(column->name, "tenant") != 0 || record_all_tenants(app)) {
			run->columns[run->columns_count++] = column;
		}
	}
	return EXIT_YES;
}

/* Text may be cut; what is always short, and would mean something else when it is cut, may not. */
static bool may_cut(enum record_kind kind)
{
	return kind == RECORD_TEXT || kind == RECORD_LIST || kind == RECORD_FINDINGS ||
	       kind == RECORD_PLACES || kind == RECORD_AUTHOR;
}

static void shape(struct run *run)
{
	const bool *given = run->app->args.given;
	struct table *table = &run->table;

	table->width = given[FLAG_WIDE] ? 0 : text_columns(stdout);
	table->all = given[FLAG_COLUMNS];
	table->spare = given[FLAG_COLUMNS] ? NULL : run->list->spare;
	for (size_t i = 0; i < run->columns_count; i++) {
		table->whole[i] = !may_cut(run->columns[i]->kind);
	}
}

/* What people should know beside the table. */
static void say_what_is_missing(const struct run *run)
{
	struct app *app = run->app;
	const char *left = "";

	if (app->want_json) {
		return;
	}
	for (size_t i = 0; i < run->columns_count; i++) {
		if (run->table.left[i]) {
			left = app_text(app, "%s%s%s", left, left[0] != '\0' ? ", " : "",
				option_word(app, run->columns[i]->title));
		}
	}
	pager_end(app);
	fflush(stdout);
	if (run->count == 0) {
		fprintf(stderr, "no %s\n", run->list->what);
	} else if (left[0] != '\0') {
		fprintf(stderr, "too narrow for %s: --wide shows all, --columns A,B some\n", left);
	}
}

static int fetch(struct run *run)
{
	const struct list *list = run->list;
	const struct pages pages = { list->method, fill, on_page, run, list->what };
	const char *titles[TABLE_MAX_COLUMNS];
	int status = choose_columns(run);

	if (status != EXIT_YES) {
		return status;
	}
	for (size_t i = 0; i < run->columns_count; i++) {
		titles[i] = run->columns[i]->title;
	}
	table_init(&run->table, titles, run->columns_count, run->app->colour);
	shape(run);
	status = rpc_pages(run->app, &pages);
	if (status == EXIT_YES) {
		say_what_is_missing(run);
	}
	table_finish(&run->table);
	return status;
}

int list_run(struct app *app)
{
	struct run run = { .app = app, .list = app->command->list, .array = "items" };
	int status;

	run.before = app->want_json ? json_object() : NULL;
	status = fetch(&run);
	json_decref(run.before);
	return status == EXIT_YES && run.list->finds && run.count > 0 ? EXIT_NO : status;
}

int list_part(struct app *app, const struct list_part *part)
{
	struct run run = { .app = app,
		.list = part->list,
		.word = part->word,
		.before = part->before,
		.array = part->array,
		.blank = true };

	return fetch(&run);
}
