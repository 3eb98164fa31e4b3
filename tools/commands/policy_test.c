/* SPDX-License-Identifier: Apache-2.0 */

/* policy test: a policy's own tests, and what they cover. */

#include <fnmatch.h>
#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/policy.h"
#include "tools/test_report.h"

struct testing {
	struct app *app;
	struct policy policy;
	struct test_report report;
	struct pol_coverage *coverage; /* NULL: not asked for */
	int limit;                     /* of --fail-under; -1: none */
};

/* Does the name have the pattern anywhere? `*` and `?` are the shell's; all else is itself. */
static bool is_chosen(void *context, struct pol_str test)
{
	struct app *app = context;
	const char *pattern = "";

	for (const char *c = app->args.values[FLAG_FILTER]; *c != '\0'; c++) {
		pattern = app_text(app, "%s%s%c", pattern, *c == '[' || *c == '\\' ? "\\" : "", *c);
	}
	return fnmatch(app_text(app, "*%s*", pattern), app_text(app, "%.*s", POL_STR_ARGS(test)),
		       0) == 0;
}

static int run_tests(struct testing *testing)
{
	struct app *app = testing->app;
	const char *filter = app->args.values[FLAG_FILTER];
	const struct pol_suite_options options = { .choose = filter != NULL ? is_chosen : NULL,
		.context = app,
		.coverage = testing->coverage };
	struct pol_suite_result result;

	test_report_begin(&testing->report);
	result = pol_suite_run_some(testing->policy.snapshot, &options, &testing->policy.diags,
		test_report_add, &testing->report);

	if (filter != NULL && result.passed + result.failed == 0) {
		return app_fail(app, EXIT_USAGE, "not_found",
			"no test has '%s' in its name: 'authzcheck policy test -v' lists them",
			filter);
	}
	if (testing->report.format == TEST_FORMAT_GITHUB) {
		policy_show_github(&testing->policy);
	} else {
		policy_show_diags(&testing->policy);
	}
	fflush(stderr);
	test_report_end(&testing->report, result, testing->coverage);
	return result.failed > 0 ? EXIT_NO : EXIT_YES;
}

/* Says on standard error that too little is covered. */
static int check_limit(struct testing *testing)
{
	struct pol_coverage_count total = coverage_total(testing->coverage);

	if (!coverage_is_under(total.covered, total.total, testing->limit)) {
		return EXIT_YES;
	}
	fflush(stdout);
	fprintf(stderr, "authzcheck: coverage of %s is under %d%%\n",
		coverage_share(testing->app, total.covered, total.total), testing->limit);
	return EXIT_NO;
}

static int test(struct testing *testing)
{
	struct app *app = testing->app;
	int status = policy_need(app, app->args.words[0], &testing->policy);

	if (status != EXIT_YES) {
		return status;
	}
	if (app->args.given[FLAG_COVERAGE] || testing->limit >= 0) {
		testing->coverage = pol_coverage_create(testing->policy.snapshot);
		if (testing->coverage == NULL) {
			app->no_memory = true;
			return EXIT_DAEMON;
		}
	}
	status = run_tests(testing);
	if (status == EXIT_YES && testing->limit >= 0) {
		status = check_limit(testing);
	}
	return status;
}

static int run(struct app *app)
{
	struct testing testing = { .app = app, .limit = -1 };
	int status = coverage_limit(app, &testing.limit);

	testing.report.app = app;
	testing.report.format = (enum test_format)app->format;
	testing.report.verbose = app->args.given[FLAG_VERBOSE];
	testing.report.folder = app->args.words[0];
	if (status == EXIT_YES) {
		status = test(&testing);
	}
	pol_coverage_destroy(testing.coverage);
	policy_finish(&testing.policy);
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
		"the policy does not compile.\n"
		"\n"
		"--format tap, junit and json are for other programs, and have the story\n"
		"too with -v. --coverage counts the rules, roles, scopes and lines of\n"
		"stacks on which a test's decision depended, and lists the others;\n"
		"--fail-under counts them too.\n",
	.examples = "  authzcheck policy test policy/\n"
		    "  authzcheck policy test -v policy/     # a line for each test, and why it "
		    "failed\n"
		    "  authzcheck policy test --filter 'collector*loans' policy/\n"
		    "  authzcheck policy test --coverage --fail-under 80 policy/\n"
		    "  authzcheck policy test --format junit policy/ > tests.xml\n",
	.flags = { FLAG_MODULES, FLAG_VERBOSE, FLAG_FILTER, FLAG_FORMAT, FLAG_COVERAGE,
		FLAG_FAIL_UNDER },
	.formats = { [TEST_FORMAT_TEXT] = "text",
		[TEST_FORMAT_TAP] = "tap",
		[TEST_FORMAT_JUNIT] = "junit",
		[TEST_FORMAT_JSON] = "json",
		[TEST_FORMAT_GITHUB] = "github" },
	.min_words = 1,
	.run = run,
};
