/* SPDX-License-Identifier: Apache-2.0 */

/* key prolong: more time for the old secret of a rotation. */

#include "tools/commands/commands.h"
#include "tools/show.h"
#include "tools/when.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int64_t overlap;
	int status;

	if (!app->args.given[FLAG_OVERLAP]) {
		return app_fail(
			app, EXIT_USAGE, "usage", "for how long from now? give --overlap TIME");
	}
	status = when_option_duration(app, FLAG_OVERLAP, &overlap);
	if (status != EXIT_YES) {
		return status;
	}
	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	params_int(&params, "overlap", overlap);
	status = rpc_call(app, "keys.prolong", &params, &record);
	return status == EXIT_YES ? show_key(app, record) : status;
}

static const enum flag flags[] = { FLAG_OVERLAP };

const struct command command_key_prolong = {
	.name = "key prolong",
	.words = "KEY",
	.summary = "Give the old secret of a rotation more time",
	.text = "It is good for --overlap from now, but no longer than the policy's\n"
		"rotation_max_overlap after the rotation.\n",
	.examples = "  authzcheck key prolong 13kT9aQ2mZx7 --overlap 7d\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
