/* SPDX-License-Identifier: Apache-2.0 */

/* check: one decision. */

#include "tools/answer.h"
#include "tools/commands/commands.h"
#include "tools/explanation.h"
#include "tools/hint.h"
#include "tools/question.h"
#include "tools/record.h"
#include "tools/story.h"

static int run(struct app *app)
{
	struct wire_cursor result;
	struct pol_explanation explanation;
	bool by_id = app->args.given[FLAG_OF_KEY];
	const char *what;
	int status;

	if (by_id && app->args.given[FLAG_PRINCIPAL]) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--key and --principal exclude each other");
	}
	status = question_ask(app, by_id ? "decisions.try" : "authorize", &result, &what);
	if (status != EXIT_YES) {
		return status;
	}
	status = answer_print(app, result, what);
	if (app->want_json) {
		return status;
	}
	if ((!by_id || app->args.given[FLAG_EXPLAIN]) &&
		explanation_read(app, result, &explanation)) {
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
		"what is missing. With --key it says what that key would be answered\n"
		"now. That manages: it needs 'list' on authz:/roles, /principals and\n"
		"/keys, and a token given with it is that of the one who asks. It does\n"
		"not count as a use, charges no quota, and is in no log of decisions.\n",

	.examples =
		"  authzcheck check --token-file key.txt GET /loans/7\n"
		"  authzcheck check --principal alice view ui:/settings\n"
		"  authzcheck check --principal alice --ip 10.1.2.3 --mfa-at 5m DELETE /loans/7\n"
		"  authzcheck check --principal alice --fact resource.owner=bob \\\n"
		"      --fact context.amount=500 approve api:/loans/7\n"
		"  authzcheck check --explain --principal alice DELETE /loans/7\n"
		"  authzcheck check --key 1x4h1w3b3rz7 --explain DELETE /loans/7\n",
	.flags = { FLAG_PRINCIPAL, FLAG_OF_KEY, FLAG_TOKEN, FLAG_TOKEN_FILE, FLAG_SERVICE,
		FLAG_ENVIRONMENT, FLAG_TENANT, FLAG_TREE, FLAG_IP, FLAG_MFA_AT, FLAG_TIME,
		FLAG_FACT, FLAG_EXPLAIN },
	.min_words = 2,
	.asks = true,
	.run = run,
};
