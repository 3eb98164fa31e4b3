/* SPDX-License-Identifier: Apache-2.0 */

/* unassign: takes a role from a principal. */

#include "tools/assignment.h"
#include "tools/commands/commands.h"
#include "tools/record.h"

static bool on_item(void *context, struct wire_cursor item)
{
	assignment_print(context, item, "unassigned");
	return true;
}

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	assignment_put(app, &params);
	status = rpc_call(app, "assignments.delete", &params, &record);
	if (status != EXIT_YES) {
		return status;
	}
	if (app->want_json) {
		app_document(app, document_wire(record));
	} else {
		record_each(record, "items", on_item, app);
	}
	return EXIT_YES;
}

static const enum flag flags[] = { FLAG_AT, FLAG_TENANT };

const struct command command_unassign = {
	.name = "unassign",
	.words = "PRINCIPAL ROLE",
	.summary = "Take a role from a principal; it holds for the next request",
	.text = "Everything that the principal holds of this role goes, wherever; with --at, the\n"
		"assignment with exactly these places alone.\n",
	.examples = "  authzcheck unassign alice collector\n"
		    "  authzcheck unassign alice viewer --at api:/loans/7\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 2,
	.max_words = 2,
	.by_token = true,
	.run = run,
};
