/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/role.h"

#include <stdio.h>

#include "tools/record.h"
#include "tools/text.h"

static const struct record_field fields[] = {
	{ "name", "role", RECORD_TEXT },
	{ "description", "description", RECORD_TEXT },
	{ "tenant", "tenant", RECORD_TEXT },
	{ "inherits", "inherits", RECORD_LIST },
	{ "allowed", "allows", RECORD_INT },
	{ "denied", "denies", RECORD_INT },
	{ "declared", "in the policy", RECORD_BOOL },
	{ "created_at", "created", RECORD_TIME },
	{ "updated_at", "changed", RECORD_TIME },
	{ "created_by", "created by", RECORD_TEXT },
};

/* An option of one text that is there and empty. */
static bool is_empty(const struct app *app, enum flag flag)
{
	const struct args_list *list = &app->args.lists[flag];

	return app->args.given[flag] &&
	       (list->count == 0 || (list->count == 1 && list->items[0].len == 0));
}

static void put_list(
	struct app *app, struct params *params, const char *name, enum flag flag, bool edit)
{
	if (edit && is_empty(app, flag)) {
		params_nil(params, name);
	} else {
		params_flag_list(params, app, name, flag);
	}
}

void role_put(struct app *app, struct params *params, bool edit)
{
	const char *description = app->args.values[FLAG_DESCRIPTION];

	params_text(params, "name", app->args.words[0]);
	params_flag(params, app, "tenant", FLAG_TENANT);
	if (edit && description != NULL && description[0] == '\0') {
		params_nil(params, "description");
	} else {
		params_flag(params, app, "description", FLAG_DESCRIPTION);
	}
	put_list(app, params, "inherits", FLAG_INHERITS, edit);
	put_list(app, params, "grants", FLAG_GRANT, edit);
}

static bool on_grant(void *context, struct wire_cursor item)
{
	struct app *app = context;
	struct wire_str text;

	if (wire_read_text(&item, &text)) {
		printf("%s\n", text_escape(&app->arena, (struct pol_str){ text.ptr, text.len }));
	}
	return true;
}

int role_show(struct app *app, struct wire_cursor record)
{
	struct wire_cursor grants;

	if (app->want_json) {
		app_document(app, document_wire(record));
		return EXIT_YES;
	}
	record_print(app, record, fields, sizeof fields / sizeof fields[0]);
	if (record_find(record, "grants", &grants)) {
		putchar('\n');
		record_each(record, "grants", on_grant, app);
	}
	return EXIT_YES;
}

int role_show_by_name(struct app *app, const char *method)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	params_text(&params, "name", app->args.words[0]);
	params_flag(&params, app, "tenant", FLAG_TENANT);
	status = rpc_call(app, method, &params, &record);
	return status == EXIT_YES ? role_show(app, record) : status;
}
