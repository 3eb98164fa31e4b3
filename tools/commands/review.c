/* SPDX-License-Identifier: Apache-2.0 */

/* review: an access review. */

#include "tools/review/review.h"
#include "tools/commands/commands.h"

enum format { FORMAT_CSV = 0, FORMAT_HTML, FORMAT_JSON };

static int run(struct app *app)
{
	json_t *review = NULL;
	int status = review_read(app, &review);

	if (status != EXIT_YES) {
		return status;
	}
	switch ((enum format)app->format) {
	case FORMAT_CSV:
		review_put_csv(review, stdout);
		break;
	case FORMAT_HTML:
		review_put_html(review, stdout);
		break;
	case FORMAT_JSON:
		app_document(app, review);
		return EXIT_YES;
	}
	json_decref(review);
	return EXIT_YES;
}

const struct command command_review = {
	.name = "review",
	.summary = "Write an access review: who holds what, and what changed",
	.text = "Every principal with its roles, their places and ends, its last use and\n"
		"its keys, with the scopes that they use and do not use; the keys of no\n"
		"principal; the roles; and the changes of the audit trail since --since\n"
		"(without it, of the last 90 days). --format csv, the default, has a line\n"
		"for each role and key that somebody holds, and for each change; html is\n"
		"one page that needs no other file.\n",
	.examples = "  authzcheck review --format html >review.html\n"
		    "  authzcheck review --tenant '*' --since 2026-07-01T00:00:00Z >review.csv\n"
		    "  authzcheck review --json | jq -r '.principals[] | select(.last_used_at == "
		    "null).id'\n",
	.flags = { FLAG_FORMAT, FLAG_TENANT, FLAG_SINCE },
	.formats = { [FORMAT_CSV] = "csv", [FORMAT_HTML] = "html", [FORMAT_JSON] = "json" },
	.by_token = true,
	.all_tenants = true,
	.run = run,
};
