/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/show_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/page/page.h"
#include "tools/replace.h"
#include "tools/show_matrix.h"
#include "tools/text.h"

struct building {
	struct app *app;
	const struct show_page *page;
	struct show_matrix matrix;
	json_t *nodes;
	size_t actions;
};

static json_t *json_holders(struct building *building, json_int_t *out_chosen)
{
	json_t *array = json_array();

	*out_chosen = -1;
	for (size_t i = 0; i < building->matrix.holder_count; i++) {
		const struct pol_show_holder *holder = &building->matrix.holders[i];

		if (show_matrix_is(holder, building->page->holder)) {
			*out_chosen = (json_int_t)i;
		}
		app_append(building->app, array,
			json_pack("[s, o, o]", holder->scope ? "scope" : "role",
				document_str(show_matrix_name(&building->matrix, i)),
				document_str(show_matrix_description(&building->matrix, i))));
	}
	return array;
}

static json_t *json_action(struct building *building, const struct pol_shown_action *action)
{
	json_t *conditions;
	struct pol_str marks = show_matrix_marks(&building->matrix, action->number, &conditions);

	return json_pack("[o, o, o, o, o*]", document_str(action->name),
		document_str(action->methods), document_str(action->description),
		document_str(marks), conditions);
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
		holders, "nodes", building->nodes, "conditions", building->matrix.conditions);
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
	bool fits = show_matrix_fits(page->snapshot, building->actions);

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
	return show_matrix_begin(
		       &building->matrix, building->app, page->snapshot, fits ? NULL : page->holder)
		       ? EXIT_YES
		       : EXIT_DAEMON;
}

static int build(struct building *building, const char *path)
{
	char *data;
	int status = choose_holders(building);

	if (status != EXIT_YES) {
		return status;
	}
	if (pol_show(building->page->snapshot, building->page->tree, NULL, on_node, building) !=
			POL_OK ||
		building->app->no_memory) {
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
	struct building building = { .app = app, .page = page, .nodes = json_array() };
	int status;

	if (show_matrix_count(page->snapshot, page->tree, &building.actions) == POL_EINVALID) {
		status = app_fail(app, EXIT_USAGE, "not_found", "unknown tree '%.*s'",
			POL_STR_ARGS(page->tree));
	} else {
		status = build(&building, path);
	}
	json_decref(building.nodes);
	show_matrix_finish(&building.matrix);
	return status;
}
