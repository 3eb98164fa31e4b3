/* SPDX-License-Identifier: Apache-2.0 */

/* plan: for which resources of a node a principal or the holder of a token would be allowed. */

#include "tools/commands/commands.h"
#include "tools/plan_show.h"
#include "tools/question.h"
#include "tools/sql.h"

static int run(struct app *app)
{
	struct wire_cursor result;
	const char *what;
	int status = sql_check(app);

	if (status == EXIT_YES) {
		status = question_ask(app, "plan", &result, &what);
	}
	return status == EXIT_YES ? plan_show(app, result, what) : status;
}

const struct command command_plan = {
	.name = "plan",
	.words = "METHOD PATH | ACTION TREE:/PATH",
	.summary = "Show for which resources a request would be allowed",
	.text = "The path is one as declared, with parameters: bookings:/bookings/{booking}.\n"
		"What 'check' would decide about each of them, as one condition over their\n"
		"facts and parameters: 'always', 'never' with the reason, or 'when'. Other\n"
		"facts that are not given are absent. With --sql it is the WHERE of a query,\n"
		"and its parameters are listed below. No quota is used; a token\n"
		"counts as a use of its key. Exit status 1 when it is never allowed.\n",
	.examples =
		"  authzcheck plan --principal ann list 'bookings:/bookings/{booking}'\n"
		"  authzcheck plan --principal ann list 'bookings:/bookings/{booking}' \\\n"
		"      --sql postgresql --column resource.owner=b.owner_id \\\n"
		"      --column '{booking}=b.id'\n"
		"  authzcheck plan --token-file key.txt --json GET '/loans/{loan}' | jq .tree\n",
	.flags = { FLAG_PRINCIPAL, FLAG_TOKEN, FLAG_TOKEN_FILE, FLAG_SERVICE, FLAG_ENVIRONMENT,
		FLAG_TENANT, FLAG_TREE, FLAG_IP, FLAG_MFA_AT, FLAG_TIME, FLAG_FACT, FLAG_SQL,
		FLAG_COLUMN },
	.min_words = 2,
	.asks = true,
	.run = run,
};
