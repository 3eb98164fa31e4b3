/* SPDX-License-Identifier: Apache-2.0 */

/* policy check: would the daemon load this folder? */

#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/dangling.h"
#include "tools/policy.h"
#include "tools/text.h"

static void put_json(struct app *app, const struct policy *policy,
	const struct pol_suite_result *tests, const struct dangling_found *found)
{
	json_t *document;
	json_t *diagnostics = policy_json_diags(app, policy);
	struct pol_counts counts;

	if (policy->snapshot == NULL) {
		app_document(
			app, json_pack("{s:b, s:o}", "valid", false, "diagnostics", diagnostics));
		return;
	}
	counts = pol_snapshot_counts(policy->snapshot);
	document = json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:o}", "valid",
		policy->diags.errors == 0, "revision", pol_snapshot_revision(policy->snapshot),
		"trees", (json_int_t)counts.trees, "nodes", (json_int_t)counts.nodes, "roles",
		(json_int_t)counts.roles, "scopes", (json_int_t)counts.scopes, "stacks",
		(json_int_t)counts.stacks, "tests", "passed", (json_int_t)tests->passed, "failed",
		(json_int_t)tests->failed, "diagnostics", diagnostics);
	if (found->items != NULL) {
		json_object_set_new(document, "dangling",
			json_pack("{s:I, s:O}", "total", (json_int_t)found->total, "items",
				found->items));
	}
	app_document(app, document);
}

static void put_summary(struct app *app, const struct policy *policy, const char *path,
	const struct pol_suite_result *tests)
{
	struct pol_counts counts = pol_snapshot_counts(policy->snapshot);

	printf("%s%s%s: %sok%s, revision %s\n", text_begin(app->colour, COLOUR_BOLD),
		text_escape(&app->arena, pol_str_of(path)), text_end(app->colour, COLOUR_BOLD),
		text_begin(app->colour, COLOUR_GREEN), text_end(app->colour, COLOUR_GREEN),
		pol_snapshot_revision(policy->snapshot));
	printf("%s, %s, %s, %s, %s, %s; %s passed\n", app_count(app, counts.trees, "tree"),
		app_count(app, counts.nodes, "node"), app_count(app, counts.roles, "role"),
		app_count(app, counts.scopes, "scope"),
		app_count(app, counts.principals, "principal"),
		app_count(app, counts.stacks, "stack"), app_count(app, tests->passed, "test"));
}

/* Only a policy that compiles can be compared with a store. */
static int compare(struct app *app, const struct policy *policy, struct dangling_found *out)
{
	const char *socket = app->args.values[FLAG_AGAINST];

	if (socket == NULL || policy->snapshot == NULL) {
		return EXIT_YES;
	}
	app->args.values[FLAG_SOCKET] = socket;
	return dangling_against(app, policy, out);
}

static int check(struct app *app, const char *path, bool github, struct policy *policy,
	struct dangling_found *found)
{
	struct pol_suite_result tests = { 0 };
	int status = policy_load(app, path, policy);

	if (status != EXIT_YES) {
		return status;
	}
	if (policy->snapshot != NULL) {
		tests = pol_suite_run(policy->snapshot, &policy->diags, NULL, NULL);
	}
	status = compare(app, policy, found);
	if (status != EXIT_YES) {
		return status;
	}
	if (github) {
		policy_show_github(policy);
	} else {
		policy_show_diags(policy);
	}
	if (app->want_json) {
		put_json(app, policy, &tests, found);
	} else if (policy->diags.errors > 0) {
		fprintf(stderr, "authzcheck: %s: %s\n", text_escape(&app->arena, pol_str_of(path)),
			policy_count_text(app, policy));
	} else if (!github) {
		put_summary(app, policy, path, &tests);
		dangling_show(app, found);
	}
	return policy->diags.errors > 0 || tests.failed > 0 || found->conflicts > 0 ? EXIT_NO
										    : EXIT_YES;
}

static int run(struct app *app)
{
	struct dangling_found found = { 0 };
	struct policy policy = { 0 };
	bool github = app->format == POLICY_FORMAT_GITHUB;
	int status;

	if (github && app->args.values[FLAG_AGAINST] != NULL) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--format github and --against exclude each other");
	}
	status = check(app, app->args.words[0], github, &policy, &found);
	json_decref(found.items);
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
		"  authzcheck policy check --against /run/authz/admin.sock policy/\n"
		"  authzcheck policy check --modules /usr/lib/authz/modules policy/\n",
	.flags = { FLAG_MODULES, FLAG_FORMAT, FLAG_AGAINST },
	.formats = POLICY_FORMATS,
	.min_words = 1,
	.run = run,
};
