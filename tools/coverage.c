/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/coverage.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/text.h"

static const char *const plurals[POL_COVERAGE_KINDS] = {
	[POL_COVERAGE_RULE] = "rules",
	[POL_COVERAGE_ROLE] = "roles",
	[POL_COVERAGE_SCOPE] = "scopes",
	[POL_COVERAGE_LINE] = "lines",
};

/* In tenths of a percent, rounded down. */
static unsigned tenths(size_t part, size_t whole)
{
	return whole > 0 ? (unsigned)((uint64_t)part * 1000 / whole) : 1000;
}

const char *coverage_share(struct app *app, size_t part, size_t whole)
{
	unsigned share = tenths(part, whole);

	if (whole == 0) {
		return "none";
	}
	return app_text(app, "%zu of %zu (%u.%u%%)", part, whole, share / 10, share % 10);
}

int coverage_limit(struct app *app, int *out)
{
	const char *text = app->args.values[FLAG_FAIL_UNDER];
	char *end;
	long limit;

	*out = -1;
	if (text == NULL) {
		return EXIT_YES;
	}
	limit = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || limit > 100) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--fail-under '%s': want a whole number from 0 to 100", text);
	}
	*out = (int)limit;
	return EXIT_YES;
}

bool coverage_is_under(size_t part, size_t whole, int limit)
{
	return limit > 0 && (uint64_t)part * 100 < (uint64_t)whole * (unsigned)limit;
}

struct pol_coverage_count coverage_total(const struct pol_coverage *coverage)
{
	struct pol_coverage_count total = { 0 };

	for (int kind = 0; kind < POL_COVERAGE_KINDS; kind++) {
		struct pol_coverage_count count =
			pol_coverage_count(coverage, (enum pol_coverage_kind)kind);

		total.covered += count.covered;
		total.total += count.total;
	}
	return total;
}

const char *coverage_item_text(struct app *app, const struct pol_coverage_item *item)
{
	static const char *const owners[POL_COVERAGE_KINDS] = {
		[POL_COVERAGE_RULE] = "role",
		[POL_COVERAGE_ROLE] = "role",
		[POL_COVERAGE_SCOPE] = "scope",
		[POL_COVERAGE_LINE] = "stack",
	};

	return app_text(app, "%s %s%s%s", item->scope ? "scope" : owners[item->kind],
		text_escape(&app->arena, item->name), item->text.len > 0 ? ": " : "",
		text_escape(&app->arena, item->text));
}

void coverage_print(
	struct app *app, const struct pol_coverage *coverage, const char *prefix, FILE *file)
{
	struct pol_coverage_count total = coverage_total(coverage);
	struct pol_coverage_item item;

	fprintf(file, "%scoverage  %s\n", prefix, coverage_share(app, total.covered, total.total));
	for (int kind = 0; kind < POL_COVERAGE_KINDS; kind++) {
		struct pol_coverage_count count =
			pol_coverage_count(coverage, (enum pol_coverage_kind)kind);

		fprintf(file, "%s  %-8s%s\n", prefix, plurals[kind],
			coverage_share(app, count.covered, count.total));
	}
	for (size_t i = 0; pol_coverage_item(coverage, i, &item); i++) {
		if (!item.covered) {
			fprintf(file, "%s%s:%" PRIu32 ": not covered: %s\n", prefix,
				text_escape(&app->arena, item.position.file), item.position.line,
				coverage_item_text(app, &item));
		}
	}
}

static json_t *json_item(const struct pol_coverage_item *item)
{
	static const char *const kinds[POL_COVERAGE_KINDS] = {
		[POL_COVERAGE_RULE] = "rule",
		[POL_COVERAGE_ROLE] = "role",
		[POL_COVERAGE_SCOPE] = "scope",
		[POL_COVERAGE_LINE] = "line",
	};
	const char *owner = item->kind == POL_COVERAGE_RULE
				    ? (item->scope ? "scope" : "role")
				    : (item->kind == POL_COVERAGE_LINE ? "stack" : "name");

	return json_pack("{s:s, s:o, s:o*, s:o, s:I}", "kind", kinds[item->kind], owner,
		document_str(item->name), "text",
		item->text.len > 0 ? document_str(item->text) : NULL, "file",
		document_str(item->position.file), "line", (json_int_t)item->position.line);
}

json_t *coverage_json(struct app *app, const struct pol_coverage *coverage)
{
	struct pol_coverage_count total = coverage_total(coverage);
	json_t *uncovered = json_array();
	json_t *object =
		json_pack("{s:f, s:I, s:I}", "percent", tenths(total.covered, total.total) / 10.0,
			"covered", (json_int_t)total.covered, "total", (json_int_t)total.total);
	struct pol_coverage_item item;

	for (int kind = 0; kind < POL_COVERAGE_KINDS; kind++) {
		struct pol_coverage_count count =
			pol_coverage_count(coverage, (enum pol_coverage_kind)kind);

		if (json_object_set_new(object, plurals[kind],
			    json_pack("{s:I, s:I}", "covered", (json_int_t)count.covered, "total",
				    (json_int_t)count.total)) != 0) {
			app->no_memory = true;
		}
	}
	for (size_t i = 0; pol_coverage_item(coverage, i, &item); i++) {
		if (!item.covered) {
			app_append(app, uncovered, json_item(&item));
		}
	}
	if (json_object_set_new(object, "uncovered", uncovered) != 0) {
		app->no_memory = true;
	}
	return object;
}
