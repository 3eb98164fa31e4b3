/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/list.h"

#include <stdio.h>

#include "tools/record.h"
#include "tools/text.h"

struct run {
	struct app *app;
	const struct list *list;
	void *context;
	struct table table;
	json_t *items; /* with --json */
	bool blank;    /* a blank line before the first row */
	bool full;     /* memory ran out */
	size_t count;
};

static bool on_json(void *context, struct wire_cursor item)
{
	struct run *run = context;

	run->count++;
	app_append(run->app, run->items, document_wire(item));
	return true;
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
	run->list->row(run->app, table_arena(&run->table), item, cells);
	run->full = !table_add(&run->table, cells);
	return !run->full;
}

static int on_page(void *context, struct wire_cursor result)
{
	struct run *run = context;

	if (run->app->want_json) {
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

static void fill(void *context, struct params *params)
{
	const struct run *run = context;

	if (run->list->fill != NULL) {
		run->list->fill(run->context, params);
	}
}

static int pages(struct run *run)
{
	struct app *app = run->app;
	const struct list *list = run->list;
	const struct pages pages = { list->method, fill, on_page, run, list->what };
	int status;

	table_init(&run->table, list->titles, list->columns, app->colour);
	status = rpc_pages(app, &pages);
	table_finish(&run->table);
	return status;
}

int list_run(struct app *app, const struct list *list)
{
	size_t count;

	return list_run_counted(app, list, &count);
}

int list_run_counted(struct app *app, const struct list *list, size_t *out_count)
{
	struct run run = { .app = app, .list = list, .context = app };
	int status;

	run.items = app->want_json ? json_array() : NULL;
	status = pages(&run);
	if (app->want_json) {
		app_document(app, json_pack("{s:o}", "items", run.items));
	}
	*out_count = run.count;
	return status;
}

int list_part(struct app *app, const struct list *list, json_t *items, void *context)
{
	struct run run = {
		.app = app, .list = list, .context = context, .items = items, .blank = true
	};

	return pages(&run);
}

struct table_cell list_status(struct pol_arena *arena, struct wire_cursor item)
{
	struct pol_str status = record_str(item, "status");
	enum colour colour = COLOUR_NONE;

	if (pol_str_equal(status, POL_STR("active"))) {
		colour = COLOUR_GREEN;
	} else if (pol_str_equal(status, POL_STR("expired"))) {
		colour = COLOUR_YELLOW;
	} else if (status.len > 0) {
		colour = COLOUR_RED;
	}
	return (struct table_cell){ text_escape(arena, status), colour };
}
