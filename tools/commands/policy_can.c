/* SPDX-License-Identifier: Apache-2.0 */

/* policy can: what roles, scopes or a declared principal may do, without a daemon. */

#include <stdio.h>
#include <string.h>

#include "policy/ask/query.h"
#include "policy/ask/who.h"
#include "tools/commands/commands.h"
#include "tools/fact.h"
#include "tools/policy.h"
#include "tools/policy_names.h"
#include "tools/resources.h"
#include "tools/text.h"

/* The subject that the options describe, as facts. */
struct described {
	struct pol_facts facts;
	struct pol_held held[POL_PRINCIPAL_ROLES];
	struct pol_given given;
	bool any_principal; /* roles are anybody's */
};

struct view {
	struct app *app;
	struct resources resources;
};

/* --- the subject ------------------------------------------------------------------------------ */

/* The places of --at in canonical spelling, for every role. */
static int read_places(struct app *app, const struct pol_snapshot *snapshot, struct pol_held *out)
{
	const struct args_list *list = &app->args.lists[FLAG_AT];
	struct pol_str *places = pol_arena_alloc(&app->arena, list->count, sizeof *places);

	for (size_t i = 0; places != NULL && i < list->count; i++) {
		struct pol_str place = list->items[i];
		char *buffer = pol_arena_alloc(&app->arena, place.len, 1);

		if (buffer == NULL) {
			return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
		}
		if (pol_path_place_normalise(place, buffer, &places[i]) != POL_OK ||
			pol_snapshot_check_place(snapshot, place) != POL_OK) {
			return app_fail(app, EXIT_USAGE, "invalid_request",
				"--at '%.*s' is no place that the policy has: want TREE:/PATH",
				POL_STR_ARGS(place));
		}
	}
	out->places = places;
	out->place_count = (uint32_t)list->count;
	return EXIT_YES;
}

static int read_roles(struct app *app, const struct pol_snapshot *snapshot, struct described *out)
{
	const struct args_list *list = &app->args.lists[FLAG_ROLE];
	struct pol_held held = { .role = POL_NONE };
	int status = read_places(app, snapshot, &held);

	if (status == EXIT_YES && list->count > POL_PRINCIPAL_ROLES) {
		return app_fail(
			app, EXIT_USAGE, "usage", "more than %d roles", POL_PRINCIPAL_ROLES);
	}
	for (size_t i = 0; status == EXIT_YES && i < list->count; i++) {
		status = policy_find_role(app, snapshot, list->items[i], &held.role);
		out->held[i] = held;
	}
	out->facts.binding = POL_BOUND_TO_ROLES;
	out->facts.held = out->held;
	out->facts.held_count = (uint32_t)list->count;
	return status;
}

static int read_scopes(struct app *app, const struct pol_snapshot *snapshot, struct described *out)
{
	const struct args_list *list = &app->args.lists[FLAG_SCOPE];
	uint32_t *scopes = pol_arena_alloc(&app->arena, list->count, sizeof *scopes);
	int status = EXIT_YES;

	if (scopes == NULL) {
		return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
	}
	for (size_t i = 0; status == EXIT_YES && i < list->count; i++) {
		status = policy_find_scope(app, snapshot, list->items[i], &scopes[i]);
	}
	out->facts.scopes = scopes;
	out->facts.scope_count = (uint32_t)list->count;
	out->facts.narrowed = out->facts.narrowed_by_scopes = list->count > 0;
	return status;
}

static int read_principal(
	struct app *app, const struct pol_snapshot *snapshot, struct described *out)
{
	uint32_t principal;
	int status = policy_find_principal(
		app, snapshot, pol_str_of(app->args.values[FLAG_PRINCIPAL]), &principal);

	if (status == EXIT_YES) {
		uint32_t count = (uint32_t)pol_snapshot_principal_held(
			snapshot, principal, app->now, out->held);

		out->facts = pol_who_declared(snapshot, principal, out->held, count);
		out->facts.key_state = POL_KEY_ACTIVE;
		out->facts.binding = POL_BOUND_TO_PRINCIPAL;
		out->facts.now = app->now;
	}
	return status;
}

/* A key of a principal, of roles, or of scopes alone. */
static int describe(struct app *app, const struct pol_snapshot *snapshot, struct described *out)
{
	bool principal = app->args.given[FLAG_PRINCIPAL];
	bool roles = app->args.given[FLAG_ROLE];
	int status = EXIT_YES;

	if (principal && roles) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--principal and --role exclude each other");
	}
	if (app->args.given[FLAG_AT] && !roles) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--at is where roles are held: give --role");
	}
	if (!principal && !roles && !app->args.given[FLAG_SCOPE]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"for whom? give --role A,B, --scope S,T or --principal ID");
	}
	out->facts = (struct pol_facts){
		.key_state = POL_KEY_ACTIVE, .binding = POL_BOUND_TO_SCOPES, .now = app->now
	};
	if (principal) {
		status = read_principal(app, snapshot, out);
	} else if (roles) {
		status = read_roles(app, snapshot, out);
	}
	out->any_principal = roles;
	if (status == EXIT_YES) {
		status = fact_read(app, snapshot, &out->given);
		out->facts.given = &out->given;
	}
	return status == EXIT_YES ? read_scopes(app, snapshot, out) : status;
}

/* --- the answer ------------------------------------------------------------------------------- */

static bool on_allowed(void *context, const struct pol_allowed *allowed)
{
	struct view *view = context;
	struct app *app = view->app;
	json_t *actions = app->want_json ? json_array() : NULL;
	const char *text = "";

	for (size_t i = 0; i < allowed->action_count; i++) {
		if (app->want_json) {
			app_append(app, actions, document_str(allowed->actions[i]));
		} else {
			text = app_text(app, "%s%s%s", text, i > 0 ? ", " : "",
				text_escape(&app->arena, allowed->actions[i]));
		}
	}
	if (!app->want_json) {
		return resources_add(&view->resources, allowed->resource, text, allowed->when);
	}
	app_item(app, json_pack("{s:o, s:o, s:o*}", "resource", document_str(allowed->resource),
			      "actions", actions, "when",
			      allowed->when.len > 0 ? document_str(allowed->when) : NULL));
	return true;
}

/* Every entry, however many there are. */
static int walk(struct app *app, const struct pol_snapshot *snapshot,
	const struct described *described, const struct resources_part *part)
{
	struct view view = { .app = app, .resources = { .app = app } };
	struct pol_query query = {
		.tree = pol_str_of(part->tree),
		.at = pol_str_of(part->at),
		.any_principal = described->any_principal,
		.visit = on_allowed,
		.context = &view,
	};
	struct pol_query_result walked = { .more = true };

	if (app->want_json) {
		app_list(app, json_pack("{s:s}", "revision", pol_snapshot_revision(snapshot)),
			"items");
	}
	while (walked.more) {
		enum pol_status status =
			pol_query_permissions(snapshot, &described->facts, &query, &walked);

		if (status == POL_EINVALID) {
			return app_fail(app, EXIT_USAGE, "not_found", "the policy declares no '%s'",
				part->at != NULL ? part->at : part->tree);
		}
		if (status != POL_OK || app->arena.status != POL_OK) {
			return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
		}
		query.from = walked.next;
	}
	if (!app->want_json) {
		resources_print(&view.resources);
	}
	return EXIT_YES;
}

static int run(struct app *app)
{
	const char *word = app->args.word_count > 1 ? app->args.words[1] : NULL;
	struct policy policy = { 0 };
	struct resources_part part;
	struct described described;
	int status = resources_read_part(app, word, &part);

	if (status == EXIT_YES) {
		status = policy_need(app, app->args.words[0], &policy);
	}
	if (status == EXIT_YES) {
		status = describe(app, policy.snapshot, &described);
	}
	if (status == EXIT_YES) {
		status = walk(app, policy.snapshot, &described, &part);
	}
	policy_finish(&policy);
	return status;
}

const struct command command_policy_can = {
	.name = "policy can",
	.words = "DIR [TREE | TREE:/PATH]",
	.summary = "Show what roles, scopes or a principal of a folder may do, as a tree",
	.text = "What roles, scopes or both allow, by the sets that decide requests,\n"
		"'anyone' included; with --principal to one that the folder declares. What\n"
		"is held only sometimes has its condition, with what is known put in.\n"
		"Stacks, networks and hours are not considered. With TREE:/PATH only what\n"
		"lies at or below it. No daemon is needed.\n",
	.examples =
		"  authzcheck policy can policy/ --role servicing\n"
		"  authzcheck policy can policy/ --role servicing --at api:/loans/7 api:/loans\n"
		"  authzcheck policy can policy/ --scope loans:read --json\n",
	.flags = { FLAG_ROLE, FLAG_AT, FLAG_SCOPE, FLAG_PRINCIPAL, FLAG_FACT, FLAG_TREE,
		FLAG_MODULES },
	.min_words = 1,
	.max_words = 2,
	.run = run,
};
