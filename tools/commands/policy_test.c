/* SPDX-License-Identifier: Apache-2.0 */

/* policy test: a policy's own tests, and nothing else. */

#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/policy.h"
#include "tools/story.h"
#include "tools/text.h"

/* Below the name of its test. */
#define STORY_INDENT 8

struct progress {
	struct app *app;
	json_t *tests; /* with --json */
	bool verbose;
};

static json_t *json_test(struct pol_str test, struct pol_str file, uint32_t line,
	const struct pol_suite_failure *failure)
{
	return json_pack("{s:o, s:o, s:I, s:b, s:o*}", "name", document_str(test), "file",
		document_str(file), "line", (json_int_t)line, "passed", failure == NULL, "failure",
		failure != NULL ? document_text(failure->text) : NULL);
}

static void on_test(void *context, struct pol_str test, struct pol_str file, uint32_t line,
	const struct pol_suite_failure *failure)
{
	struct progress *progress = context;
	struct app *app = progress->app;
	enum colour colour = failure == NULL ? COLOUR_GREEN : COLOUR_RED;

	if (app->want_json) {
		app_append(app, progress->tests, json_test(test, file, line, failure));
		return;
	}
	if (!progress->verbose) {
		return;
	}
	printf("%s%s%s  ", text_begin(app->colour, colour), failure == NULL ? "ok    " : "FAILED",
		text_end(app->colour, colour));
	text_put(stdout, test);
	printf("  (");
	text_put(stdout, file);
	printf(":%u)\n", (unsigned)line);
	if (failure != NULL) {
		printf("        ");
		text_put(stdout, pol_str_of(failure->text));
		putchar('\n');
	}
	if (failure != NULL && failure->explanation != NULL) {
		story_print(app, failure->explanation, STORY_INDENT);
		putchar('\n');
	}
}

static int test(struct app *app, struct policy *policy)
{
	struct progress progress = { .app = app, .verbose = app->args.given[FLAG_VERBOSE] };
	struct pol_suite_result tests;
	int status = policy_need(app, app->args.words[0], policy);

	if (status != EXIT_YES) {
		return status;
	}
	progress.tests = app->want_json ? json_array() : NULL;
	tests = pol_suite_run(policy->snapshot, &policy->diags, on_test, &progress);
	policy_show_diags(policy);
	if (app->want_json) {
		app_document(
			app, json_pack("{s:o, s:I, s:I}", "tests", progress.tests, "passed",
				     (json_int_t)tests.passed, "failed", (json_int_t)tests.failed));
	} else {
		fflush(stderr);
		printf("%zu passed, %s%zu failed%s\n", tests.passed,
			text_begin(app->colour && tests.failed > 0, COLOUR_RED), tests.failed,
			text_end(app->colour && tests.failed > 0, COLOUR_RED));
	}
	return tests.failed > 0 ? EXIT_NO : EXIT_YES;
}

static int run(struct app *app)
{
	struct policy policy = { 0 };
	int status = test(app, &policy);

	policy_finish(&policy);
	return status;
}

const struct command command_policy_test = {
	.name = "policy test",
	.words = "DIR",
	.summary = "Run a policy folder's own tests; no daemon is needed",
	.text = "What failed is printed with its place on standard error; the last line\n"
		"on standard output counts. With -v each test has a line, and what\n"
		"failed its story: what the stack said line by line, and which rule\n"
		"allowed or denied, or is missing. Exit status 1 when a test failed or\n"
		"the policy does not compile.\n",
	.examples = "  authzcheck policy test policy/\n"
		    "  authzcheck policy test -v policy/     # a line for each test, and why it "
		    "failed\n",
	.flags = { FLAG_MODULES, FLAG_VERBOSE },
	.min_words = 1,
	.run = run,
};
