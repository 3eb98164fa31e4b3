/* SPDX-License-Identifier: Apache-2.0 */

/* check: one decision. */

#include <string.h>

#include "tools/answer.h"
#include "tools/commands/commands.h"
#include "tools/explanation.h"
#include "tools/hint.h"
#include "tools/record.h"
#include "tools/story.h"
#include "tools/text.h"
#include "tools/token.h"

/* "GET /loans/7" is a request as a web server saw it, "read api:/loans/7" names the resource. */
static const char *put_request(struct app *app, struct params *params)
{
	const char *verb = app->args.words[0];
	const char *what = app->args.words[1];
	const char *tree = app->args.values[FLAG_TREE];

	if (what[0] == '/') {
		params_text(params, "method", verb);
		params_text(params, "path", what);
		if (tree != NULL) {
			params_text(params, "tree", tree);
		}
		what = app_text(app, "%s:%s", tree != NULL ? tree : "api", what);
	} else {
		params_text(params, "action", verb);
		params_text(params, "resource", what);
	}
	return text_escape(&app->arena, pol_str_of(app_text(app, "%s on %s", verb, what)));
}

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor result;
	struct pol_explanation explanation;
	const char *what;
	bool given;
	int status;

	if (app->args.words[1][0] != '/' && strchr(app->args.words[1], ':') == NULL) {
		return app_fail(app, EXIT_USAGE, "usage",
			"'%s' is neither a path (/loans/7) nor a resource (api:/loans/7)",
			app->args.words[1]);
	}
	params_begin(&params);
	what = put_request(app, &params);
	status = token_put(app, &params, &given);
	if (status == EXIT_YES) {
		status = params_options(app, &params, app->command->flags);
	}
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	status = rpc_call(app, "authorize", &params, &result);
	if (status != EXIT_YES) {
		return status;
	}
	status = answer_print(app, result, what);
	if (app->want_json) {
		return status;
	}
	if (explanation_read(app, result, &explanation)) {
		story_print(app, &explanation, 0, stdout);
	}
	if (status == EXIT_NO) {
		hint_print(app, result);
	}
	return status;
}

const struct command command_check = {
	.name = "check",
	.words = "METHOD PATH | ACTION TREE:/PATH",
	.summary = "Ask for one decision",
	.text = "Asks as the holder of a token, as a principal (a trusted peer may), or\n"
		"as nobody. Exit status 0 when it is allowed, 1 when it is denied. With\n"
		"--explain (a trusted peer may) the decision is followed by its story:\n"
		"what each line of the stack said, the rule that allowed or denied, or\n"
		"what is missing.\n",
	.examples =
		"  authzcheck check --token-file key.txt GET /loans/7\n"
		"  authzcheck check --principal alice view ui:/settings\n"
		"  authzcheck check --principal alice --ip 10.1.2.3 --mfa-at 5m DELETE /loans/7\n"
		"  authzcheck check --principal alice --fact resource.owner=bob \\\n"
		"      --fact context.amount=500 approve api:/loans/7\n"
		"  authzcheck check --explain --principal alice DELETE /loans/7\n",
	.flags = { FLAG_PRINCIPAL, FLAG_TOKEN, FLAG_TOKEN_FILE, FLAG_SERVICE, FLAG_ENVIRONMENT,
		FLAG_TENANT, FLAG_TREE, FLAG_IP, FLAG_MFA_AT, FLAG_TIME, FLAG_FACT, FLAG_EXPLAIN },
	.min_words = 2,
	.asks = true,
	.run = run,
};
