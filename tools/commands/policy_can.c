/* SPDX-License-Identifier: Apache-2.0 */

/* policy can: what roles, scopes or a declared principal may do, without a daemon. */

#include <stdio.h>
#include <string.h>

#include "policy/ask/query.h"
#include "tools/commands/commands.h"
#include "tools/policy.h"
#include "tools/policy_subject.h"
#include "tools/resources.h"
#include "tools/text.h"

struct view {
	struct app *app;
	struct resources resources;
};

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
	const struct policy_subject *subject, const struct resources_part *part)
{
	struct view view = { .app = app, .resources = { .app = app } };
	struct pol_query query = {
		.tree = pol_str_of(part->tree),
		.at = pol_str_of(part->at),
		.any_principal = subject->any_principal,
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
			pol_query_permissions(snapshot, &subject->facts, &query, &walked);

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
	struct policy_subject subject;
	int status = resources_read_part(app, word, &part);

	if (status == EXIT_YES) {
		status = policy_need(app, app->args.words[0], &policy);
	}
	if (status == EXIT_YES) {
		status = policy_subject_read(app, policy.snapshot, &subject);
	}
	if (status == EXIT_YES) {
		status = walk(app, policy.snapshot, &subject, &part);
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
