/* SPDX-License-Identifier: Apache-2.0 */

/* key revoke: revoke a key for ever, or many. */

#include "tools/bulk.h"
#include "tools/commands/commands.h"
#include "tools/record.h"

static bool wants(const struct app *app, struct wire_cursor record)
{
	(void)app;
	return !pol_str_equal(record_str(record, "status"), POL_STR("revoked"));
}

static int run(struct app *app)
{
	static const struct bulk bulk = {
		.method = "keys.revoke",
		.verb = "revoke",
		.done = "revoked",
		.status = NULL,
		.wants = wants,
	};

	return bulk_run(app, &bulk);
}

static const enum flag flags[] = { BULK_FLAGS };

const struct command command_key_revoke = {
	.name = "key revoke",
	.words = "[KEY]",
	.summary = "Revoke a key for ever, or many; the next request is refused",
	.text = "Nothing brings it back; key disable is the switch that does. Without KEY it is "
		"done to every\n"
		"key that the options name, after asking.\n",
	.examples = "  authzcheck key revoke 13kT9aQ2mZx7\n"
		    "  authzcheck key revoke --principal alice --yes\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
