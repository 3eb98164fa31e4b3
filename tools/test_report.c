/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/test_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/policy.h"
#include "tools/story.h"
#include "tools/text.h"

/* Below the name of its test. */
#define STORY_INDENT 8

/* One test, for what is written at the end. */
struct test_row {
	const char *name;
	const char *file;
	uint32_t line;
	const char *failure; /* NULL: it passed */
	const char *story;   /* of a failure; NULL: not asked for */
	int64_t time;        /* nanoseconds that it took */
};

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The explanation of a failure as text without colour; NULL: not asked for, or no memory. */
static const char *story_of(
	const struct test_report *report, const struct pol_suite_failure *failure)
{
	struct app *app = report->app;
	const char *story = NULL;
	bool colour = app->colour;
	char *text = NULL;
	size_t len = 0;
	FILE *file;

	if (!report->verbose || failure == NULL || failure->explanation == NULL) {
		return NULL;
	}
	file = open_memstream(&text, &len);
	if (file == NULL) {
		app->no_memory = true;
		return NULL;
	}
	app->colour = false;
	story_print(app, failure->explanation, 0, file);
	app->colour = colour;
	if (fclose(file) == 0) {
		story = app_text(app, "%s", text);
	} else {
		app->no_memory = true;
	}
	free(text);
	return story;
}

/* --- text ------------------------------------------------------------------------------------- */

static void put_text(const struct test_report *report, const struct test_row *row,
	const struct pol_suite_failure *failure)
{
	struct app *app = report->app;
	enum colour colour = failure == NULL ? COLOUR_GREEN : COLOUR_RED;

	if (!report->verbose) {
		return;
	}
	printf("%s%s%s  %s  (%s:%" PRIu32 ")\n", text_begin(app->colour, colour),
		failure == NULL ? "ok    " : "FAILED", text_end(app->colour, colour), row->name,
		row->file, row->line);
	if (failure != NULL) {
		printf("        %s\n", row->failure);
	}
	if (failure != NULL && failure->explanation != NULL) {
		story_print(app, failure->explanation, STORY_INDENT, stdout);
		putchar('\n');
	}
}

/* --- TAP -------------------------------------------------------------------------------------- */

/* A name; `#` would begin a directive, and a backslash an escape. */
static void put_tap_name(const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '#' || *name == '\\') {
			putchar('\\');
		}
		putchar(*name);
	}
}

/* A double-quoted scalar of YAML, which has the escapes of JSON. */
static void put_yaml(const char *name, const char *text)
{
	printf("  %s: ", name);
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\') {
			putchar('\\');
		}
		putchar(*text);
	}
	puts("\"");
}

/* A literal block: each line, indented. */
static void put_yaml_block(const char *name, const char *text)
{
	printf("  %s: |\n", name);
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		printf("%s%.*s\n", len > 0 ? "    " : "", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static void put_tap(const struct test_report *report, const struct test_row *row)
{
	if (report->count == 1) {
		puts("TAP version 14");
	}
	printf("%sok %zu - ", row->failure == NULL ? "" : "not ", report->count);
	put_tap_name(row->name);
	putchar('\n');
	if (row->failure == NULL) {
		return;
	}
	puts("  ---");
	put_yaml("message", row->failure);
	put_yaml("file", row->file);
	printf("  line: %" PRIu32 "\n", row->line);
	if (row->story != NULL) {
		put_yaml_block("explanation", row->story);
	}
	puts("  ...");
}

/* --- JUnit ------------------------------------------------------------------------------------ */

/* U+FFFE or U+FFFF, which are well-formed UTF-8 and no characters of XML. */
static bool is_noncharacter(const char *text)
{
	return strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0;
}

/* Text of an element or an attribute. text_escape has left no control character in it. */
static void put_xml(const char *text)
{
	for (; *text != '\0'; text++) {
		if (is_noncharacter(text)) {
			fputs("\xef\xbf\xbd", stdout);
			text += 2;
			continue;
		}
		switch (*text) {
		case '&':
			fputs("&amp;", stdout);
			break;
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '"':
			fputs("&quot;", stdout);
			break;
		default:
			putchar(*text);
		}
	}
}

static void put_attribute(const char *name, const char *value)
{
	printf(" %s=\"", name);
	put_xml(value);
	putchar('"');
}

/* In seconds, cut to microseconds: so what the tests took is never more than what the suite did. */
static void put_time(int64_t nanoseconds)
{
	int64_t microseconds = nanoseconds / 1000;

	printf(" time=\"%" PRId64 ".%06" PRId64 "\"", microseconds / 1000000,
		microseconds % 1000000);
}

static void put_case(const struct test_row *row)
{
	fputs("    <testcase", stdout);
	put_attribute("name", row->name);
	put_attribute("classname", row->file);
	put_attribute("file", row->file);
	printf(" line=\"%" PRIu32 "\"", row->line);
	put_time(row->time);
	if (row->failure == NULL) {
		puts("/>");
		return;
	}
	fputs(">\n      <failure", stdout);
	put_attribute("message", row->failure);
	fputs(" type=\"expectation\">", stdout);
	put_xml(row->file);
	printf(":%" PRIu32 ": ", row->line);
	put_xml(row->failure);
	putchar('\n');
	put_xml(row->story != NULL ? row->story : "");
	puts("</failure>\n    </testcase>");
}

static void put_properties(struct app *app, const struct pol_coverage *coverage)
{
	struct pol_coverage_count total = coverage_total(coverage);

	puts("    <properties>");
	printf("      <property name=\"coverage\" value=\"%s\"/>\n",
		coverage_share(app, total.covered, total.total));
	puts("    </properties>");
}

/* What is not covered, as the output of the tests. */
static void put_output(struct app *app, const struct pol_coverage *coverage)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	if (file == NULL) {
		app->no_memory = true;
		return;
	}
	coverage_print(app, coverage, "", file);
	if (fclose(file) == 0) {
		fputs("    <system-out>", stdout);
		put_xml(text);
		puts("</system-out>");
	} else {
		app->no_memory = true;
	}
	free(text);
}

static void put_junit(struct test_report *report, struct pol_suite_result result,
	const struct pol_coverage *coverage)
{
	struct app *app = report->app;
	int64_t time = report->last - report->begun;

	puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	printf("<testsuites tests=\"%zu\" failures=\"%zu\" errors=\"0\"", report->count,
		result.failed);
	put_time(time);
	fputs(">\n  <testsuite", stdout);
	put_attribute("name", text_escape(&app->arena, pol_str_of(report->folder)));
	printf(" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\"", report->count,
		result.failed);
	put_time(time);
	puts(">");
	if (coverage != NULL) {
		put_properties(app, coverage);
	}
	for (size_t i = 0; i < report->count; i++) {
		put_case(&report->rows[i]);
	}
	if (coverage != NULL) {
		put_output(app, coverage);
	}
	puts("  </testsuite>\n</testsuites>");
}

static void keep(struct test_report *report, const struct test_row *row)
{
	if (report->count > report->capacity) {
		struct test_row *rows = pol_arena_grow(&report->app->arena, report->rows,
			report->count - 1, report->count, sizeof *rows, &report->capacity);

		if (rows == NULL) {
			report->count--;
			return;
		}
		report->rows = rows;
	}
	report->rows[report->count - 1] = *row;
}

/* --- all of them ------------------------------------------------------------------------------ */

static json_t *json_test(
	struct pol_str test, struct pol_str file, uint32_t line, const struct test_row *row)
{
	return json_pack("{s:o, s:o, s:I, s:b, s:o*, s:o*}", "name", document_str(test), "file",
		document_str(file), "line", (json_int_t)line, "passed", row->failure == NULL,
		"failure", row->failure != NULL ? document_text(row->failure) : NULL, "explanation",
		row->story != NULL ? document_text(row->story) : NULL);
}

void test_report_begin(struct test_report *report)
{
	report->begun = report->last = clock_now();
}

/* "expected … got …", and how many expectations more; NULL: the test passed. */
static const char *failure_text(struct app *app, const struct pol_suite_failure *failure)
{
	const char *text =
		failure != NULL ? text_escape(&app->arena, pol_str_of(failure->text)) : NULL;

	return text == NULL || failure->more == 0
		       ? text
		       : app_text(app, "%s; %s failed", text,
				 app_count(app, failure->more, "more expectation"));
}

void test_report_add(void *context, struct pol_str test, struct pol_str file, uint32_t line,
	const struct pol_suite_failure *failure)
{
	struct test_report *report = context;
	struct pol_arena *arena = &report->app->arena;
	int64_t now = clock_now();
	const struct test_row row = {
		.name = text_escape(arena, test),
		.file = text_escape(arena, file),
		.line = line,
		.failure = failure_text(report->app, failure),
		.story = report->format != TEST_FORMAT_TEXT ? story_of(report, failure) : NULL,
		.time = now - report->last,
	};

	report->count++;
	switch (report->format) {
	case TEST_FORMAT_TEXT:
		put_text(report, &row, failure);
		break;
	case TEST_FORMAT_TAP:
		put_tap(report, &row);
		break;
	case TEST_FORMAT_JUNIT:
		keep(report, &row);
		break;
	case TEST_FORMAT_JSON:
		if (report->tests == NULL) {
			report->tests = json_array();
		}
		app_append(report->app, report->tests, json_test(test, file, line, &row));
		break;
	case TEST_FORMAT_GITHUB:
		break;
	}
	report->last = clock_now();
}

/* A notice for each item that is not covered. */
static void put_github(struct app *app, const struct pol_coverage *coverage)
{
	struct pol_coverage_item item;

	for (size_t i = 0; coverage != NULL && pol_coverage_item(coverage, i, &item); i++) {
		if (!item.covered) {
			policy_note_github(item.position.file, item.position.line,
				pol_str_of(app_text(app, "not covered by any test: %s",
					coverage_item_text(app, &item))));
		}
	}
}

static void put_counts(struct app *app, struct pol_suite_result result)
{
	const char *begin = text_begin(app->colour && result.failed > 0, COLOUR_RED);
	const char *end = text_end(app->colour && result.failed > 0, COLOUR_RED);

	printf("%zu passed, %s%zu failed%s\n", result.passed, begin, result.failed, end);
}

void test_report_end(struct test_report *report, struct pol_suite_result result,
	const struct pol_coverage *coverage)
{
	struct app *app = report->app;

	switch (report->format) {
	case TEST_FORMAT_TEXT:
		if (coverage != NULL) {
			coverage_print(app, coverage, "", stdout);
		}
		put_counts(app, result);
		break;
	case TEST_FORMAT_TAP:
		if (report->count == 0) {
			puts("TAP version 14");
		}
		printf("1..%zu\n", report->count);
		if (coverage != NULL) {
			coverage_print(app, coverage, "# ", stdout);
		}
		break;
	case TEST_FORMAT_JUNIT:
		put_junit(report, result, coverage);
		break;
	case TEST_FORMAT_JSON:
		app_document(app, json_pack("{s:o, s:I, s:I, s:o*}", "tests",
					  report->tests != NULL ? report->tests : json_array(),
					  "passed", (json_int_t)result.passed, "failed",
					  (json_int_t)result.failed, "coverage",
					  coverage != NULL ? coverage_json(app, coverage) : NULL));
		break;
	case TEST_FORMAT_GITHUB:
		put_github(app, coverage);
		break;
	}
}
