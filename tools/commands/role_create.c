/* SPDX-License-Identifier: Apache-2.0 */

/* role create: a role of the store. */

#include "tools/commands/commands.h"
#include "tools/role.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	role_put(app, &params, false);
	status = rpc_call(app, "roles.create", &params, &record);
	return status == EXIT_YES ? role_show(app, record) : status;
}

static const enum flag flags[] = { FLAG_DESCRIPTION, FLAG_INHERITS, FLAG_GRANT, FLAG_TENANT };

const struct command command_role_create = {
	.name = "role create",
	.words = "NAME",
	.summary = "Create a role in the store, beside those of the policy",
	.text = "Grants are written as in the policy's files, one an option. What their patterns "
		"select\n"
		"is expanded now and never grows: write them anew with role edit to have what a "
		"later\n"
		"policy adds. A role of the policy has the same name in no tenant.\n",
	.examples = "  authzcheck role create cleaner --grant 'allow delete on api:/loans/{loan}'\n"
		    "  authzcheck role create team --inherits viewer,cleaner --description 'The "
		    "team'\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
