/* SPDX-License-Identifier: Apache-2.0 */

/* principal enable: switches a principal on again. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_principal_by_id(app, "principals.enable");
}

static const enum flag flags[] = { FLAG_TENANT };

const struct command command_principal_enable = {
	.name = "principal enable",
	.words = "ID",
	.summary = "Switch a principal on again",
	.text = "Its keys work again, but for those that are switched off themselves.\n",
	.examples = "  authzcheck principal enable alice\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
