/* SPDX-License-Identifier: Apache-2.0 */

/* unassign: takes a role from a principal. */

#include "tools/assignment.h"
#include "tools/commands/commands.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	assignment_put(app, &params);
	status = rpc_call(app, "assignments.delete", &params, &record);
	return status == EXIT_YES ? assignment_show(app, record, "unassigned") : status;
}

static const enum flag flags[] = { FLAG_AT, FLAG_TENANT };

const struct command command_unassign = {
	.name = "unassign",
	.words = "PRINCIPAL ROLE",
	.summary = "Take a role from a principal; it holds for the next request",
	.text = "With --at, the assignment with exactly these places.\n",
	.examples = "  authzcheck unassign alice collector\n"
		    "  authzcheck unassign alice viewer --at api:/loans/7\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 2,
	.max_words = 2,
	.run = run,
};
