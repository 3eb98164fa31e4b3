/* SPDX-License-Identifier: Apache-2.0 */

/* key edit: what may change of a key. */

#include "tools/commands/commands.h"
#include "tools/show.h"
#include "tools/when.h"

static int put_params(struct app *app, struct params *params)
{
	uint32_t before = params->count;
	int64_t time;
	int status;

	params_flag(params, app, "name", FLAG_NAME);
	params_flag(params, app, "label", FLAG_LABEL);
	params_flag_list(params, app, "scopes", FLAG_SCOPE);
	params_flag_list(params, app, "networks", FLAG_NETWORK);
	if (app->args.given[FLAG_EXPIRES_AT]) {
		status = when_option(app, FLAG_EXPIRES_AT, WHEN_AHEAD, &time);
		if (status != EXIT_YES) {
			return status;
		}
		params_int(params, "expires_at", time);
	}
	if (params->count == before) {
		return app_fail(app, EXIT_USAGE, "usage",
			"nothing to change: give --name, --label, --scope, --network or "
			"--expires-at");
	}
	return EXIT_YES;
}

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	status = put_params(app, &params);
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	status = rpc_call(app, "keys.update", &params, &record);
	return status == EXIT_YES ? show_key(app, record) : status;
}

static const enum flag flags[] = { FLAG_NAME, FLAG_LABEL, FLAG_SCOPE, FLAG_NETWORK,
	FLAG_EXPIRES_AT };

const struct command command_key_edit = {
	.name = "key edit",
	.words = "KEY",
	.summary = "Change a key's name, label, scopes, networks or expiry",
	.text = "Lists replace what was there; an empty --network '' lets the key work from\n"
		"anywhere. Principal, tenant and environment never change.\n",
	.examples = "  authzcheck key edit 13kT9aQ2mZx7 --name 'laptop of Alice' --expires-at 90d\n"
		    "  authzcheck key edit 13kT9aQ2mZx7 --scope loans:read,deals:read\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
