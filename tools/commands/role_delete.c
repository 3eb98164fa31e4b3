/* SPDX-License-Identifier: Apache-2.0 */

/* role delete: a role of the store goes. */

#include "tools/commands/commands.h"
#include "tools/role.h"

static int run(struct app *app)
{
	return role_show_by_name(app, "roles.delete");
}

static const enum flag flags[] = { FLAG_TENANT };

const struct command command_role_delete = {
	.name = "role delete",
	.words = "NAME",
	.summary = "Delete a role of the store; who holds it holds it no more",
	.text = "A role that is made later under its name is another one.\n",
	.examples = "  authzcheck role delete cleaner\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
