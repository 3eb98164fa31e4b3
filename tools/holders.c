/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/holders.h"

#include <stdio.h>

#include "tools/pager.h"
#include "tools/record.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/when.h"

struct run {
	struct app *app;
	const struct holders *holders;
	struct table table;
	size_t count;
	const char *through; /* of the present item */
};

/* "viewer at api:/loans/7 until …" */
static bool on_through(void *context, struct wire_cursor item)
{
	struct run *run = context;
	struct app *app = run->app;
	const char *at = record_list(&app->arena, item, "at");
	const char *by = record_text(&app->arena, item, "holder");
	int64_t until = record_int(item, "until", 0);

	run->through = app_text(app, "%s%s%s%s%s%s%s%s%s", run->through,
		run->through[0] != '\0' ? "; " : "", record_text(&app->arena, item, "role"),
		by[0] != '\0' ? " of " : "", by, at[0] != '\0' ? " at " : "", at,
		until != 0 ? " until " : "", until != 0 ? when_text(app, until) : "");
	return true;
}

/* "viewer when resource.owner is …" */
static const char *add_when(struct app *app, const char *through, const char *when)
{
	return when[0] == '\0'
		       ? through
		       : app_text(app, "%s%swhen %s", through, through[0] != '\0' ? " " : "", when);
}

static bool on_item(void *context, struct wire_cursor item)
{
	struct run *run = context;
	struct app *app = run->app;
	struct pol_arena *arena = &app->arena;
	const char *status = record_text(arena, item, "status");
	bool active = status[0] == '\0' || pol_str_equal(pol_str_of(status), POL_STR("active"));

	run->count++;
	if (app->want_json) {
		app_item(app, document_wire(item));
		return true;
	}
	run->through = "";
	record_each(item, "through", on_through, run);
	run->through = add_when(app, run->through, record_text(arena, item, "when"));
	{
		const struct table_cell cells[] = {
			{ record_text(arena, item, "kind"), COLOUR_NONE },
			{ record_text(arena, item, "id"), COLOUR_BOLD },
			{ record_text(arena, item, "name"), COLOUR_NONE },
			{ record_text(arena, item, "principal"), COLOUR_NONE },
			{ status, active ? COLOUR_GREEN : COLOUR_RED },
			{ run->through, COLOUR_NONE },
		};

		return table_add(&run->table, cells);
	}
}

static int on_page(void *context, struct wire_cursor result)
{
	struct run *run = context;
	struct app *app = run->app;

	if (app->want_json) {
		json_t *head = json_pack(
			"{s:o}", "revision", document_str(record_str(result, "revision")));
		struct wire_cursor resource;

		if (record_find(result, "resource", &resource)) {
			json_object_set_new(head, "resource", document_wire(resource));
		}
		app_list(app, head, "items");
	}
	record_each(result, "items", on_item, run);
	if (!app->want_json && run->count > 0) {
		pager_begin(app);
		table_print(&run->table, stdout);
	}
	return EXIT_YES;
}

static int fill(void *context, struct params *params)
{
	const struct run *run = context;
	int status = params_options(run->app, params, run->app->command->flags);

	return status == EXIT_YES ? run->holders->fill(run->app, params) : status;
}

int holders_list(struct app *app, const struct holders *holders)
{
	static const char *const titles[] = { "KIND", "ID", "NAME", "PRINCIPAL", "STATUS",
		"THROUGH" };
	struct run run = { .app = app, .holders = holders };
	const struct pages pages = { holders->method, fill, on_page, &run, "records" };
	int status;

	table_init(&run.table, titles, sizeof titles / sizeof titles[0], app->colour);
	run.table.width = text_columns(stdout);
	run.table.fold = true;
	status = rpc_pages(app, &pages);
	table_finish(&run.table);
	if (status == EXIT_YES && run.count == 0 && !app->want_json) {
		puts(holders->nobody);
	}
	return status;
}
