/* SPDX-License-Identifier: Apache-2.0 */

/* key audit: the keys with findings, or one key with all that it used and did not use. */

#include <inttypes.h>
#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/show.h"
#include "tools/text.h"

static const struct record_field fields[] = {
	{ "id", "key", RECORD_TEXT },
	{ "name", "name", RECORD_TEXT },
	{ "label", "label", RECORD_TEXT },
	{ "tenant", "tenant", RECORD_TEXT },
	{ "principal", "principal", RECORD_TEXT },
	{ "status", "status", RECORD_TEXT },
	{ "findings", "findings", RECORD_FINDINGS },
	{ "created_at", "created", RECORD_TIME },
	{ "expires_at", "expires", RECORD_TIME },
	{ "renew_by", "renew by", RECORD_TIME },
	{ "last_used_at", "last used", RECORD_TIME },
	{ "granted", "used of", RECORD_USED },
	{ "unused_scopes", "unused scopes", RECORD_LIST },
	{ "narrower", "scopes that do", RECORD_LIST },
};

struct names {
	struct app *app;
	int64_t shown;
};

static bool on_name(void *context, struct wire_cursor item)
{
	struct names *names = context;
	struct wire_str name;

	if (!wire_read_text(&item, &name)) {
		return false;
	}
	printf("  %s\n", text_escape(&names->app->arena, (struct pol_str){ name.ptr, name.len }));
	names->shown++;
	return true;
}

/* Nothing of a list that the daemon does not know, or that is empty. */
static void print_names(
	struct app *app, struct wire_cursor item, const char *field, const char *title, int64_t all)
{
	struct names names = { .app = app };
	struct wire_cursor list;
	uint32_t count = 0;

	if (!record_find(item, field, &list) || !wire_read_array(&list, &count) || count == 0) {
		return;
	}
	printf("\n%s%s%s\n", text_begin(app->colour, COLOUR_BOLD), title,
		text_end(app->colour, COLOUR_BOLD));
	record_each(item, field, on_name, &names);
	if (names.shown < all) {
		printf("  and %" PRId64 " more\n", all - names.shown);
	}
}

static bool has_findings(struct wire_cursor item)
{
	struct wire_cursor findings;
	uint32_t count = 0;

	return record_find(item, "findings", &findings) && wire_read_array(&findings, &count) &&
	       count > 0;
}

static int show(struct app *app, struct wire_cursor answer)
{
	struct wire_cursor items, item;
	uint32_t count = 0;
	int64_t used;

	if (!record_find(answer, "items", &items) || !wire_read_array(&items, &count) ||
		!wire_take(&items, &item)) {
		return app_fail(app, EXIT_DAEMON, "internal", "the daemon did not answer a key");
	}
	if (app->want_json) {
		app_document(app, document_wire(answer));
		return has_findings(item) ? EXIT_NO : EXIT_YES;
	}
	used = record_int(item, "used", 0);
	record_print(app, item, fields, sizeof fields / sizeof fields[0]);
	print_names(app, item, "used_permissions", "used", used);
	print_names(app, item, "unused", "not used", record_int(item, "granted", 0) - used);
	return has_findings(item) ? EXIT_NO : EXIT_YES;
}

int key_audit_run(struct app *app)
{
	struct wire_cursor answer;
	struct params params;
	int status;

	if (!app->args.given[FLAG_KEY]) {
		return list_run(app);
	}
	if (app->args.given[FLAG_COLUMNS]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--columns is for tables: leave it out, or --key");
	}
	params_begin(&params);
	status = params_options(app, &params, app->command->flags);
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	status = rpc_call(app, "keys.audit", &params, &answer);
	return status == EXIT_YES ? show(app, answer) : status;
}
