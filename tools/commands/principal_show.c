/* SPDX-License-Identifier: Apache-2.0 */

/* principal show: one principal, and what is assigned to it. */

#include "tools/commands/commands.h"
#include "tools/list.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/text.h"

static const char *const titles[] = { "ROLE", "AT", "UNTIL", "ASSIGNED", "BY" };

static void row(
	struct app *app, struct pol_arena *arena, struct wire_cursor item, struct table_cell *cells)
{
	const char *places = record_list(arena, item, "at");
	size_t at = 0;

	cells[at++].text = record_text(arena, item, "role");
	cells[at++].text = places[0] != '\0' ? places : "everywhere";
	cells[at++].text = record_when(app, item, "until", "");
	cells[at++].text = record_when(app, item, "created_at", "");
	cells[at++].text = record_bool(item, "declared", false)
				   ? "policy"
				   : record_text(arena, item, "created_by");
}

static void fill(void *context, struct params *params)
{
	const struct app *app = context;

	params_text(params, "principal", app->args.words[0]);
	params_flag(params, app, "tenant", FLAG_TENANT);
}

static int run(struct app *app)
{
	static const struct list list = { "assignments.list", "assignments", titles,
		sizeof titles / sizeof titles[0], fill, row };
	struct params params;
	struct wire_cursor record;
	json_t *document, *assignments;
	int status;

	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	params_flag(&params, app, "tenant", FLAG_TENANT);
	status = rpc_call(app, "principals.get", &params, &record);
	if (status != EXIT_YES) {
		return status;
	}
	if (!app->want_json) {
		show_principal_fields(app, record);
		return list_part(app, &list, NULL, app);
	}
	document = document_wire(record);
	assignments = json_array();
	status = list_part(app, &list, assignments, app);
	json_object_del(document, "assignments");
	if (json_object_set_new(document, "assignments", assignments) != 0) {
		app->no_memory = true;
	}
	app_document(app, document);
	return status;
}

static const enum flag flags[] = { FLAG_TENANT };

const struct command command_principal_show = {
	.name = "principal show",
	.words = "ID",
	.summary = "Show one principal, with the roles assigned to it",
	.text = NULL,
	.examples = "  authzcheck principal show alice\n"
		    "  authzcheck principal show alice --json | jq '.assignments'\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
