/* SPDX-License-Identifier: Apache-2.0 */

/* policy who: which roles, scopes and declared principals may do one thing, without a daemon. */

#include <stdio.h>
#include <string.h>

#include "policy/ask/who.h"
#include "tools/commands/commands.h"
#include "tools/fact.h"
#include "tools/policy.h"
#include "tools/resources.h"
#include "tools/table.h"
#include "tools/text.h"

/* Bytes of a node's name that are shown. */
#define NODE_TEXT 4096

struct found {
	struct app *app;
	struct pol_who *who;
	char when[POL_WHEN_TEXT]; /* of the present item */
	struct table table;       /* without --json */
	size_t count;
};

/* "servicing at api:/loans/7, viewer": what a principal owes it to. */
struct through {
	const char *text;
	json_t *roles; /* with --json */
};

/* NULL: there is none. */
static json_t *json_of_when(const char *when)
{
	return when[0] != '\0' ? document_str(pol_str_of(when)) : NULL;
}

static void add(struct found *found, const char *kind, struct pol_str name, struct through *through)
{
	struct app *app = found->app;
	const char *text = through->text;

	if (found->when[0] != '\0') {
		text = app_text(app, "%s%swhen %s", text, text[0] != '\0' ? " " : "",
			text_escape(&app->arena, pol_str_of(found->when)));
	}
	found->count++;
	if (app->want_json) {
		app_item(app,
			json_pack("{s:s, s:o, s:o*, s:o*}", "kind", kind, "id", document_str(name),
				"through", through->roles, "when", json_of_when(found->when)));
	} else {
		const struct table_cell cells[] = {
			{ kind, COLOUR_NONE },
			{ text_escape(&app->arena, name), COLOUR_BOLD },
			{ text, COLOUR_NONE },
		};

		table_add(&found->table, cells);
	}
}

static void add_roles(struct found *found)
{
	const struct pol_snapshot *snapshot = found->who->snapshot;
	size_t count = pol_snapshot_role_count(snapshot);
	struct through through = { .text = "" };

	if (pol_who_anyone_may(found->who, found->when) != POL_WHEN_NEVER) {
		through.text = "every caller, known or not";
		add(found, "role", POL_STR("anyone"), &through);
		through.text = "";
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!pol_snapshot_role_is_anyone(snapshot, i) &&
			pol_who_role_may(found->who, i, found->when) != POL_WHEN_NEVER) {
			add(found, "role", pol_snapshot_role_name(snapshot, i), &through);
		}
	}
}

static void add_scopes(struct found *found)
{
	const struct pol_snapshot *snapshot = found->who->snapshot;
	size_t count = pol_snapshot_counts(snapshot).scopes;
	struct through through = { .text = "" };

	for (uint32_t i = 0; i < count; i++) {
		if (pol_who_scope_may(found->who, i, found->when) != POL_WHEN_NEVER) {
			add(found, "scope", pol_snapshot_scope_name(snapshot, i), &through);
		}
	}
}

static void describe_held(
	struct found *found, const struct pol_held *held, const char *when, struct through *out)
{
	struct app *app = found->app;
	struct pol_str role = pol_snapshot_role_name(found->who->snapshot, held->role);
	json_t *at = app->want_json ? json_array() : NULL;

	out->text = app_text(app, "%s%s%s", out->text, out->text[0] != '\0' ? ", " : "",
		text_escape(&app->arena, role));
	for (uint32_t i = 0; i < held->place_count; i++) {
		if (app->want_json) {
			app_append(app, at, document_str(held->places[i]));
		}
		out->text = app_text(app, "%s%s%s", out->text, i > 0 ? ", " : " at ",
			text_escape(&app->arena, held->places[i]));
	}
	if (app->want_json) {
		app_append(app, out->roles,
			json_pack("{s:o, s:o, s:o*}", "role", document_str(role), "at", at, "when",
				json_of_when(when)));
	}
}

static void add_principals(struct found *found)
{
	const struct pol_snapshot *snapshot = found->who->snapshot;
	size_t count = pol_snapshot_principal_count(snapshot);
	struct pol_held held[POL_PRINCIPAL_ROLES];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t held_count =
			(uint32_t)pol_snapshot_principal_held(snapshot, i, found->app->now, held);
		const struct pol_facts facts = pol_who_declared(snapshot, i, held, held_count);
		struct through through = { .text = "" };

		if (pol_who_may(found->who, &facts, found->when) == POL_WHEN_NEVER) {
			continue;
		}
		through.roles = found->app->want_json ? json_array() : NULL;
		for (uint32_t k = 0; k < held_count; k++) {
			char when[POL_WHEN_TEXT];

			if (pol_who_held_helps(found->who, &facts, k, when) != POL_WHEN_NEVER) {
				describe_held(found, &held[k], when, &through);
			}
		}
		add(found, "principal", pol_snapshot_principal_id(snapshot, i), &through);
	}
}

static void find_all(struct app *app, struct pol_who *who, const char *node)
{
	static const char *const titles[] = { "KIND", "ID", "THROUGH" };
	struct found found = { .app = app, .who = who };

	if (app->want_json) {
		app_list(app,
			json_pack("{s:s, s:s}", "revision", pol_snapshot_revision(who->snapshot),
				"resource", node),
			"items");
	} else {
		table_init(&found.table, titles, sizeof titles / sizeof titles[0], app->colour);
	}
	add_roles(&found);
	add_scopes(&found);
	add_principals(&found);
	if (app->want_json) {
		return;
	}
	if (found.count == 0) {
		puts("nobody");
	}
	table_print(&found.table, stdout);
	table_finish(&found.table);
}

static int fail(struct app *app, const char *verb, const char *what, struct pol_str reason)
{
	const char *path = strchr(what, ':');

	if (pol_str_equal(reason, POL_STR("unknown_action"))) {
		return app_fail(
			app, EXIT_USAGE, "invalid_request", "there is no '%s' on '%s'", verb, what);
	}
	if (pol_str_equal(reason, POL_STR("unknown_resource"))) {
		return app_fail(
			app, EXIT_USAGE, "invalid_request", "the policy has nothing at '%s'", what);
	}
	path = path != NULL ? pol_path_fault(pol_str_of(path + 1)) : "want TREE:/PATH";
	return app_fail(app, EXIT_USAGE, "invalid_request", "'%s' is not a resource: %s", what,
		path != NULL ? path : "want TREE:/PATH");
}

/* A path alone is one of the tree `api`, or of --tree, and a request's: the verb is a method. */
static int ask(struct app *app, const struct pol_snapshot *snapshot)
{
	const char *verb = app->args.words[1];
	const char *what = app->args.words[2];
	const char *tree = app->args.values[FLAG_TREE];
	bool http = what[0] == '/';
	struct pol_str reason;
	struct pol_given given;
	struct pol_who who;
	char node[NODE_TEXT];
	int status;

	if (!http && tree != NULL) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--tree is for a path: '%s' has its tree", what);
	}
	if (!http && resources_is_pattern(what)) {
		return app_fail(app, EXIT_USAGE, "invalid_request", RESOURCES_ONE, what);
	}
	if (http) {
		what = app_text(app, "%s:%s", tree != NULL ? tree : "api", what);
	}
	if (!pol_who_read(snapshot, pol_str_of(verb), pol_str_of(what), http, &who, &reason)) {
		return fail(app, verb, what, reason);
	}
	status = fact_read(app, snapshot, &given);
	if (status != EXIT_YES) {
		return status;
	}
	who.given = &given;
	find_all(app, &who,
		app_text(app, "%.*s", POL_STR_ARGS(pol_who_node(&who, node, sizeof node))));
	return EXIT_YES;
}

static int run(struct app *app)
{
	struct policy policy = { 0 };
	int status = policy_need(app, app->args.words[0], &policy);

	if (status == EXIT_YES) {
		status = ask(app, policy.snapshot);
	}
	policy_finish(&policy);
	return status;
}

const struct command command_policy_who = {
	.name = "policy who",
	.words = "DIR ACTION TREE:/PATH",
	.summary = "List the roles, scopes and principals of a folder that may do one thing",
	.text = "A role is listed when it alone is enough, everywhere; a scope when it is\n"
		"enough for a key of scopes alone; a principal that the folder declares\n"
		"with the roles to which it owes it. METHOD /PATH stands for a request\n"
		"in the tree 'api', or in that of --tree. What may only sometimes has its\n"
		"condition, with what is known put in. Stacks, networks and hours are\n"
		"not considered. No daemon is needed; 'who' asks one, for its store.\n",
	.examples = "  authzcheck policy who policy/ GET api:/loans/7\n"
		    "  authzcheck policy who policy/ DELETE /loans/7\n"
		    "  authzcheck policy who policy/ view ui:/settings --json\n",
	.flags = { FLAG_TREE, FLAG_FACT, FLAG_MODULES },
	.min_words = 3,
	.run = run,
};
