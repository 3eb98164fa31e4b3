/* SPDX-License-Identifier: Apache-2.0 */

/* key enable: switch a key on again, or many. */

#include "tools/bulk.h"
#include "tools/commands/commands.h"
#include "tools/record.h"

static int run(struct app *app)
{
	static const struct bulk bulk = {
		.method = "keys.enable",
		.verb = "enable",
		.done = "enabled",
		.status = "inactive",
		.wants = NULL,
	};

	return bulk_run(app, &bulk);
}

static const enum flag flags[] = { BULK_FLAGS };

const struct command command_key_enable = {
	.name = "key enable",
	.words = "[KEY]",
	.summary = "Switch a key on again, or many",
	.text = "A revoked key stays revoked. Without KEY it is done to every key that the options "
		"name and\n"
		"that is switched off, after asking.\n",
	.examples = "  authzcheck key enable 13kT9aQ2mZx7\n"
		    "  authzcheck key enable --principal alice\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
