/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plan_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/answer.h"
#include "tools/record.h"
#include "tools/sql.h"
#include "tools/text.h"

static bool is_kind(struct wire_cursor result, const char *kind)
{
	return pol_str_equal(record_str(result, "plan"), pol_str_of(kind));
}

/* "never 403 role: no role of principal ann allows …" */
static const char *refusal_text(struct app *app, struct wire_cursor result, const char *what)
{
	const char *reason = record_text(&app->arena, result, "reason");

	return app_text(app, "never %lld %s: %s", (long long)record_int(result, "status", 403),
		reason, answer_reason(app, reason, what));
}

static void print_missing(struct app *app, struct wire_cursor result)
{
	const char *missing = record_list(&app->arena, result, "missing");

	if (missing[0] != '\0') {
		printf("not given, and it might allow more: %s\n", missing);
	}
}

static void print_text(struct app *app, struct wire_cursor result, const char *what)
{
	if (is_kind(result, "when")) {
		printf("when %s\n", record_text(&app->arena, result, "when"));
	} else if (is_kind(result, "always")) {
		puts("always");
	} else {
		puts(refusal_text(app, result, what));
	}
	print_missing(app, result);
}

static void print_sql(struct app *app, struct wire_cursor result, const char *what,
	const char *where, const json_t *parameters)
{
	json_t *value;
	size_t i;

	puts(text_escape(&app->arena, pol_str_of(where)));
	json_array_foreach(parameters, i, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		printf("  %s = %s\n", sql_placeholder(app, i),
			text_escape(&app->arena, pol_str_of(text != NULL ? text : "")));
		free(text);
	}
	if (!is_kind(result, "when") && !is_kind(result, "always")) {
		printf("  %s\n", refusal_text(app, result, what));
	}
	print_missing(app, result);
}

static int show_sql(struct app *app, struct wire_cursor result, const char *what)
{
	json_t *plan = document_wire(result);
	json_t *parameters = NULL;
	const char *where;
	int status = sql_where(app, plan, &where, &parameters);

	if (status == EXIT_YES && app->want_json) {
		json_object_set_new(plan, "sql",
			json_pack("{s:s, s:s, s:O}", "dialect", app->args.values[FLAG_SQL], "where",
				where, "parameters", parameters));
		app_document(app, json_incref(plan));
	} else if (status == EXIT_YES) {
		print_sql(app, result, what, where, parameters);
	}
	json_decref(parameters);
	json_decref(plan);
	return status;
}

int plan_show(struct app *app, struct wire_cursor result, const char *what)
{
	int status = EXIT_YES;

	if (app->args.given[FLAG_SQL]) {
		status = show_sql(app, result, what);
	} else if (app->want_json) {
		app_document(app, document_wire(result));
	} else {
		print_text(app, result, what);
	}
	if (status != EXIT_YES) {
		return status;
	}
	return is_kind(result, "when") || is_kind(result, "always") ? EXIT_YES : EXIT_NO;
}
