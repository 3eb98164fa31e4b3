/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/list.h"

#include <stdio.h>

#include "tools/table.h"

struct run {
	struct app *app;
	const struct list *list;
	const char *word; /* the parameter that the first word is; NULL: there is none */
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

	if (kind == RECORD_FINDINGS) {
		return COLOUR_YELLOW;
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
	if (run->blank) {
		putchar('\n');
		run->blank = false;
	}
	for (size_t i = 0; i < run->list->count; i++) {
		const struct record_field *column = &run->list->columns[i];

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

static int fetch(struct run *run)
{
	const struct list *list = run->list;
	const struct pages pages = { list->method, fill, on_page, run, list->what };
	const char *titles[TABLE_MAX_COLUMNS];
	int status;

	for (size_t i = 0; i < list->count; i++) {
		titles[i] = list->columns[i].title;
	}
	table_init(&run->table, titles, list->count, run->app->colour);
	status = rpc_pages(run->app, &pages);
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
