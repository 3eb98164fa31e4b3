/* SPDX-License-Identifier: Apache-2.0 */

/* key delete: hide a key, or many. */

#include "tools/bulk.h"
#include "tools/commands/commands.h"

static int run(struct app *app)
{
	static const struct bulk bulk = {
		.method = "keys.delete",
		.verb = "delete",
		.done = "deleted",
		.status = NULL,
	};

	return bulk_run(app, &bulk);
}

static const enum flag flags[] = { BULK_FLAGS };

const struct command command_key_delete = {
	.name = "key delete",
	.words = "[KEY]",
	.summary = "Hide a key, or many; it can be restored for 30 days",
	.text = "It works no more and no list shows it but key list --status deleted; after 30 "
		"days it is gone.\n"
		"Without KEY it is done to every key that the options name, after asking.\n",
	.examples = "  authzcheck key delete 13kT9aQ2mZx7\n"
		    "  authzcheck key delete --all --status revoked\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
