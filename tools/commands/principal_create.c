/* SPDX-License-Identifier: Apache-2.0 */

/* principal create: somebody who acts. */

#include "tools/commands/commands.h"
#include "tools/principal.h"
#include "tools/show.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	params_flag(&params, app, "kind", FLAG_KIND);
	status = principal_put(app, &params, false);
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	status = rpc_call(app, "principals.create", &params, &record);
	return status == EXIT_YES ? show_principal(app, record) : status;
}

static const enum flag flags[] = { FLAG_NAME, FLAG_KIND, FLAG_ATTRIBUTE, FLAG_API_ACCESS,
	FLAG_TENANT };

const struct command command_principal_create = {
	.name = "principal create",
	.words = "ID",
	.summary = "Create a principal: a person or a service",
	.text = "It holds no role before one is assigned.\n",
	.examples = "  authzcheck principal create alice --name 'Alice Baker' --kind user\n"
		    "  authzcheck principal create billing --kind service --attribute team=money\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
