/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/key_params.h"

#include "tools/when.h"

static int put_times(struct app *app, struct params *params)
{
	int64_t time;
	int status = EXIT_YES;

	if (app->args.given[FLAG_EXPIRES_IN] && app->args.given[FLAG_EXPIRES_AT]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--expires-in and --expires-at exclude each other");
	}
	if (app->args.given[FLAG_EXPIRES_IN]) {
		status = when_option_duration(app, FLAG_EXPIRES_IN, &time);
		if (status == EXIT_YES) {
			params_int(params, "expires_in", time);
		}
	}
	if (status == EXIT_YES && app->args.given[FLAG_EXPIRES_AT]) {
		status = when_option(app, FLAG_EXPIRES_AT, WHEN_AHEAD, &time);
		if (status == EXIT_YES) {
			params_int(params, "expires_at", time);
		}
	}
	if (status == EXIT_YES && app->args.given[FLAG_NOT_BEFORE]) {
		status = when_option(app, FLAG_NOT_BEFORE, WHEN_AHEAD, &time);
		if (status == EXIT_YES) {
			params_int(params, "not_before", time);
		}
	}
	if (status == EXIT_YES && app->args.given[FLAG_ROTATE_EVERY]) {
		status = when_option_duration(app, FLAG_ROTATE_EVERY, &time);
		if (status == EXIT_YES) {
			params_int(params, "rotate_every", time);
		}
	}
	return status;
}

int key_params_put(struct app *app, struct params *params)
{
	const struct args *args = &app->args;

	if (args->given[FLAG_PRINCIPAL] && args->given[FLAG_ROLE]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--principal and --role exclude each other: a key is bound to one of them");
	}
	if (!args->given[FLAG_PRINCIPAL] && !args->given[FLAG_ROLE] && !args->given[FLAG_SCOPE]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"bound to what? give --principal ID, --role A,B or --scope A,B");
	}
	params_flag(params, app, "name", FLAG_NAME);
	params_flag(params, app, "label", FLAG_LABEL);
	params_flag(params, app, "principal", FLAG_PRINCIPAL);
	params_flag_list(params, app, "roles", FLAG_ROLE);
	params_flag_list(params, app, "scopes", FLAG_SCOPE);
	params_flag_list(params, app, "at", FLAG_AT);
	params_flag_list(params, app, "networks", FLAG_NETWORK);
	params_flag(params, app, "environment", FLAG_ENVIRONMENT);
	params_flag(params, app, "tenant", FLAG_TENANT);
	return put_times(app, params);
}
