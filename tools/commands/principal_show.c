/* SPDX-License-Identifier: Apache-2.0 */

/* principal show: a principal with its roles and places, its keys, and what it may do. */

#include <stdio.h>

#include "policy/text/terms.h"
#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/resources.h"
#include "tools/rpc.h"
#include "tools/show.h"
#include "tools/text.h"
#include "tools/when.h"

struct view {
	struct app *app;
	const char *word;           /* the parameter that names the principal; NULL: `all` */
	const char *all;            /* "everyone" or "anyone" */
	json_t *items;              /* with --json */
	struct resources resources; /* else: what it may do */
};

static int fill(void *context, struct params *params)
{
	const struct view *view = context;

	if (view->word != NULL) {
		params_text(params, view->word, view->app->args.words[0]);
	} else {
		params_bool(params, view->all, true);
	}
	return params_options(view->app, params, view->app->command->flags);
}

static bool on_item(void *context, struct wire_cursor item)
{
	struct view *view = context;
	struct app *app = view->app;

	if (app->want_json) {
		app_append(app, view->items, document_wire(item));
		return true;
	}
	return resources_add(&view->resources, record_str(item, "resource"),
		record_list(&app->arena, item, "actions"), record_str(item, "when"));
}

static int on_page(void *context, struct wire_cursor result)
{
	record_each(result, "items", on_item, context);
	return EXIT_YES;
}

/* Fetches all of a list: into `items` with --json, else what it may do to be drawn. */
static int fetch(struct view *view, const char *method, const char *word)
{
	const struct pages pages = { method, fill, on_page, view, NULL };

	view->word = word;
	view->items = view->app->want_json ? json_array() : NULL;
	return rpc_pages(view->app, &pages);
}

static bool on_assignment_of_all(void *context, struct wire_cursor item)
{
	struct view *view = context;
	struct app *app = view->app;
	const char *at = record_list(&app->arena, item, "at");
	int64_t until = record_int(item, "until", 0);

	printf("as %s: role %s%s%s%s%s\n", view->all, record_text(&app->arena, item, "role"),
		at[0] != '\0' ? " at " : "", at, until != 0 ? " until " : "",
		until != 0 ? when_text_full(app, until) : "");
	return true;
}

static int on_page_of_all(void *context, struct wire_cursor result)
{
	record_each(result, "items", on_assignment_of_all, context);
	return EXIT_YES;
}

/* What it holds because every principal, or every caller, does: a line each. */
static int print_all(struct app *app, const char *all)
{
	struct view view = { .app = app, .all = all };
	const struct pages pages = { "assignments.list", fill, on_page_of_all, &view, NULL };

	return rpc_pages(app, &pages);
}

/* The columns that were asked for are those of the assignments. A token that may show a principal
 * need not be one that may list keys. */
static int print_keys(struct app *app)
{
	const struct list_part part = { .list = &show_keys, .word = "principal", .array = "keys" };
	struct args_list columns = app->args.lists[FLAG_COLUMNS];
	bool given = app->args.given[FLAG_COLUMNS];
	int status;

	app->args.lists[FLAG_COLUMNS].count = 0;
	app->args.given[FLAG_COLUMNS] = false;
	app->may_be_forbidden = true;
	status = list_part(app, &part);
	app->may_be_forbidden = false;
	app->args.lists[FLAG_COLUMNS] = columns;
	app->args.given[FLAG_COLUMNS] = given;
	return status == EXIT_NO ? EXIT_YES : status;
}

static int print_assignments(struct app *app, json_t *before)
{
	const struct list_part part = { .list = &show_assignments,
		.word = "principal",
		.before = before,
		.array = "assignments" };

	return list_part(app, &part);
}

/* The list of assignments takes the place of those that the record holds. */
static int show_json(struct app *app, struct wire_cursor record)
{
	struct view view = { .app = app };
	json_t *before = document_wire(record);
	int status;

	json_object_del(before, "assignments");
	app->may_be_forbidden = true;
	status = fetch(&view, "keys.list", "principal");
	app->may_be_forbidden = false;
	json_object_set_new(before, "keys", view.items);
	if (status == EXIT_NO) {
		json_object_set_new(before, "keys", json_null());
		status = EXIT_YES;
	}
	if (status == EXIT_YES) {
		status = fetch(&view, "principals.permissions", "id");
		json_object_set_new(before, "permissions", view.items);
	}
	for (int i = POL_HOLDER_EVERYONE; status == EXIT_YES && i < POL_HOLDERS; i++) {
		view.all = pol_terms_holder((enum pol_holder)i);
		status = fetch(&view, "assignments.list", NULL);
		json_object_set_new(before, view.all, view.items);
	}
	if (status == EXIT_YES) {
		status = print_assignments(app, before);
	}
	json_decref(before);
	return status;
}

static int show_text(struct app *app, struct wire_cursor record)
{
	struct view view = { .app = app, .resources = { .app = app } };
	int status;

	show_principal(app, record);
	status = print_assignments(app, NULL);
	for (int i = POL_HOLDER_EVERYONE; status == EXIT_YES && i < POL_HOLDERS; i++) {
		status = print_all(app, pol_terms_holder((enum pol_holder)i));
	}
	if (status == EXIT_YES) {
		status = print_keys(app);
	}
	if (status == EXIT_YES) {
		status = fetch(&view, "principals.permissions", "id");
	}
	if (status == EXIT_YES) {
		fflush(stderr);
		printf("\n%smay%s\n", text_begin(app->colour, COLOUR_BOLD),
			text_end(app->colour, COLOUR_BOLD));
		resources_print(&view.resources);
	}
	return status;
}

int principal_show_run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	status = params_options(app, &params, app->command->flags);
	if (status == EXIT_YES) {
		status = rpc_call(app, app->command->method, &params, &record);
	}
	if (status != EXIT_YES) {
		return status;
	}
	return app->want_json ? show_json(app, record) : show_text(app, record);
}
