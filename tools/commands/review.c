/* SPDX-License-Identifier: Apache-2.0 */

/* review: an access review. */

#include "tools/review/review.h"
#include "tools/commands/commands.h"
#include "tools/replace.h"
#include "tools/text.h"

enum format { FORMAT_CSV = 0, FORMAT_HTML, FORMAT_JSON };

/* False: no memory. */
static bool put(enum format format, const json_t *review, FILE *file)
{
	switch (format) {
	case FORMAT_CSV:
		review_put_csv(review, file);
		break;
	case FORMAT_HTML:
		review_put_html(review, file);
		break;
	case FORMAT_JSON:
		return document_print(review, file);
	}
	return true;
}

static int write_file(struct app *app, const json_t *review, const char *path)
{
	struct replace_new new;
	int status = replace_begin(app, path, false, &new);

	if (status == EXIT_YES && !put((enum format)app->format, review, new.file)) {
		app->no_memory = true;
		status = EXIT_DAEMON;
	}
	status = replace_end(app, &new, status);
	if (status == EXIT_YES && app->want_json) {
		app_document(app, json_pack("{s:o}", "file", document_text(path)));
	} else if (status == EXIT_YES) {
		printf("%s: %s, %s\n", text_escape(&app->arena, pol_str_of(path)),
			app_count(app, json_array_size(json_object_get(review, "principals")),
				"principal"),
			app_count(app, json_array_size(json_object_get(review, "changes")),
				"change"));
	}
	return status;
}

static int run(struct app *app)
{
	const char *path = app->args.values[FLAG_OUTPUT];
	json_t *review = NULL;
	int status = review_read(app, &review);

	if (status != EXIT_YES) {
		return status;
	}
	if (path != NULL) {
		status = write_file(app, review, path);
	} else if (app->want_json) {
		app_document(app, json_incref(review));
	} else {
		put((enum format)app->format, review, stdout);
	}
	json_decref(review);
	return status;
}

const struct command command_review = {
	.name = "review",
	.summary = "Write an access review: who holds what, and what changed",
	.text = "Every principal with its roles, their places and ends, its last use and\n"
		"its keys, with the scopes that they use and do not use; the keys of no\n"
		"principal; the roles; and the changes of the audit trail since --since\n"
		"(without it, of the last 90 days). --format csv, the default, has a line\n"
		"for each role and key that somebody holds, and for each change; html is\n"
		"one page that needs no other file. --output writes it to a file, which\n"
		"stays as it was when that fails.\n",
	.examples = "  authzcheck review --format html --output review.html\n"
		    "  authzcheck review --tenant '*' --since 2026-07-01T00:00:00Z >review.csv\n"
		    "  authzcheck review --json | jq -r '.principals[] | select(.last_used_at == "
		    "null).id'\n",
	.flags = { FLAG_FORMAT, FLAG_TENANT, FLAG_SINCE, FLAG_OUTPUT },
	.formats = { [FORMAT_CSV] = "csv", [FORMAT_HTML] = "html", [FORMAT_JSON] = "json" },
	.by_token = true,
	.all_tenants = true,
	.run = run,
};
