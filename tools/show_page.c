/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/show_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/page/page.h"
#include "tools/replace.h"
#include "tools/text.h"

struct building {
	struct app *app;
	const struct show_page *page;
	struct pol_show_holder *holders;
	size_t holder_count;
	json_t *nodes;
	size_t actions;
	char *marks;               /* of one action, one character for each holder */
	json_t *conditions;        /* their texts, each once */
	json_t *condition_numbers; /* by text */
};

/* --- roles and scopes ------------------------------------------------------------------------- */

static bool is_holder(const struct pol_show_holder *a, const struct pol_show_holder *b)
{
	return b != NULL && a->scope == b->scope && a->number == b->number;
}

/* All roles, then all scopes; or the chosen one. False: no memory. */
static bool list_holders(struct building *building, bool one)
{
	const struct pol_snapshot *snapshot = building->page->snapshot;
	size_t roles = pol_snapshot_role_count(snapshot);
	size_t scopes = pol_snapshot_scope_count(snapshot);
	struct pol_arena *arena = &building->app->arena;

	building->holders = pol_arena_alloc(arena, roles + scopes, sizeof *building->holders);
	building->marks = pol_arena_alloc(arena, roles + scopes, 1);
	if (building->holders == NULL || building->marks == NULL) {
		return false;
	}
	for (size_t i = 0; i < roles + scopes; i++) {
		struct pol_show_holder holder = { .scope = i >= roles,
			.number = (uint32_t)(i < roles ? i : i - roles) };

		if (!one || is_holder(&holder, building->page->holder)) {
			building->holders[building->holder_count++] = holder;
		}
	}
	return true;
}

static json_t *json_holders(struct building *building, json_int_t *out_chosen)
{
	const struct pol_snapshot *snapshot = building->page->snapshot;
	json_t *array = json_array();

	*out_chosen = -1;
	for (size_t i = 0; i < building->holder_count; i++) {
		const struct pol_show_holder *holder = &building->holders[i];
		uint32_t number = holder->number;

		if (is_holder(holder, building->page->holder)) {
			*out_chosen = (json_int_t)i;
		}
		app_append(building->app, array,
			holder->scope
				? json_pack("[s, o, o]", "scope",
					  document_str(pol_snapshot_scope_name(snapshot, number)),
					  document_str(
						  pol_snapshot_scope_description(snapshot, number)))
				: json_pack("[s, o, o]", "role",
					  document_str(pol_snapshot_role_name(snapshot, number)),
					  document_str(pol_snapshot_role_description(
						  snapshot, number))));
	}
	return array;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static char mark_of(const struct pol_show_marks *marks)
{
	if (marks->denied) {
		return marks->sometimes ? '!' : marks->partly ? 'x' : '-';
	}
	return marks->sometimes ? '?' : marks->allowed ? '+' : marks->partly ? '~' : '.';
}

/* The number of a condition's text, among those that the page has. */
static json_t *condition_number(struct building *building, const char *when)
{
	json_t *number = json_object_get(building->condition_numbers, when);

	if (number == NULL) {
		number = json_integer((json_int_t)json_array_size(building->conditions));
		app_append(building->app, building->conditions, document_text(when));
		json_object_set_new(building->condition_numbers, when, number);
	}
	return number;
}

/* Marks as runs, in place: "....+" is ".4+". Most roles may do little, so most marks are the same
 * as the one before. Returns the length, which is never more. */
static size_t make_runs(char *marks, size_t count)
{
	size_t used = 0;

	for (size_t i = 0, next; i < count; i = next) {
		char number[24];
		int digits = 0;

		for (next = i + 1; next < count && marks[next] == marks[i]; next++) {
		}
		if (next > i + 1) {
			digits = snprintf(number, sizeof number, "%zu", next - i);
		}
		marks[used++] = marks[i];
		memcpy(marks + used, number, (size_t)digits);
		used += (size_t)digits;
	}
	return used;
}

/* The conditions are an object: a number of a text by the number of a holder. */
static json_t *json_action(struct building *building, const struct pol_shown_action *action)
{
	json_t *conditions = NULL;
	char when[POL_WHEN_TEXT], key[24];

	for (size_t i = 0; i < building->holder_count; i++) {
		struct pol_show_marks marks = pol_show_mark(
			building->page->snapshot, &building->holders[i], action->number, when);

		building->marks[i] = mark_of(&marks);
		if (when[0] != '\0') {
			conditions = conditions != NULL ? conditions : json_object();
			snprintf(key, sizeof key, "%zu", i);
			json_object_set(conditions, key, condition_number(building, when));
		}
	}
	return json_pack("[o, o, o, o, o*]", document_str(action->name),
		document_str(action->methods), document_str(action->description),
		document_str((struct pol_str){
			building->marks, make_runs(building->marks, building->holder_count) }),
		conditions);
}

static bool on_node(void *context, const struct pol_shown *shown)
{
	struct building *building = context;
	json_t *actions = json_array();

	for (size_t i = 0; i < shown->action_count; i++) {
		app_append(building->app, actions, json_action(building, &shown->actions[i]));
	}
	app_append(building->app, building->nodes,
		json_pack("[I, o, o, o]", (json_int_t)shown->depth, document_str(shown->segment),
			document_str(shown->description), actions));
	return !building->app->no_memory;
}

static bool on_count(void *context, const struct pol_shown *shown)
{
	struct building *building = context;

	building->actions += shown->action_count;
	return true;
}

static enum pol_status walk(struct building *building, pol_show_visit visit)
{
	return pol_show(building->page->snapshot, building->page->tree, NULL, visit, building);
}

/* --- the page --------------------------------------------------------------------------------- */

static const char *about(const struct building *building)
{
	struct app *app = building->app;
	const struct pol_snapshot *snapshot = building->page->snapshot;
	struct pol_str tree = building->page->tree;

	return app_text(app, "%s%.*s%srevision %s: %s, %s, %s, %s", tree.len > 0 ? "tree " : "",
		POL_STR_ARGS(tree), tree.len > 0 ? ", " : "", pol_snapshot_revision(snapshot),
		app_count(app, json_array_size(building->nodes), "node"),
		app_count(app, building->actions, "action"),
		app_count(app, pol_snapshot_role_count(snapshot), "role"),
		app_count(app, pol_snapshot_scope_count(snapshot), "scope"));
}

static char *page_data(struct building *building)
{
	json_int_t chosen;
	json_t *holders = json_holders(building, &chosen);
	const char *search = building->page->search;
	json_t *data = json_pack("{s:o, s:o, s:o, s:I, s:o, s:O, s:O}", "folder",
		document_text(building->page->folder), "about", document_text(about(building)),
		"search", document_text(search != NULL ? search : ""), "holder", chosen, "holders",
		holders, "nodes", building->nodes, "conditions", building->conditions);
	char *text = data != NULL ? json_dumps(data, JSON_COMPACT) : NULL;

	json_decref(data);
	return text;
}

/* In JSON these characters are in strings alone, where their escapes mean the same. */
static void put_data(FILE *file, const char *data)
{
	for (; *data != '\0'; data++) {
		if (*data == '<' || *data == '>' || *data == '&') {
			fprintf(file, "\\u%04x", (unsigned)*data);
		} else {
			fputc(*data, file);
		}
	}
}

static void put_page(const struct building *building, const char *data, FILE *file)
{
	struct app *app = building->app;

	page_put_part(file, page_policy_show.to_title);
	page_put_text(file, app_text(app, "Policy %s",
				    text_escape(&app->arena, pol_str_of(building->page->folder))));
	page_put_part(file, page_policy_show.to_data);
	put_data(file, data);
	page_put_part(file, page_policy_show.to_end);
}

static int write_file(const struct building *building, const char *data, const char *path)
{
	struct app *app = building->app;
	struct replace_new new;
	int status;

	if (strcmp(path, "-") == 0) {
		put_page(building, data, stdout);
		return EXIT_YES; /* whether it could be written is found out at the end */
	}
	status = replace_begin(app, path, false, &new);
	if (status == EXIT_YES) {
		put_page(building, data, new.file);
	}
	status = replace_end(app, &new, status);
	if (status == EXIT_YES) {
		printf("%s: %s\n", text_escape(&app->arena, pol_str_of(path)), about(building));
	}
	return status;
}

/* All marks, those of the holder, or a message that there are too many. */
static int choose_holders(struct building *building)
{
	const struct show_page *page = building->page;
	size_t all =
		pol_snapshot_role_count(page->snapshot) + pol_snapshot_scope_count(page->snapshot);
	bool fits = all == 0 || building->actions <= SHOW_PAGE_MARKS / all;

	if (!fits && page->holder == NULL) {
		return app_fail(building->app, EXIT_USAGE, "limit_reached",
			"%zu actions and %zu roles and scopes are more than a page can have: "
			"choose one of them with --role or --scope, or a tree with --tree",
			building->actions, all);
	}
	if (!fits) {
		app_warn(building->app, "the page has the marks of one %s alone",
			page->holder->scope ? "scope" : "role");
	}
	return list_holders(building, !fits) ? EXIT_YES : EXIT_DAEMON;
}

static int build(struct building *building, const char *path)
{
	char *data;
	int status = choose_holders(building);

	if (status != EXIT_YES) {
		return status;
	}
	if (walk(building, on_node) != POL_OK || building->app->no_memory) {
		building->app->no_memory = true;
		return EXIT_DAEMON;
	}
	data = page_data(building);
	if (data == NULL) {
		building->app->no_memory = true;
		return EXIT_DAEMON;
	}
	status = write_file(building, data, path);
	free(data);
	return status;
}

int show_page_write(struct app *app, const struct show_page *page, const char *path)
{
	struct building building = { .app = app,
		.page = page,
		.nodes = json_array(),
		.conditions = json_array(),
		.condition_numbers = json_object() };
	int status;

	if (walk(&building, on_count) == POL_EINVALID) {
		status = app_fail(app, EXIT_USAGE, "not_found", "unknown tree '%.*s'",
			POL_STR_ARGS(page->tree));
	} else {
		status = build(&building, path);
	}
	json_decref(building.nodes);
	json_decref(building.conditions);
	json_decref(building.condition_numbers);
	return status;
}
