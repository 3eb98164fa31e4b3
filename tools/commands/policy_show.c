/* SPDX-License-Identifier: Apache-2.0 */

/* policy show: the resource trees, and what a role or scope may do in them: drawn, or as a page. */

#include <stdio.h>
#include <string.h>

#include "policy/ask/show.h"
#include "tools/commands/commands.h"
#include "tools/policy.h"
#include "tools/show_page.h"
#include "tools/show_tree.h"
#include "tools/text.h"

struct view {
	struct app *app;
	const char *search; /* NULL: everything */
	bool marked;
	json_t *items; /* with --json: the nodes found */
	struct show_tree tree;
	size_t found;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ASCII case apart. */
static bool contains(struct pol_str text, const char *word)
{
	size_t len = strlen(word);

	for (size_t at = 0; at + len <= text.len; at++) {
		size_t i = 0;

		while (i < len && lower(text.ptr[at + i]) == lower(word[i])) {
			i++;
		}
		if (i == len) {
			return true;
		}
	}
	return false;
}

static bool matches(const struct pol_shown *shown, const char *word)
{
	if (contains(shown->resource, word) || contains(shown->description, word)) {
		return true;
	}
	for (size_t i = 0; i < shown->action_count; i++) {
		const struct pol_shown_action *action = &shown->actions[i];

		if (contains(action->name, word) || contains(action->methods, word) ||
			contains(action->description, word)) {
			return true;
		}
	}
	return false;
}

static bool on_drawn(void *context, const struct pol_shown *shown)
{
	struct view *view = context;
	bool kept = view->search == NULL || matches(shown, view->search);

	view->found += kept;
	return show_tree_add(&view->tree, shown, kept);
}

/* NULL, which json_pack leaves out, where there is none. */
static json_t *json_description(struct pol_str description)
{
	return description.len > 0 ? document_str(description) : NULL;
}

static json_t *json_action(const struct view *view, const struct pol_shown_action *action)
{
	const struct pol_show_marks *marks = &action->marks;

	return json_pack("{s:o, s:o, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*}", "name",
		document_str(action->name), "methods", document_words(action->methods),
		"description", json_description(action->description), "allowed",
		view->marked ? json_boolean(marks->allowed) : NULL, "partly",
		view->marked ? json_boolean(marks->partly) : NULL, "sometimes",
		view->marked ? json_boolean(marks->sometimes) : NULL, "denied",
		view->marked ? json_boolean(marks->denied) : NULL, "when",
		json_description(action->when));
}

static bool on_json(void *context, const struct pol_shown *shown)
{
	struct view *view = context;
	json_t *actions;

	if (view->search != NULL && !matches(shown, view->search)) {
		return true;
	}
	view->found++;
	actions = json_array();
	for (size_t i = 0; i < shown->action_count; i++) {
		app_append(view->app, actions, json_action(view, &shown->actions[i]));
	}
	app_append(view->app, view->items,
		json_pack("{s:o, s:o*, s:o*, s:o}", "resource", document_str(shown->resource),
			"description", json_description(shown->description), "strict_slash",
			shown->strict_slash ? json_true() : NULL, "actions", actions));
	return true;
}

/* --- whose marks ------------------------------------------------------------------------------ */

/* Roles or scopes by their numbers. */
struct names {
	const char *what;
	size_t count;
	struct pol_str (*name)(const struct pol_snapshot *snapshot, uint32_t number);
	uint32_t (*find)(const struct pol_snapshot *snapshot, struct pol_str name);
};

static int find(struct app *app, const struct pol_snapshot *snapshot, const struct names *names,
	const char *wanted, uint32_t *out)
{
	const char **offers;
	const char *nearest;

	*out = names->find(snapshot, pol_str_of(wanted));
	if (*out != POL_NONE) {
		return EXIT_YES;
	}
	offers = pol_arena_alloc(&app->arena, names->count, sizeof *offers);
	for (size_t i = 0; offers != NULL && i < names->count; i++) {
		offers[i] = app_text(app, "%.*s", POL_STR_ARGS(names->name(snapshot, (uint32_t)i)));
	}
	nearest = args_nearest(wanted, offers, offers != NULL ? names->count : 0);
	return app_fail(app, EXIT_USAGE, "not_found", "unknown %s '%s'%s%s%s", names->what, wanted,
		nearest != NULL ? ": did you mean '" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "'?" : "");
}

/* The holder that --role or --scope names; *out NULL without. EXIT_YES, or a status after a
 * message. */
static int find_holder(struct app *app, const struct pol_snapshot *snapshot,
	struct pol_show_holder *holder, const struct pol_show_holder **out)
{
	const char *role = app->args.values[FLAG_ONE_ROLE];
	const char *scope = app->args.values[FLAG_ONE_SCOPE];
	const struct names roles = { "role", pol_snapshot_role_count(snapshot),
		pol_snapshot_role_name, pol_snapshot_role };
	const struct names scopes = { "scope", pol_snapshot_scope_count(snapshot),
		pol_snapshot_scope_name, pol_snapshot_scope };

	*out = NULL;
	if (role == NULL && scope == NULL) {
		return EXIT_YES;
	}
	holder->scope = scope != NULL;
	*out = holder;
	return find(app, snapshot, scope != NULL ? &scopes : &roles, scope != NULL ? scope : role,
		&holder->number);
}

/* --- what comes out --------------------------------------------------------------------------- */

static int show_text(struct view *view, const struct pol_snapshot *snapshot,
	const struct pol_show_holder *holder)
{
	struct app *app = view->app;
	struct pol_str tree = pol_str_of(app->args.values[FLAG_TREE]);
	enum pol_status status;

	view->items = app->want_json ? json_array() : NULL;
	status = pol_show(snapshot, tree, holder, app->want_json ? on_json : on_drawn, view);
	if (status == POL_EINVALID) {
		json_decref(view->items);
		return app_fail(
			app, EXIT_USAGE, "not_found", "unknown tree '%.*s'", POL_STR_ARGS(tree));
	}
	if (status != POL_OK) {
		app->no_memory = true;
	}
	if (app->want_json) {
		app_document(app, json_pack("{s:s, s:o}", "revision",
					  pol_snapshot_revision(snapshot), "items", view->items));
	} else {
		show_tree_draw(&view->tree, stdout);
	}
	if (view->search != NULL && view->found == 0) {
		fflush(stdout);
		fprintf(stderr, "authzcheck: nothing found\n");
		return EXIT_NO;
	}
	return EXIT_YES;
}

static int show_page(
	struct app *app, const struct pol_snapshot *snapshot, const struct pol_show_holder *holder)
{
	const struct show_page page = { .snapshot = snapshot,
		.folder = app->args.words[0],
		.tree = pol_str_of(app->args.values[FLAG_TREE]),
		.holder = holder,
		.search = app->args.values[FLAG_SEARCH] };

	return show_page_write(app, &page, app->args.values[FLAG_HTML]);
}

static int show_policy(struct app *app, const struct policy *policy)
{
	const char *search = app->args.values[FLAG_SEARCH];
	struct pol_show_holder named;
	const struct pol_show_holder *holder;
	struct view view = { .app = app, .search = search };
	int status = find_holder(app, policy->snapshot, &named, &holder);

	if (status != EXIT_YES) {
		return status;
	}
	if (app->args.values[FLAG_HTML] != NULL) {
		return show_page(app, policy->snapshot, holder);
	}
	view.marked = holder != NULL;
	view.tree = (struct show_tree){ .app = app,
		.marked = view.marked,
		.unfolded = search != NULL || app->args.given[FLAG_UNFOLD],
		.columns = text_columns(stdout) };
	return show_text(&view, policy->snapshot, holder);
}

static int check_options(struct app *app)
{
	static const enum flag pairs[][2] = {
		{ FLAG_ONE_ROLE, FLAG_ONE_SCOPE },
		{ FLAG_HTML, FLAG_JSON },
		{ FLAG_HTML, FLAG_UNFOLD },
		{ FLAG_UNFOLD, FLAG_JSON },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		if (app->args.given[pairs[i][0]] && app->args.given[pairs[i][1]]) {
			return app_fail(app, EXIT_USAGE, "usage",
				"--%s and --%s exclude each other", args_name(pairs[i][0]),
				args_name(pairs[i][1]));
		}
	}
	return EXIT_YES;
}

static int run(struct app *app)
{
	struct policy policy = { 0 };
	int status = check_options(app);

	if (status == EXIT_YES) {
		status = policy_need(app, app->args.words[0], &policy);
	}
	if (status == EXIT_YES) {
		status = show_policy(app, &policy);
	}
	policy_finish(&policy);
	return status;
}

const struct command command_policy_show = {
	.name = "policy show",
	.words = "DIR",
	.summary = "Draw the resource trees, and what a role or scope may do in them",
	.text = "With --role or --scope every action is marked: + allowed, ? allowed on the\n"
		"condition that follows, ~ some of its methods allowed, - denied, · not allowed; "
		"and what is allowed, or not\n"
		"allowed, as a whole is one line, unless --unfold is given. With\n"
		"--search only what has the word in its path, its actions or its\n"
		"description is shown, with what lies above it; exit status 1 when\n"
		"nothing has.\n"
		"\n"
		"--html writes a page that needs no other file: the tree, to be searched\n"
		"and opened, and the matrix of all roles and scopes against it. It\n"
		"begins with the role or scope and the word that are given.\n",
	.examples = "  authzcheck policy show policy/\n"
		    "  authzcheck policy show --role collector --tree api policy/\n"
		    "  authzcheck policy show --search payments policy/\n"
		    "  authzcheck policy show --role collector --html report.html policy/\n",
	.flags = { FLAG_ONE_ROLE, FLAG_ONE_SCOPE, FLAG_TREE, FLAG_SEARCH, FLAG_UNFOLD, FLAG_HTML,
		FLAG_MODULES },
	.min_words = 1,
	.run = run,
};
