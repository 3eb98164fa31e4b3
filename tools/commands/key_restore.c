/* SPDX-License-Identifier: Apache-2.0 */

/* key restore: bring a deleted key back, or many, switched off. */

#include "tools/bulk.h"
#include "tools/commands/commands.h"

static int run(struct app *app)
{
	static const struct bulk bulk = {
		.method = "keys.restore",
		.verb = "restore",
		.done = "restored",
		.status = "deleted",
	};

	return bulk_run(app, &bulk);
}

static const enum flag flags[] = { BULK_FLAGS };

const struct command command_key_restore = {
	.name = "key restore",
	.words = "[KEY]",
	.summary = "Bring a deleted key back, or many, switched off",
	.text = "key enable makes it work again. A revoked key stays revoked. Without KEY it is "
		"done to every\n"
		"deleted key that the options name, after asking.\n",
	.examples = "  authzcheck key restore 13kT9aQ2mZx7\n"
		    "  authzcheck key restore --principal alice\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
