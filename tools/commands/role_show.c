/* SPDX-License-Identifier: Apache-2.0 */

/* role show: one role. */

#include "tools/commands/commands.h"
#include "tools/role.h"

static int run(struct app *app)
{
	return role_show_by_name(app, "roles.get");
}

static const enum flag flags[] = { FLAG_TENANT };

const struct command command_role_show = {
	.name = "role show",
	.words = "NAME",
	.summary = "Show one role, with its grants as written",
	.text = NULL,
	.examples = "  authzcheck role show cleaner\n"
		    "  authzcheck role show cleaner --json | jq '.grants'\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
