/* SPDX-License-Identifier: Apache-2.0 */

/* policy check: would the daemon load this folder? */

#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/policy.h"
#include "tools/text.h"

static void put_json(
	struct app *app, const struct policy *policy, const struct pol_suite_result *tests)
{
	json_t *diagnostics = policy_json_diags(app, policy);
	struct pol_counts counts;

	if (policy->snapshot == NULL) {
		app_document(
			app, json_pack("{s:b, s:o}", "valid", false, "diagnostics", diagnostics));
		return;
	}
	counts = pol_snapshot_counts(policy->snapshot);
	app_document(app,
		json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:o}", "valid",
			policy->diags.errors == 0, "revision",
			pol_snapshot_revision(policy->snapshot), "trees", (json_int_t)counts.trees,
			"nodes", (json_int_t)counts.nodes, "roles", (json_int_t)counts.roles,
			"scopes", (json_int_t)counts.scopes, "stacks", (json_int_t)counts.stacks,
			"tests", "passed", (json_int_t)tests->passed, "failed",
			(json_int_t)tests->failed, "diagnostics", diagnostics));
}

static void put_summary(struct app *app, const struct policy *policy, const char *path,
	const struct pol_suite_result *tests)
{
	struct pol_counts counts = pol_snapshot_counts(policy->snapshot);

	printf("%s%s%s: %sok%s, revision %s\n", text_begin(app->colour, COLOUR_BOLD),
		text_escape(&app->arena, pol_str_of(path)), text_end(app->colour, COLOUR_BOLD),
		text_begin(app->colour, COLOUR_GREEN), text_end(app->colour, COLOUR_GREEN),
		pol_snapshot_revision(policy->snapshot));
	printf("%zu trees, %zu nodes, %zu roles, %zu scopes, %zu principals, %zu stacks; "
	       "%zu tests passed\n",
		counts.trees, counts.nodes, counts.roles, counts.scopes, counts.principals,
		counts.stacks, tests->passed);
}

static int check(struct app *app, const char *path, bool github, struct policy *policy)
{
	struct pol_suite_result tests = { 0 };
	int status = policy_load(app, path, policy);

	if (status != EXIT_YES) {
		return status;
	}
	if (policy->snapshot != NULL) {
		tests = pol_suite_run(policy->snapshot, &policy->diags, NULL, NULL);
	}
	if (github) {
		policy_show_github(policy);
	} else {
		policy_show_diags(policy);
	}
	if (app->want_json) {
		put_json(app, policy, &tests);
	} else if (policy->diags.errors > 0) {
		fprintf(stderr, "authzcheck: %s: %s\n", path, policy_count_text(app, policy));
	} else if (!github) {
		put_summary(app, policy, path, &tests);
	}
	return policy->diags.errors > 0 || tests.failed > 0 ? EXIT_NO : EXIT_YES;
}

static int run(struct app *app)
{
	const char *format = app->args.values[FLAG_FORMAT];
	struct policy policy = { 0 };
	bool github = false;
	int status;

	if (format != NULL) {
		github = strcmp(format, "github") == 0;
		if (!github && strcmp(format, "text") != 0) {
			return app_fail(app, EXIT_USAGE, "usage",
				"--format '%s' is unknown: text or github", format);
		}
	}
	if (github && app->want_json) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--format github and --json exclude "
			"each other");
	}
	status = check(app, app->args.words[0], github, &policy);
	policy_finish(&policy);
	return status;
}

const struct command command_policy_check = {
	.name = "policy check",
	.words = "DIR",
	.summary = "Compile a policy folder and run its tests; no daemon is needed",
	.text = "Reads every *.policy file below DIR as the daemon would, and prints\n"
		"what is wrong with its place on standard error. Exit status 1 when the\n"
		"daemon would refuse it.\n",
	.examples =
		"  authzcheck policy check policy/\n"
		"  authzcheck policy check --format github policy/   # annotations in a workflow\n"
		"  authzcheck policy check --modules /usr/lib/authz/modules policy/\n",
	.flags = { FLAG_MODULES, FLAG_FORMAT },
	.min_words = 1,
	.run = run,
};
