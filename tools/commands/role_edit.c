/* SPDX-License-Identifier: Apache-2.0 */

/* role edit: what may change of a role of the store. */

#include "tools/commands/commands.h"
#include "tools/role.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status;

	if (!app->args.given[FLAG_DESCRIPTION] && !app->args.given[FLAG_INHERITS] &&
		!app->args.given[FLAG_GRANT]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"nothing to change: give --description, --inherits or --grant");
	}
	params_begin(&params);
	role_put(app, &params, true);
	status = rpc_call(app, "roles.update", &params, &record);
	return status == EXIT_YES ? role_show(app, record) : status;
}

static const enum flag flags[] = { FLAG_DESCRIPTION, FLAG_INHERITS, FLAG_GRANT, FLAG_TENANT };

const struct command command_role_edit = {
	.name = "role edit",
	.words = "NAME",
	.summary = "Change a role of the store; it holds for the next request",
	.text = "What is given replaces all that was there; an empty one ('') takes it away.\n",
	.examples = "  authzcheck role edit cleaner --grant 'allow delete on api:/loans/{loan}' "
		    "--grant 'deny GET on api:/files/**'\n"
		    "  authzcheck role edit team --inherits ''\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
