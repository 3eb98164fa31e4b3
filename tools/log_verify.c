/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/text.h"

struct verifying {
	struct app *app;
	uint64_t problems;
	int64_t checked;
	bool progress;
};

static bool on_problem(void *context, struct wire_cursor item)
{
	struct verifying *verifying = context;
	struct app *app = verifying->app;

	verifying->problems++;
	if (app->want_json) {
		app_item(app, document_wire(item));
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

static int on_slice(void *context, struct wire_cursor result)
{
	struct verifying *verifying = context;

	if (verifying->app->want_json) {
		app_list(verifying->app, json_object(), "items");
	}
	record_each(result, "items", on_problem, verifying);
	verifying->checked += record_int(result, "checked", 0);
	if (verifying->progress) {
		fprintf(stderr, "\r%" PRId64 " of %" PRId64 " records", verifying->checked,
			record_int(result, "total", 0));
	}
	return EXIT_YES;
}

static void report(struct verifying *verifying)
{
	struct app *app = verifying->app;

	if (app->want_json) {
		app_document(app, json_pack("{s:I, s:b}", "checked", (json_int_t)verifying->checked,
					  "ok", verifying->problems == 0));
		return;
	}
	if (verifying->progress) {
		fputs("\r\033[K", stderr);
	}
	if (verifying->problems == 0) {
		printf("%sok%s: %s verified, each as it was written\n",
			text_begin(app->colour, COLOUR_GREEN), text_end(app->colour, COLOUR_GREEN),
			app_count(app, (uint64_t)verifying->checked, "record"));
	} else {
		printf("%s in %s\n", app_count(app, verifying->problems, "problem"),
			app_count(app, (uint64_t)verifying->checked, "record"));
	}
}

int log_verify(struct app *app)
{
	struct verifying verifying = { .app = app,
		.progress = isatty(STDERR_FILENO) == 1 && !app->want_json };
	const struct pages pages = {
		.method = "audit.verify", .page = on_slice, .context = &verifying
	};
	int status;

	status = rpc_pages(app, &pages);
	if (status == EXIT_YES) {
		report(&verifying);
		status = verifying.problems == 0 ? EXIT_YES : EXIT_NO;
	}
	return status;
}
