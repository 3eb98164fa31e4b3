/* SPDX-License-Identifier: Apache-2.0 */

/* who: which roles, principals and keys may do one thing. */

#include <string.h>

#include "tools/commands/commands.h"
#include "tools/holders.h"
#include "tools/resources.h"

/* "GET /loans/7" is a request as a web server sees it, "read api:/loans/7" names the resource. */
static int fill(struct app *app, struct params *params)
{
	const char *what = app->args.words[1];

	params_text(params, what[0] == '/' ? "method" : "action", app->args.words[0]);
	params_text(params, what[0] == '/' ? "path" : "resource", what);
	if (app->args.given[FLAG_TREE]) {
		params_text(params, "tree", app->args.values[FLAG_TREE]);
	}
	return EXIT_YES;
}

static int run(struct app *app)
{
	const struct holders holders = { "who", "nobody", fill };
	const char *what = app->args.words[1];

	if (what[0] != '/' && strchr(what, ':') == NULL) {
		return app_fail(app, EXIT_USAGE, "usage",
			"'%s' is neither a path (/loans/7) nor a resource (api:/loans/7)", what);
	}
	if (what[0] != '/' && app->args.given[FLAG_TREE]) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--tree is for a path: '%s' has its tree", what);
	}
	if (what[0] != '/' && resources_is_pattern(what)) {
		return app_fail(app, EXIT_USAGE, "invalid_request", RESOURCES_ONE, what);
	}
	return holders_list(app, &holders);
}

const struct command command_who = {
	.name = "who",
	.words = "[METHOD PATH | ACTION TREE:/PATH]",
	.summary = "List the roles, principals and keys that may do one thing",
	.text = "A role is listed when it alone is enough, everywhere. Principals and keys\n"
		"are those that are active now; with the roles to which they owe it, and\n"
		"where and until when they hold them. What may only sometimes has its\n"
		"condition, with what is known put in. Stacks, networks and hours are not\n"
		"considered: 'check' asks about one request with all of them.\n",
	.examples = "  authzcheck who GET /loans/7\n"
		    "  authzcheck who approve api:/loans/7\n"
		    "  authzcheck who DELETE /loans/7 --json | jq -r '.items[].id'\n",
	.flags = { FLAG_TREE, FLAG_FACT, FLAG_TENANT },
	.params = { "method|action", "path|resource" },
	.min_words = 2,
	.by_token = true,
	.run = run,
};
