/* SPDX-License-Identifier: Apache-2.0 */

/* status: how the daemon is, and which policy answers. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/when.h"

static const char *const titles[] = { "WHAT", "VALUE" };

/* Maps inside maps are shown as "latency p50"; deeper ones than this are not. */
#define MAX_NESTING 4

struct view {
	struct app *app;
	struct table table;
};

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name);
	size_t own = strlen(suffix);

	return len >= own && strcmp(name + len - own, suffix) == 0;
}

/* 1234567 as 1,234,567. */
static const char *number_text(struct app *app, int64_t value)
{
	const char *text = app_text(app, "%" PRId64, value < 0 ? -value : value);
	size_t len = strlen(text);
	const char *out = value < 0 ? "-" : "";

	for (size_t i = 0; i < len; i++) {
		out = app_text(app, "%s%s%c", out, i > 0 && (len - i) % 3 == 0 ? "," : "", text[i]);
	}
	return out;
}

/* By the end of its name: a time, a duration, a size, or a plain number. */
static const char *int_text(struct app *app, const char *name, int64_t value)
{
	if (ends_with(name, "_at") || strcmp(name, "when") == 0) {
		return when_text_full(app, value);
	}
	if (strcmp(name, "uptime") == 0) {
		return when_duration(app, value);
	}
	if (ends_with(name, "_ns")) {
		return app_text(
			app, "%" PRId64 ".%" PRId64 " µs", value / 1000, value % 1000 / 100);
	}
	return number_text(app, value);
}

static void add(struct view *view, const char *title, const char *value)
{
	const struct table_cell cells[] = { { title, COLOUR_NONE }, { value, COLOUR_NONE } };

	table_add(&view->table, cells);
}

static void put_value(struct view *view, const char *title, const char *name,
	struct wire_cursor value, int depth);

static void put_map(struct view *view, const char *title, struct wire_cursor map, int depth)
{
	struct app *app = view->app;
	uint32_t count = 0;

	if (!wire_read_map(&map, &count) || depth > MAX_NESTING) {
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_str key;
		struct wire_cursor value;
		const char *name;
		char *shown;

		if (!wire_read_text(&map, &key) || !wire_take(&map, &value)) {
			return;
		}
		name = text_escape(&app->arena, (struct pol_str){ key.ptr, key.len });
		shown = pol_arena_alloc(&app->arena, strlen(title) + strlen(name) + 2, 1);
		if (shown == NULL) {
			return;
		}
		snprintf(shown, strlen(title) + strlen(name) + 2, "%s%s%s", title,
			title[0] != '\0' ? " " : "", name);
		for (char *c = shown; *c != '\0'; c++) {
			*c = *c == '_' ? ' ' : *c;
		}
		put_value(view, shown, name, value, depth + 1);
	}
}

static void put_array(struct view *view, const char *title, struct wire_cursor array, int depth)
{
	uint32_t count = 0;

	if (!wire_read_array(&array, &count)) {
		return;
	}
	if (count == 0) {
		add(view, title, "none");
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_cursor item;

		if (!wire_take(&array, &item)) {
			return;
		}
		put_value(view, title, "", item, depth + 1);
	}
}

static void put_value(
	struct view *view, const char *title, const char *name, struct wire_cursor value, int depth)
{
	struct app *app = view->app;
	struct wire_str text;
	int64_t integer;
	bool boolean;

	if (wire_read_text(&value, &text)) {
		add(view, title, text_escape(&app->arena, (struct pol_str){ text.ptr, text.len }));
	} else if (wire_read_int(&value, &integer)) {
		add(view, title, int_text(app, name, integer));
	} else if (wire_read_bool(&value, &boolean)) {
		add(view, title, boolean ? "yes" : "no");
	} else if (wire_peek(&value) == WIRE_ARRAY) {
		put_array(view, title, value, depth);
	} else {
		put_map(view, title, value, depth);
	}
}

static int run(struct app *app)
{
	struct view view = { .app = app };
	struct params params;
	struct wire_cursor result;
	int status;

	params_begin(&params);
	status = rpc_call(app, "status", &params, &result);
	if (status != EXIT_YES) {
		return status;
	}
	if (app->want_json) {
		json_wire(&app->json, result);
		return EXIT_YES;
	}
	table_init(&view.table, titles, 2, app->colour);
	put_map(&view, "", result, 0);
	table_print(&view.table, stdout);
	table_finish(&view.table);
	return EXIT_YES;
}

const struct command command_status = {
	.name = "status",
	.words = "",
	.summary = "How the daemon is, and which policy answers",
	.text = "Revision, uptime, keys, rate, latency percentiles, and what came of the last\n"
		"reload.\n",
	.examples = "  authzcheck status\n"
		    "  authzcheck status --json\n",
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
