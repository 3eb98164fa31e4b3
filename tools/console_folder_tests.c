/* SPDX-License-Identifier: Apache-2.0 */

/* console_folder: the tests of the policy, and what they cover. */

#include <string.h>

#include "policy/snapshot/module.h"
#include "tools/console_folder_internal.h"
#include "tools/coverage.h"

/* --- running them ----------------------------------------------------------------------------- */

/* Makes room for one more item of an array in the arena; NULL: no memory. */
#define GROW(app, items, count, room)                                                              \
	((count) < (room) ? (items)                                                                \
			  : pol_arena_grow(&(app)->arena, (items), (count), (count) + 1,           \
				    sizeof *(items), &(room)))

static bool holds_role(const struct console_test *test, uint32_t role)
{
	for (size_t i = 0; i < test->role_count; i++) {
		if (test->roles[i] == role) {
			return true;
		}
	}
	return false;
}

static bool add_roles(struct app *app, struct console_test *test, const struct pol_facts *facts)
{
	for (uint32_t i = 0; i < facts->held_count; i++) {
		uint32_t role = facts->held[i].role;
		uint32_t *grown;

		if (role == POL_NONE || holds_role(test, role)) {
			continue;
		}
		grown = GROW(app, test->roles, test->role_count, test->role_room);
		if (grown == NULL) {
			return false;
		}
		test->roles = grown;
		test->roles[test->role_count++] = role;
	}
	return true;
}

/* The case of a line, which is the last one or a new one; NULL: no memory. */
static struct console_case *case_of(struct app *app, struct console_test *test, uint32_t line)
{
	struct console_case *grown;

	if (test->case_count > 0 && test->cases[test->case_count - 1].line == line) {
		return &test->cases[test->case_count - 1];
	}
	grown = GROW(app, test->cases, test->case_count, test->case_room);
	if (grown == NULL) {
		return NULL;
	}
	test->cases = grown;
	grown[test->case_count] = (struct console_case){ .line = line };
	return &grown[test->case_count++];
}

static bool add_failure(struct app *app, struct console_case *one, const char *failure)
{
	const char **grown = GROW(app, one->failures, one->failure_count, one->failure_room);

	if (grown == NULL) {
		return false;
	}
	one->failures = grown;
	grown[one->failure_count++] = app_text(app, "%s", failure);
	return true;
}

/* Decisions come before the test that they belong to, so the last of `tests` is begun by the first
 * of them, or by on_test if it has none. */
struct running {
	struct console_folder *folder;
	bool begun;
};

static struct console_test *present(struct running *running)
{
	struct console_suite *suite = &running->folder->suite;
	struct console_test *grown;

	if (!running->begun) {
		grown = GROW(&running->folder->app, suite->tests, suite->count, suite->room);
		if (grown == NULL) {
			return NULL;
		}
		suite->tests = grown;
		grown[suite->count++] = (struct console_test){ .passed = true };
		running->begun = true;
	}
	return &suite->tests[suite->count - 1];
}

static void on_decided(void *context, const struct pol_suite_decided *decided)
{
	struct running *running = context;
	struct app *app = &running->folder->app;
	struct console_test *test = present(running);
	struct console_case *one = test != NULL ? case_of(app, test, decided->position.line) : NULL;

	if (one == NULL || !add_roles(app, test, decided->facts)) {
		return; /* the arena's status makes the call fail */
	}
	if (decided->failure != NULL) {
		(void)add_failure(app, one, decided->failure);
	}
}

static void on_test(void *context, struct pol_str name, struct pol_str file, uint32_t line,
	const struct pol_suite_failure *failure)
{
	struct running *running = context;
	struct console_test *test = present(running);

	if (test != NULL) {
		test->name = name;
		test->file = file;
		test->line = line;
		test->passed = failure == NULL;
	}
	running->begun = false;
}

bool console_suite_run(struct console_folder *folder)
{
	struct console_suite *suite = &folder->suite;
	struct policy *policy = &folder->policy;
	struct running running = { .folder = folder };
	struct pol_suite_options options = { .decided = on_decided, .context = &running };

	if (suite->run) {
		return true;
	}
	options.coverage = suite->coverage = pol_coverage_create(policy->snapshot);
	if (suite->coverage == NULL) {
		return false;
	}
	suite->result =
		pol_suite_run_some(policy->snapshot, &options, &policy->diags, on_test, &running);
	suite->run = true;
	return folder->app.arena.status == POL_OK;
}

void console_suite_finish(struct console_suite *suite)
{
	pol_coverage_destroy(suite->coverage);
	*suite = (struct console_suite){ .run = false };
}

/* --- folder.tests ----------------------------------------------------------------------------- */

/* Where the last line was found, from which the next one is looked for: tests come in the order of
 * the files. Zeroed: nowhere. */
struct lines {
	struct pol_str file;
	struct pol_str left; /* of its text */
	uint32_t line;       /* the number of the first that is left */
};

static void begin_file(
	struct lines *lines, const struct console_folder *folder, struct pol_str file)
{
	struct folder_sources sources = policy_sources(&folder->policy);

	*lines = (struct lines){ .file = file, .left = POL_STR(""), .line = 1 };
	for (size_t i = 0; i < sources.count; i++) {
		if (pol_str_equal(sources.items[i].name, file)) {
			lines->left = sources.items[i].text;
		}
	}
}

/* A line as written, without the spaces around it. */
static struct pol_str line_text(struct lines *lines, uint32_t wanted)
{
	struct pol_str text = lines->left;

	while (lines->line < wanted && text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.ptr) + 1 : text.len;

		text = (struct pol_str){ text.ptr + len, text.len - len };
		lines->line++;
	}
	lines->left = text;
	if (memchr(text.ptr, '\n', text.len) != NULL) {
		text.len = (size_t)((const char *)memchr(text.ptr, '\n', text.len) - text.ptr);
	}
	while (text.len > 0 && strchr(" \t\r", text.ptr[text.len - 1]) != NULL) {
		text.len--;
	}
	while (text.len > 0 && strchr(" \t", text.ptr[0]) != NULL) {
		text = (struct pol_str){ text.ptr + 1, text.len - 1 };
	}
	return text;
}

static json_t *json_case(struct app *app, const struct console_case *one, struct pol_str text)
{
	json_t *failures = one->failure_count > 0 ? json_array() : NULL;

	for (size_t i = 0; i < one->failure_count; i++) {
		app_append(app, failures, document_text(one->failures[i]));
	}
	return json_pack("{s:I, s:o, s:b, s:o*}", "line", (json_int_t)one->line, "text",
		document_str(text), "passed", one->failure_count == 0, "failures", failures);
}

static json_t *json_test(
	struct console_folder *folder, const struct console_test *test, struct lines *lines)
{
	struct app *app = &folder->call;
	json_t *roles = json_array(), *cases = json_array();

	if (test->line < lines->line || !pol_str_equal(test->file, lines->file)) {
		begin_file(lines, folder, test->file);
	}
	for (size_t i = 0; i < test->role_count; i++) {
		app_append(app, roles,
			document_str(
				pol_snapshot_role_name(folder->policy.snapshot, test->roles[i])));
	}
	for (size_t i = 0; i < test->case_count; i++) {
		app_append(app, cases,
			json_case(app, &test->cases[i], line_text(lines, test->cases[i].line)));
	}
	return json_pack("{s:o, s:o, s:I, s:b, s:o, s:o}", "name", document_str(test->name), "file",
		document_str(policy_file_name(&folder->policy, test->file)), "line",
		(json_int_t)test->line, "passed", test->passed, "roles", roles, "cases", cases);
}

json_t *console_suite_json(struct console_folder *folder, uint32_t role, size_t *out_total)
{
	const struct console_suite *suite = &folder->suite;
	struct lines lines = { .line = 1 };
	json_t *tests = json_array();

	*out_total = 0;
	for (size_t i = 0; i < suite->count; i++) {
		const struct console_test *test = &suite->tests[i];

		if (role != POL_NONE && !holds_role(test, role)) {
			continue;
		}
		if (++*out_total <= CONSOLE_FOLDER_ITEMS) {
			app_append(&folder->call, tests, json_test(folder, test, &lines));
		}
	}
	return tests;
}

json_t *console_folder_tests(struct console_folder *folder)
{
	const struct pol_suite_result *result = &folder->suite.result;
	uint32_t role = POL_NONE;
	json_t *tests;
	size_t total;

	if ((console_folder_text(folder, "role").len > 0 &&
		    !console_folder_find(folder, false, &role)) ||
		!console_suite_run(folder)) {
		return NULL;
	}
	tests = console_suite_json(folder, role, &total);
	return json_pack("{s:I, s:I, s:I, s:o}", "passed", (json_int_t)result->passed, "failed",
		(json_int_t)result->failed, "total", (json_int_t)total, "tests", tests);
}

/* --- folder.coverage -------------------------------------------------------------------------- */

static json_t *json_item(struct console_folder *folder, const struct pol_coverage_item *item)
{
	bool rule = item->kind == POL_COVERAGE_RULE, line = item->kind == POL_COVERAGE_LINE;
	bool scope = item->scope || item->kind == POL_COVERAGE_SCOPE;
	struct pol_str file = policy_file_name(&folder->policy, item->position.file);

	return json_pack("{s:o, s:o*, s:o*, s:o, s:I, s:b, s:o*, s:I}",
		line    ? "stack"
		: scope ? "scope"
			: "role",
		document_str(item->name), "deny", rule ? json_boolean(item->deny) : NULL, "text",
		rule || line ? document_str(item->text) : NULL, "file", document_str(file), "line",
		(json_int_t)item->position.line, "covered", item->covered, "reached",
		rule || line ? json_boolean(item->reached) : NULL, "tests",
		(json_int_t)item->tests);
}

json_t *console_suite_grants(struct console_folder *folder, struct pol_str role)
{
	struct pol_coverage_item item;
	json_t *grants = json_array();

	for (size_t i = 0; pol_coverage_item(folder->suite.coverage, i, &item); i++) {
		if (item.kind == POL_COVERAGE_RULE && !item.scope &&
			pol_str_equal(item.name, role) &&
			json_array_size(grants) < CONSOLE_FOLDER_ITEMS) {
			app_append(&folder->call, grants, json_item(folder, &item));
		}
	}
	return grants;
}

static json_t *json_count(struct pol_coverage_count count)
{
	return json_pack("{s:I, s:I}", "covered", (json_int_t)count.covered, "total",
		(json_int_t)count.total);
}

json_t *console_folder_coverage(struct console_folder *folder)
{
	const struct pol_coverage *coverage;
	struct pol_coverage_count total;
	struct pol_coverage_item item;
	json_t *grants, *roles, *lines;

	if (!console_suite_run(folder)) {
		return NULL;
	}
	coverage = folder->suite.coverage;
	total = coverage_total(coverage);
	grants = json_array();
	roles = json_array();
	lines = json_array();
	for (size_t i = 0; pol_coverage_item(coverage, i, &item); i++) {
		json_t *list = item.kind == POL_COVERAGE_RULE   ? grants
			       : item.kind == POL_COVERAGE_LINE ? lines
								: roles;

		if (json_array_size(list) < CONSOLE_FOLDER_ITEMS) {
			app_append(&folder->call, list, json_item(folder, &item));
		}
	}
	return json_pack("{s:I, s:I, s:{s:o, s:o, s:o, s:o}, s:o, s:o, s:o}", "covered",
		(json_int_t)total.covered, "total", (json_int_t)total.total, "counts", "rules",
		json_count(pol_coverage_count(coverage, POL_COVERAGE_RULE)), "roles",
		json_count(pol_coverage_count(coverage, POL_COVERAGE_ROLE)), "scopes",
		json_count(pol_coverage_count(coverage, POL_COVERAGE_SCOPE)), "lines",
		json_count(pol_coverage_count(coverage, POL_COVERAGE_LINE)), "grants", grants,
		"roles", roles, "lines", lines);
}
