/* SPDX-License-Identifier: Apache-2.0 */

/* can: what a principal or the holder of a token may do, as a tree. */

#include <stdio.h>
#include <string.h>

#include "tools/answer.h"
#include "tools/commands/commands.h"
#include "tools/draw.h"
#include "tools/record.h"
#include "tools/text.h"
#include "tools/token.h"

struct view {
	struct app *app;
	struct params subject; /* token or principal, packed once: standard input is read once */
	const char *tree;
	const char *at;
	struct draw drawing;
	struct pol_str before; /* the resource drawn last */
	bool denied;
};

/* A resource's parts: "api:", "/loans", "/{loan}". The next one, or false at the end. */
static bool next_part(struct pol_str *rest, struct pol_str *out)
{
	size_t len = 0;

	if (rest->len == 0) {
		return false;
	}
	if (rest->ptr[0] != '/') {
		const char *colon = memchr(rest->ptr, ':', rest->len);

		len = colon != NULL ? (size_t)(colon - rest->ptr) + 1 : rest->len;
	} else {
		const char *slash = memchr(rest->ptr + 1, '/', rest->len - 1);

		len = slash != NULL ? (size_t)(slash - rest->ptr) : rest->len;
	}
	*out = (struct pol_str){ rest->ptr, len };
	rest->ptr += len;
	rest->len -= len;
	return !pol_str_equal(*out, POL_STR("/"));
}

/* Draws the parts in which the resource differs from the one before, the actions at the last. */
static bool on_item(void *context, struct wire_cursor item)
{
	struct view *view = context;
	struct app *app = view->app;
	struct pol_str resource = record_str(item, "resource");
	const char *actions = record_list(&app->arena, item, "actions");
	struct pol_str copy = pol_arena_copy(&app->arena, resource);
	struct pol_str rest = copy;
	struct pol_str old = view->before;
	struct pol_str part;
	bool same = true;

	for (unsigned depth = 0; next_part(&rest, &part); depth++) {
		struct pol_str old_part;
		bool last = rest.len == 0 || pol_str_equal(rest, POL_STR("/"));
		const char *text;

		same = same && next_part(&old, &old_part) && pol_str_equal(part, old_part);
		if (same && !last) {
			continue;
		}
		text = app_text(app, "%s%s%s%s%s%s%s", text_begin(app->colour, COLOUR_BOLD),
			text_escape(&app->arena, part), text_end(app->colour, COLOUR_BOLD),
			last ? "  " : "", text_begin(app->colour, COLOUR_GREEN),
			last ? actions : "", text_end(app->colour, COLOUR_GREEN));
		if (!draw_add(&view->drawing, &app->arena, depth, text)) {
			return false;
		}
	}
	view->before = copy;
	return true;
}

static bool on_json_item(void *context, struct wire_cursor item)
{
	struct view *view = context;

	app_item(view->app, document_wire(item));
	return true;
}

/* The status is not 200 when the credential was not accepted. */
static bool is_refused(struct wire_cursor result)
{
	return record_int(result, "status", 200) != 200;
}

static int on_page(void *context, struct wire_cursor result)
{
	struct view *view = context;

	view->denied = is_refused(result);
	if (view->app->want_json) {
		app_list(view->app,
			json_pack("{s:I, s:o, s:o}", "status",
				(json_int_t)record_int(result, "status", 200), "reason",
				document_str(record_str(result, "reason")), "revision",
				document_str(record_str(result, "revision"))),
			"items");
		record_each(result, "items", on_json_item, view);
	} else if (view->denied) {
		answer_print(view->app, result, "it");
	} else {
		record_each(result, "items", on_item, view);
	}
	return view->denied ? EXIT_NO : EXIT_YES;
}

static int fill(void *context, struct params *params)
{
	const struct view *view = context;
	struct wire_cursor map = wire_cursor_of(view->subject.buf.data, view->subject.buf.len);
	uint32_t count = 0;

	/* The pairs without the map's header. */
	if (wire_read_map(&map, &count) && count > 0) {
		wire_put_raw(&params->buf, map.ptr, (size_t)(map.end - map.ptr));
		params->count += count;
	}
	if (view->tree != NULL) {
		params_text(params, "tree", view->tree);
	}
	if (view->at != NULL) {
		params_text(params, "at", view->at);
	}
	return EXIT_YES;
}

/* TREE or TREE:/path; a slash and two stars at the end change nothing. */
static int read_pattern(struct view *view)
{
	struct app *app = view->app;
	const char *pattern = app->args.words[0];
	struct pol_str text = pol_str_of(pattern);
	const char *colon;

	view->tree = app->args.values[FLAG_TREE];
	if (app->args.word_count == 0) {
		return EXIT_YES;
	}
	if (text.len > 3 && strcmp(pattern + text.len - 3, "/**") == 0) {
		text.len -= 3;
	}
	colon = text.len > 0 ? memchr(text.ptr, ':', text.len) : NULL;
	if (text.len == 0 || text.ptr[0] == '/' || text.ptr[0] == ':') {
		return app_fail(app, EXIT_USAGE, "usage", "'%s': want TREE or TREE:/PATH", pattern);
	}
	if (colon != NULL && colon + 1 < text.ptr + text.len) {
		view->at = app_text(app, "%.*s", POL_STR_ARGS(text));
		return EXIT_YES;
	}
	if (view->tree != NULL) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--tree and '%s' exclude each other", pattern);
	}
	text.len -= colon != NULL;
	view->tree = app_text(app, "%.*s", POL_STR_ARGS(text));
	return EXIT_YES;
}

static int ask(struct view *view)
{
	struct app *app = view->app;
	const struct pages pages = { "permissions", fill, on_page, view, "resources" };
	int status = rpc_pages(app, &pages);

	if (app->want_json || app->failed) {
		return status;
	}
	if (!view->denied && view->drawing.count == 0) {
		puts("nothing");
	} else {
		draw_print(&view->drawing, stdout);
	}
	return status;
}

static int run(struct app *app)
{
	struct view view = { .app = app };
	bool given;
	int status;

	params_begin(&view.subject);
	status = token_put(app, &view.subject, &given);
	if (status == EXIT_YES) {
		status = params_options(app, &view.subject, app->command->flags);
	}
	if (status == EXIT_YES && !given && !app->args.given[FLAG_PRINCIPAL]) {
		status = app_fail(app, EXIT_USAGE, "usage",
			"for whom? give --principal ID, --token-file FILE or --token -");
	}
	if (status == EXIT_YES) {
		status = read_pattern(&view);
	}
	if (status == EXIT_YES) {
		wire_close_map(&view.subject.buf, view.subject.map, view.subject.count);
		status = ask(&view);
	}
	params_finish(&view.subject);
	return status;
}

const struct command command_can = {
	.name = "can",
	.words = "[TREE | TREE:/PATH]",
	.summary = "Show what a principal or a token may do, as a tree",
	.text = "What roles and scopes allow to a principal, or to the holder of a\n"
		"token, if the stack and the key's networks would let the request\n"
		"pass. With TREE:/PATH only what lies at or below it. It counts as a\n"
		"use of the key.\n",
	.examples = "  authzcheck can --principal alice\n"
		    "  authzcheck can --token-file key.txt api:/loans\n"
		    "  authzcheck can --principal alice --json ui | jq '.items[].resource'\n",
	.flags = { FLAG_PRINCIPAL, FLAG_TOKEN, FLAG_TOKEN_FILE, FLAG_SERVICE, FLAG_ENVIRONMENT,
		FLAG_TENANT, FLAG_TREE, FLAG_IP, FLAG_MFA_AT, FLAG_TIME },
	.max_words = 1,
	.run = run,
};
