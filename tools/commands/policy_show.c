/* SPDX-License-Identifier: Apache-2.0 */

/* policy show: the resource trees, and what a role may do in them, drawn as trees. */

#include <stdio.h>
#include <string.h>

#include "policy/ask/show.h"
#include "tools/commands/commands.h"
#include "tools/draw.h"
#include "tools/policy.h"
#include "tools/text.h"

/* One node of the tree, ready to be drawn. */
struct shown {
	unsigned depth;
	bool kept; /* it, or something below it, was searched for */
	const char *text;
};

struct view {
	struct app *app;
	const char *search; /* NULL: everything */
	bool with_role;
	json_t *items; /* with --json: the nodes found */
	struct shown *nodes;
	size_t count;
	size_t capacity;
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

/* "+list GET" and so on; without a role no mark. */
static const char *action_text(const struct view *view, const struct pol_shown_action *action)
{
	struct app *app = view->app;
	bool colour = app->colour && view->with_role;
	enum colour how = COLOUR_DIM;
	const char *mark = "·";

	if (action->denied) {
		how = COLOUR_RED;
		mark = "-";
	} else if (action->allowed) {
		how = COLOUR_GREEN;
		mark = "+";
	}
	return app_text(app, "  %s%s%s%s%s%s", text_begin(colour, how), view->with_role ? mark : "",
		text_escape(&app->arena, action->name), action->methods.len > 0 ? " " : "",
		text_escape(&app->arena, action->methods), text_end(colour, how));
}

static const char *node_text(const struct view *view, const struct pol_shown *shown)
{
	struct app *app = view->app;
	const char *segment = text_escape(&app->arena, shown->segment);
	const char *text = app_text(app, "%s%s%s%s%s", text_begin(app->colour, COLOUR_BOLD),
		shown->depth > 0 && segment[0] != '/' ? "/" : "", segment,
		shown->depth > 0 ? "" : ":", text_end(app->colour, COLOUR_BOLD));

	for (size_t i = 0; i < shown->action_count; i++) {
		text = app_text(app, "%s%s", text, action_text(view, &shown->actions[i]));
	}
	if (shown->description.len > 0) {
		text = app_text(app, "%s  %s\"%s\"%s", text, text_begin(app->colour, COLOUR_DIM),
			text_escape(&app->arena, shown->description),
			text_end(app->colour, COLOUR_DIM));
	}
	if (shown->strict_slash) {
		text = app_text(app, "%s  strict_slash yes", text);
	}
	return text;
}

static bool on_drawn(void *context, const struct pol_shown *shown)
{
	struct view *view = context;
	bool kept = view->search == NULL || matches(shown, view->search);

	if (view->count == view->capacity) {
		struct shown *nodes = pol_arena_grow(&view->app->arena, view->nodes, view->count,
			view->count + 1, sizeof *nodes, &view->capacity);

		if (nodes == NULL) {
			return false;
		}
		view->nodes = nodes;
	}
	view->nodes[view->count++] = (struct shown){ shown->depth, kept, node_text(view, shown) };
	view->found += kept;
	return true;
}

/* "PUT PATCH" as ["PUT", "PATCH"]. */
static json_t *json_methods(struct app *app, struct pol_str methods)
{
	json_t *array = json_array();

	while (methods.len > 0) {
		const char *space = memchr(methods.ptr, ' ', methods.len);
		size_t len = space != NULL ? (size_t)(space - methods.ptr) : methods.len;

		app_append(app, array, document_str((struct pol_str){ methods.ptr, len }));
		len += space != NULL;
		methods = (struct pol_str){ methods.ptr + len, methods.len - len };
	}
	return array;
}

/* NULL, which json_pack leaves out, where there is none. */
static json_t *json_description(struct pol_str description)
{
	return description.len > 0 ? document_str(description) : NULL;
}

static json_t *json_action(const struct view *view, const struct pol_shown_action *action)
{
	return json_pack("{s:o, s:o, s:o*, s:o*, s:o*}", "name", document_str(action->name),
		"methods", json_methods(view->app, action->methods), "description",
		json_description(action->description), "allowed",
		view->with_role ? json_boolean(action->allowed && !action->denied) : NULL, "denied",
		view->with_role ? json_boolean(action->denied) : NULL);
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

static void draw(struct view *view)
{
	struct draw drawing = { 0 };
	bool below[DRAW_MAX_DEPTH + 1] = { false };

	/* From the end: what is above something kept is kept too. */
	for (size_t i = view->count; i-- > 0;) {
		struct shown *node = &view->nodes[i];
		unsigned depth = node->depth < DRAW_MAX_DEPTH ? node->depth : DRAW_MAX_DEPTH - 1;

		node->kept = node->kept || below[depth + 1];
		below[depth + 1] = false;
		below[depth] = below[depth] || node->kept;
	}
	for (size_t i = 0; i < view->count; i++) {
		const struct shown *node = &view->nodes[i];

		if (node->kept && !draw_add(&drawing, &view->app->arena, node->depth, node->text)) {
			return;
		}
	}
	draw_print(&drawing, stdout);
	if (view->with_role && drawing.count > 0) {
		printf("\n+ allowed   - denied whatever else is held   · not allowed\n");
	}
}

/* The number of the role that --role names, POL_NONE without. False: reported. */
static bool find_role(struct app *app, const struct policy *policy, uint32_t *out)
{
	const char *role = app->args.values[FLAG_ONE_ROLE];
	size_t count = pol_snapshot_role_count(policy->snapshot);
	const char **names;
	const char *nearest;

	*out = POL_NONE;
	if (role == NULL) {
		return true;
	}
	*out = pol_snapshot_role(policy->snapshot, pol_str_of(role));
	if (*out != POL_NONE) {
		return true;
	}
	names = pol_arena_alloc(&app->arena, count, sizeof *names);
	for (size_t i = 0; names != NULL && i < count; i++) {
		names[i] = app_text(app, "%.*s",
			POL_STR_ARGS(pol_snapshot_role_name(policy->snapshot, (uint32_t)i)));
	}
	nearest = args_nearest(role, names, names != NULL ? count : 0);
	app_fail(app, EXIT_USAGE, "not_found", "unknown role '%s'%s%s%s", role,
		nearest != NULL ? ": did you mean '" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "'?" : "");
	return false;
}

static int show_policy(struct app *app, const struct policy *policy)
{
	struct pol_str tree = pol_str_of(app->args.values[FLAG_TREE]);
	struct view view = { .app = app, .search = app->args.values[FLAG_SEARCH] };
	uint32_t role;

	if (!find_role(app, policy, &role)) {
		return EXIT_USAGE;
	}
	view.with_role = role != POL_NONE;
	view.items = app->want_json ? json_array() : NULL;
	if (pol_show(policy->snapshot, tree, role, app->want_json ? on_json : on_drawn, &view) !=
		POL_OK) {
		json_decref(view.items);
		return app_fail(
			app, EXIT_USAGE, "not_found", "unknown tree '%.*s'", POL_STR_ARGS(tree));
	}
	if (app->want_json) {
		app_document(
			app, json_pack("{s:s, s:o}", "revision",
				     pol_snapshot_revision(policy->snapshot), "items", view.items));
	} else {
		draw(&view);
	}
	if (view.search != NULL && view.found == 0) {
		fflush(stdout);
		fprintf(stderr, "authzcheck: nothing found\n");
		return EXIT_NO;
	}
	return EXIT_YES;
}

static int run(struct app *app)
{
	struct policy policy = { 0 };
	int status = policy_need(app, app->args.words[0], &policy);

	if (status == EXIT_YES) {
		status = show_policy(app, &policy);
	}
	policy_finish(&policy);
	return status;
}

const struct command command_policy_show = {
	.name = "policy show",
	.words = "DIR",
	.summary = "Draw the resource trees, and what a role may do in them",
	.text = "With --role every action is marked: + allowed, - denied, · not\n"
		"allowed. With --search only what has the word in its path, its actions\n"
		"or its description is shown, with what lies above it; exit status 1\n"
		"when nothing has.\n",
	.examples = "  authzcheck policy show policy/\n"
		    "  authzcheck policy show --role collector --tree api policy/\n"
		    "  authzcheck policy show --search payments policy/\n",
	.flags = { FLAG_ONE_ROLE, FLAG_TREE, FLAG_SEARCH, FLAG_MODULES },
	.min_words = 1,
	.run = run,
};
