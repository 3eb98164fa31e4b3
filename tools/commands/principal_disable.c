/* SPDX-License-Identifier: Apache-2.0 */

/* principal disable: switches a principal off, and its keys with it. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_principal_by_id(app, "principals.disable");
}

static const enum flag flags[] = { FLAG_TENANT };

const struct command command_principal_disable = {
	.name = "principal disable",
	.words = "ID",
	.summary = "Switch a principal off, and its keys with it",
	.text = "It can be switched on again with principal enable.\n",
	.examples = "  authzcheck principal disable alice\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
