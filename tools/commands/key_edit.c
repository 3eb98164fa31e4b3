/* SPDX-License-Identifier: Apache-2.0 */

/* key edit: what may change of a key. */

#include <string.h>

#include "tools/commands/commands.h"
#include "tools/show.h"
#include "tools/when.h"

/* An empty value takes away: nil. */
static void put_text(struct app *app, struct params *params, const char *name, enum flag flag)
{
	const char *value = app->args.values[flag];

	if (value != NULL && value[0] == '\0') {
		params_nil(params, name);
	} else {
		params_flag(params, app, name, flag);
	}
}

static int put_end(struct app *app, struct params *params)
{
	int64_t time;
	int status;

	if (!app->args.given[FLAG_EXPIRES_AT]) {
		return EXIT_YES;
	}
	if (strcmp(app->args.values[FLAG_EXPIRES_AT], "never") == 0) {
		params_nil(params, "expires_at");
		return EXIT_YES;
	}
	status = when_option(app, FLAG_EXPIRES_AT, WHEN_AHEAD, &time);
	if (status == EXIT_YES) {
		params_int(params, "expires_at", time);
	}
	return status;
}

static int put_schedule(struct app *app, struct params *params)
{
	int64_t every;
	int status;

	if (!app->args.given[FLAG_ROTATE_EVERY]) {
		return EXIT_YES;
	}
	if (strcmp(app->args.values[FLAG_ROTATE_EVERY], "never") == 0) {
		params_nil(params, "rotate_every");
		return EXIT_YES;
	}
	status = when_option_duration(app, FLAG_ROTATE_EVERY, &every);
	if (status == EXIT_YES) {
		params_int(params, "rotate_every", every);
	}
	return status;
}

static int put_params(struct app *app, struct params *params)
{
	uint32_t before = params->count;
	int status = put_end(app, params);

	if (status == EXIT_YES) {
		status = put_schedule(app, params);
	}
	if (status != EXIT_YES) {
		return status;
	}
	put_text(app, params, "name", FLAG_NAME);
	put_text(app, params, "label", FLAG_LABEL);
	params_flag_list(params, app, "scopes", FLAG_SCOPE);
	if (app->args.given[FLAG_NETWORK] && app->args.lists[FLAG_NETWORK].count == 0) {
		params_nil(params, "networks");
	} else {
		params_flag_list(params, app, "networks", FLAG_NETWORK);
	}
	if (params->count == before) {
		return app_fail(app, EXIT_USAGE, "usage",
			"nothing to change: give --name, --label, --scope, --network, "
			"--expires-at or --rotate-every");
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

static const enum flag flags[] = { FLAG_NAME, FLAG_LABEL, FLAG_SCOPE, FLAG_NETWORK, FLAG_EXPIRES_AT,
	FLAG_ROTATE_EVERY };

const struct command command_key_edit = {
	.name = "key edit",
	.words = "KEY",
	.summary = "Change a key's name, label, scopes, networks, expiry or schedule",
	.text = "Lists replace what was there. An empty --name '' or --label '' takes it away, an\n"
		"empty --network '' lets the key work from anywhere, --expires-at never takes the\n"
		"end away, and --rotate-every never the schedule. Principal, tenant and "
		"environment\n"
		"never change.\n",
	.examples = "  authzcheck key edit 13kT9aQ2mZx7 --name 'laptop of Alice' --expires-at 90d\n"
		    "  authzcheck key edit 13kT9aQ2mZx7 --scope loans:read,deals:read\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
