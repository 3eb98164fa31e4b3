/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/text.h"

/* A cursor is some place in hexadecimal. */
#define MAX_CURSOR 1024

struct verifying {
	struct app *app;
	json_t *items; /* with --json: the problems */
	uint64_t problems;
	int64_t checked;
	int64_t total;
	char cursor[MAX_CURSOR];
	size_t cursor_len;
	bool progress;
};

static bool on_problem(void *context, struct wire_cursor item)
{
	struct verifying *verifying = context;
	struct app *app = verifying->app;

	verifying->problems++;
	if (app->want_json) {
		app_append(app, verifying->items, document_wire(item));
		return true;
	}
	if (verifying->progress) {
		fputs("\r\033[K", stderr);
	}
	printf("%s%s%s: %s\n", text_begin(app->colour, COLOUR_RED),
		record_text(&app->arena, item, "problem"), text_end(app->colour, COLOUR_RED),
		record_text(&app->arena, item, "message"));
	return true;
}

static int slice(struct verifying *verifying)
{
	struct app *app = verifying->app;
	struct wire_cursor result;
	struct params params;
	struct pol_str cursor;
	int status;

	params_begin(&params);
	if (verifying->cursor_len > 0) {
		params_str(&params, "cursor",
			(struct pol_str){ verifying->cursor, verifying->cursor_len });
	}
	status = rpc_call(app, "audit.verify", &params, &result);
	if (status != EXIT_YES) {
		return status;
	}
	record_each(result, "items", on_problem, verifying);
	verifying->checked += record_int(result, "checked", 0);
	verifying->total = record_int(result, "total", 0);
	cursor = record_str(result, "cursor");
	if (cursor.len > sizeof verifying->cursor) {
		return app_fail(app, EXIT_DAEMON, "internal", "the daemon's cursor is too long");
	}
	memcpy(verifying->cursor, cursor.ptr != NULL ? cursor.ptr : "", cursor.len);
	verifying->cursor_len = cursor.len;
	if (verifying->progress) {
		fprintf(stderr, "\r%" PRId64 " of %" PRId64 " records", verifying->checked,
			verifying->total);
	}
	return EXIT_YES;
}

static void tell(struct verifying *verifying)
{
	struct app *app = verifying->app;

	if (app->want_json) {
		app_document(app,
			json_pack("{s:O, s:I, s:b}", "items", verifying->items, "checked",
				(json_int_t)verifying->checked, "ok", verifying->problems == 0));
		return;
	}
	if (verifying->progress) {
		fputs("\r\033[K", stderr);
	}
	if (verifying->problems == 0) {
		printf("%sok%s: %" PRId64 " records verified, each as it was written\n",
			text_begin(app->colour, COLOUR_GREEN), text_end(app->colour, COLOUR_GREEN),
			verifying->checked);
	} else {
		printf("%" PRIu64 " %s in %" PRId64 " records\n", verifying->problems,
			verifying->problems == 1 ? "problem" : "problems", verifying->checked);
	}
}

int log_verify(struct app *app)
{
	struct verifying verifying = { .app = app,
		.progress = isatty(STDERR_FILENO) == 1 && !app->want_json };
	int status;

	verifying.items = app->want_json ? json_array() : NULL;
	do {
		status = slice(&verifying);
	} while (status == EXIT_YES && verifying.cursor_len > 0);
	if (status == EXIT_YES) {
		tell(&verifying);
		status = verifying.problems == 0 ? EXIT_YES : EXIT_NO;
	}
	json_decref(verifying.items);
	return status;
}
