/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ask/show.h"
#include "policy/text/method.h"
#include "tools/text.h"

struct entry {
	struct pol_str method;
	struct pol_str path;   /* as declared: /loans/{loan} */
	struct pol_str key;    /* the path without the parameters' names */
	struct pol_str action; /* the method itself where it is one */
};

struct entries {
	struct app *app;
	struct entry *items;
	size_t count, capacity;
};

/* Parameters keep their braces alone, for their names say nothing about which requests they take.
 */
static struct pol_str key_of(struct app *app, struct pol_str path)
{
	char *out = pol_arena_alloc(&app->arena, path.len, 1);
	size_t len = 0;
	bool name = false;

	for (size_t i = 0; out != NULL && i < path.len; i++) {
		bool dots = name && path.ptr[i] == '.';

		name = name && path.ptr[i] != '}';
		if (!name || dots) {
			out[len++] = path.ptr[i];
		}
		name = name || (path.ptr[i] == '{' && i > 0 && path.ptr[i - 1] == '/');
	}
	return (struct pol_str){ out, len };
}

static bool add(
	struct entries *entries, struct pol_str path, struct pol_str action, struct pol_str method)
{
	struct pol_arena *arena = &entries->app->arena;

	if (entries->count == entries->capacity) {
		struct entry *grown = pol_arena_grow(arena, entries->items, entries->count,
			entries->count + 1, sizeof *grown, &entries->capacity);

		if (grown == NULL) {
			return false;
		}
		entries->items = grown;
	}
	entries->items[entries->count++] = (struct entry){
		.method = pol_arena_copy(arena, method),
		.path = path,
		.key = key_of(entries->app, path),
		.action = pol_arena_copy(arena, action),
	};
	return arena->status == POL_OK;
}

static bool on_node(void *context, const struct pol_shown *shown)
{
	struct entries *entries = context;
	const char *colon = memchr(shown->resource.ptr, ':', shown->resource.len);
	struct pol_str path = { colon + 1,
		shown->resource.len - (size_t)(colon + 1 - shown->resource.ptr) };

	path = pol_arena_copy(&entries->app->arena, path);
	for (size_t i = 0; i < shown->action_count; i++) {
		const struct pol_shown_action *action = &shown->actions[i];
		struct pol_str methods = action->methods;

		if (pol_method_is_registered(action->name)) {
			methods = action->name;
		}
		while (methods.len > 0) {
			const char *space = memchr(methods.ptr, ' ', methods.len);
			size_t len = space != NULL ? (size_t)(space - methods.ptr) : methods.len;

			if (!add(entries, path, action->name,
				    (struct pol_str){ methods.ptr, len })) {
				return false;
			}
			methods.ptr += len + (space != NULL);
			methods.len -= len + (space != NULL);
		}
	}
	return true;
}

static int compare_keys(const void *a, const void *b)
{
	const struct entry *first = a, *second = b;
	int order = pol_str_compare(first->key, second->key);

	return order != 0 ? order : pol_str_compare(first->method, second->method);
}

static enum pol_status read_tree(
	const struct pol_snapshot *snapshot, const char *tree, struct entries *out)
{
	enum pol_status status = pol_show(snapshot, pol_str_of(tree), NULL, on_node, out);

	if (status == POL_OK) {
		status = out->app->arena.status;
	}
	if (status == POL_OK && out->count > 0) {
		qsort(out->items, out->count, sizeof *out->items, compare_keys);
	}
	return status;
}

struct tally {
	size_t added, removed, renamed;
	json_t *lists[3]; /* with --json */
};

static void put_line(struct app *app, char sign, enum colour colour, const struct entry *entry)
{
	printf("%s%c%s %-7.*s ", text_begin(app->colour, colour), sign,
		text_end(app->colour, colour), POL_STR_ARGS(entry->method));
	text_put(stdout, entry->path);
	if (!pol_str_equal(entry->action, entry->method)) {
		printf("  ");
		text_put(stdout, entry->action);
	}
}

static json_t *json_entry(const struct entry *entry)
{
	return json_pack("{s:o, s:o, s:o}", "method", document_str(entry->method), "path",
		document_str(entry->path), "action", document_str(entry->action));
}

static void one_sided(struct app *app, struct tally *tally, bool added, const struct entry *entry)
{
	*(added ? &tally->added : &tally->removed) += 1;
	if (app->want_json) {
		app_append(app, tally->lists[added ? 0 : 1], json_entry(entry));
		return;
	}
	put_line(app, added ? '+' : '-', added ? COLOUR_GREEN : COLOUR_RED, entry);
	putchar('\n');
}

static void both(
	struct app *app, struct tally *tally, const struct entry *before, const struct entry *after)
{
	if (pol_str_equal(before->action, after->action) &&
		pol_str_equal(before->path, after->path)) {
		return;
	}
	tally->renamed++;
	if (app->want_json) {
		app_append(app, tally->lists[2],
			json_pack("{s:o, s:o}", "before", json_entry(before), "after",
				json_entry(after)));
		return;
	}
	put_line(app, '~', COLOUR_YELLOW, before);
	printf("  ->  ");
	if (!pol_str_equal(before->path, after->path)) {
		text_put(stdout, after->path);
		printf("  ");
	}
	text_put(stdout, after->action);
	putchar('\n');
}

static void walk(struct app *app, struct tally *tally, const struct entries *before,
	const struct entries *after)
{
	size_t i = 0, k = 0;

	while (i < before->count || k < after->count) {
		int order = i == before->count  ? 1
			    : k == after->count ? -1
						: compare_keys(&before->items[i], &after->items[k]);

		if (order < 0) {
			one_sided(app, tally, false, &before->items[i++]);
		} else if (order > 0) {
			one_sided(app, tally, true, &after->items[k++]);
		} else {
			both(app, tally, &before->items[i++], &after->items[k++]);
		}
	}
}

int changes_print(struct app *app, const char *tree, const struct pol_snapshot *before,
	const struct pol_snapshot *after)
{
	struct entries old = { .app = app }, new = { .app = app };
	struct tally tally = { 0 };
	enum pol_status status = read_tree(before, tree, &old);

	if (status == POL_EINVALID) {
		return app_fail(app, EXIT_USAGE, "usage",
			"there is no tree '%s' to compare with: --tree names the one that is meant",
			tree);
	}
	status = status == POL_OK ? read_tree(after, tree, &new) : status;
	if (status != POL_OK) {
		return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
	}
	if (app->want_json) {
		for (size_t i = 0; i < 3; i++) {
			tally.lists[i] = json_array();
		}
	}
	walk(app, &tally, &old, &new);
	if (app->want_json) {
		app_document(app, json_pack("{s:o, s:o, s:o}", "added", tally.lists[0], "removed",
					  tally.lists[1], "renamed", tally.lists[2]));
	} else {
		printf("%zu added, %zu removed, %zu renamed\n", tally.added, tally.removed,
			tally.renamed);
	}
	return tally.added + tally.removed + tally.renamed > 0 ? EXIT_NO : EXIT_YES;
}
