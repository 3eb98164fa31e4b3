/* SPDX-License-Identifier: Apache-2.0 */

/* policy import-openapi, import-routes: a tree and scopes from the description of an API. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/changes.h"
#include "tools/commands/commands.h"
#include "tools/imported.h"
#include "tools/input.h"
#include "tools/policy.h"

/* A file by itself, as the policy that an earlier import wrote; or a folder. */
static int load_before(
	struct app *app, const char *path, struct pol_source *source, struct policy *policy)
{
	struct stat what;
	int status;

	if (stat(path, &what) == 0 && S_ISDIR(what.st_mode)) {
		return policy_need(app, path, policy);
	}
	status = input_read(app, path, POL_FILE_MAX, &source->text);
	if (status != EXIT_YES) {
		return status;
	}
	source->name = pol_str_of(path);
	pol_diags_init(&policy->diags, source, 1);
	if (pol_compile(source, 1, NULL, &policy->diags, &policy->snapshot) == POL_OK) {
		return EXIT_YES;
	}
	policy_show_diags(policy);
	return app_fail(app, EXIT_NO, "invalid_policy",
		"%s: not a policy by itself: name its folder if it needs other files", path);
}

static int compare(struct app *app, const struct imported *imported)
{
	const char *path = app->args.values[FLAG_AGAINST_POLICY];
	struct pol_source source = { 0 };
	struct policy before = { 0 };
	int status = load_before(app, path, &source, &before);

	if (status == EXIT_YES) {
		status = changes_print(
			app, imported->import.tree, before.snapshot, imported->snapshot);
	}
	policy_finish(&before);
	return status;
}

static int print(struct app *app, const struct imported *imported)
{
	const struct import *import = &imported->import;

	if (!app->want_json) {
		fwrite(imported->text.ptr, 1, imported->text.len, stdout);
		return EXIT_YES;
	}
	app_document(
		app, json_pack("{s:o, s:I, s:I, s:o}", "policy", document_str(imported->text),
			     "paths", (json_int_t)import->paths, "operations",
			     (json_int_t)import->count, "notes", imported_notes(app, imported)));
	return EXIT_YES;
}

static int run(struct app *app, imported_reader reader)
{
	const char *tree = app->args.values[FLAG_TREE];
	const struct imported_from from = {
		.path = app->args.words[0],
		.reader = reader,
		.tree = tree != NULL ? tree : "api",
		.base = app->args.values[FLAG_BASE],
	};
	struct imported imported = { 0 };
	int status = imported_load(app, &from, &imported);

	if (status == EXIT_YES) {
		status = app->args.given[FLAG_AGAINST_POLICY] ? compare(app, &imported)
							      : print(app, &imported);
		if (!app->want_json || app->args.given[FLAG_AGAINST_POLICY]) {
			imported_report(app, from.path, &imported);
		}
	}
	imported_finish(&imported);
	return status;
}

static int run_openapi(struct app *app)
{
	return run(app, import_openapi);
}

const struct command command_policy_import_openapi = {
	.name = "policy import-openapi",
	.words = "FILE",
	.summary = "Make a policy's tree and scopes of an OpenAPI document",
	.text = "Reads OpenAPI 3.0 or 3.1, JSON or YAML, and prints a policy: a tree with an\n"
		"action for each operation, called as its operationId, and a scope for each\n"
		"scope of its security requirements. Two imports of one document are the same,\n"
		"whatever its order. What the language cannot say is reported on standard error.\n"
		"With --against nothing is printed but what differs from an earlier import:\n"
		"+ added, - removed, ~ renamed; exit status 1 if anything does.\n",
	.examples = "  authzcheck policy import-openapi openapi.yaml > policy/api.policy\n"
		    "  authzcheck policy import-openapi --tree shop --base /v2 shop.json\n"
		    "  authzcheck policy import-openapi --against policy/api.policy openapi.yaml\n",
	.flags = { FLAG_TREE, FLAG_BASE, FLAG_AGAINST_POLICY },
	.min_words = 1,
	.run = run_openapi,
};

static int run_routes(struct app *app)
{
	return run(app, import_routes);
}

const struct command command_policy_import_routes = {
	.name = "policy import-routes",
	.words = "FILE",
	.summary = "Make a policy's tree of a list of routes",
	.text = "Reads lines METHOD PATH [NAME], from standard input if FILE is -, and prints a\n"
		"tree with an action for each, called NAME, or else the method by itself.\n"
		"Parameters are understood as frameworks write them: :id, {id}, {id:[0-9]+},\n"
		"<id>, <int:id>, *rest, (.:format). authzcheck(1), ROUTES, has for each framework\n"
		"the command that prints such lines. --against is that of import-openapi.\n",
	.examples = "  bin/routes | authzcheck policy import-routes - > policy/api.policy\n"
		    "  authzcheck policy import-routes --tree shop --base /shop routes.txt\n"
		    "  authzcheck policy import-routes --against policy/api.policy routes.txt\n",
	.flags = { FLAG_TREE, FLAG_BASE, FLAG_AGAINST_POLICY },
	.min_words = 1,
	.run = run_routes,
};
