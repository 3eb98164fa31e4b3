/* SPDX-License-Identifier: Apache-2.0 */

/* principal edit: what may change of a principal. */

#include "tools/commands/commands.h"
#include "tools/principal.h"
#include "tools/show.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status = EXIT_YES;

	if (!app->args.given[FLAG_NAME] && !app->args.given[FLAG_ATTRIBUTE] &&
		!app->args.given[FLAG_API_ACCESS]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"nothing to change: give --name, --attribute or --api-access");
	}
	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	status = principal_put(app, &params, true);
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	status = rpc_call(app, "principals.update", &params, &record);
	return status == EXIT_YES ? show_principal(app, record) : status;
}

static const enum flag flags[] = { FLAG_NAME, FLAG_ATTRIBUTE, FLAG_API_ACCESS, FLAG_TENANT };

const struct command command_principal_edit = {
	.name = "principal edit",
	.words = "ID",
	.summary = "Change a principal's name, attributes or use of the API",
	.text = "An empty --name '' takes the name away. The attributes given replace all that "
		"were\n"
		"there. --api-access no makes every key of the principal useless until it is "
		"yes.\n",
	.examples = "  authzcheck principal edit alice --name 'Alice Smith'\n"
		    "  authzcheck principal edit alice --api-access no\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
