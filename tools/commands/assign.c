/* SPDX-License-Identifier: Apache-2.0 */

/* assign: a principal holds a role, everywhere or at places, for good or until a time. */

#include <stdio.h>

#include "tools/assignment.h"
#include "tools/commands/commands.h"
#include "tools/when.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int64_t until;
	int status = EXIT_YES;

	params_begin(&params);
	assignment_put(app, &params);
	if (app->args.given[FLAG_UNTIL]) {
		status = when_option(app, FLAG_UNTIL, WHEN_AHEAD, &until);
		if (status != EXIT_YES) {
			params_finish(&params);
			return status;
		}
		params_int(&params, "until", until);
	}
	status = rpc_call(app, "assignments.create", &params, &record);
	if (status != EXIT_YES) {
		return status;
	}
	if (app->want_json) {
		app_document(app, document_wire(record));
	} else {
		assignment_print(app, record, "assigned");
	}
	return EXIT_YES;
}

static const enum flag flags[] = { FLAG_AT, FLAG_UNTIL, FLAG_TENANT };

const struct command command_assign = {
	.name = "assign",
	.words = "PRINCIPAL ROLE",
	.summary = "Give a role to a principal",
	.text = "Everywhere, or with --at only at or below these places; for good, or --until a\n"
		"time. 'authzcheck principal show' lists what is assigned.\n",
	.examples = "  authzcheck assign alice collector\n"
		    "  authzcheck assign alice viewer --at api:/loans/7 --until 30d\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 2,
	.max_words = 2,
	.by_token = true,
	.run = run,
};
