/* SPDX-License-Identifier: Apache-2.0 */

/* key disable: switch a key off, or many. */

#include "tools/bulk.h"
#include "tools/commands/commands.h"
#include "tools/record.h"

/* One whose time has not come shows as inactive as well, and must not begin. */
static bool wants(const struct app *app, struct wire_cursor record)
{
	struct pol_str status = record_str(record, "status");

	return !pol_str_equal(status, POL_STR("revoked")) &&
	       (!pol_str_equal(status, POL_STR("inactive")) ||
		       record_int(record, "not_before", 0) > app->now);
}

static int run(struct app *app)
{
	static const struct bulk bulk = {
		.method = "keys.disable",
		.verb = "disable",
		.done = "disabled",
		.status = NULL,
		.wants = wants,
	};

	return bulk_run(app, &bulk);
}

static const enum flag flags[] = { BULK_FLAGS };

const struct command command_key_disable = {
	.name = "key disable",
	.words = "[KEY]",
	.summary = "Switch a key off, or many; the next request is refused",
	.text = "It can be switched on again with key enable. Without KEY it is done to every key "
		"that the\n"
		"options name, after asking.\n",
	.examples = "  authzcheck key disable 13kT9aQ2mZx7\n"
		    "  authzcheck key disable --principal alice --dry-run\n"
		    "  authzcheck key disable --label ci --yes\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
