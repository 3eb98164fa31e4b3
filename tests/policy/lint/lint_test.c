/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint/lint.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text/path.h"
#include "policy/text/silence.h"
#include "tests/policy/load.h"

/* Of a policy and of its copy with a comment. */
#define TEXT_SIZE 8192

#define TREE                                                                                       \
	"tree api {\n"                                                                             \
	" /loans { list GET, create POST, /{loan} { read GET, update PUT PATCH, delete DELETE } "  \
	"}\n"                                                                                      \
	" /files/{path...} { GET, PUT }\n"                                                         \
	"}\n"
#define ALL     "role all { allow all on api:/loans, api:/loans/{loan}, api:/files/{path...} }\n"
#define TEST    "test \"t\" { as role all\n allow GET api:/loans\n }\n"
#define OTHER   "stack other { authenticate required key\n authorize required role\n }\n"
#define OK_TREE TREE ALL TEST
#define FACTS   "facts {\nresource.b bool\n}\n"

static struct loaded lint(const char *text)
{
	struct loaded linted = load_good(text);

	cr_assert_eq(pol_lint(linted.snapshot, &linted.diags), POL_OK, "%s", text);
	return linted;
}

/* The first finding of the kind, or NULL. */
static const struct pol_diag *find(const struct loaded *linted, enum pol_warning warning)
{
	const struct pol_diag *diag = linted->diags.first;

	while (diag != NULL && diag->warning != warning) {
		diag = diag->next;
	}
	return diag;
}

static bool has(const char *text, enum pol_warning warning)
{
	struct loaded linted = lint(text);
	bool found = find(&linted, warning) != NULL;

	unload(&linted);
	return found;
}

struct row {
	enum pol_warning warning;
	uint32_t line, column;
	const char *part;  /* of the message */
	const char *text;  /* has the finding */
	const char *other; /* just has not */
};

static const struct row rows[] = {
	{ POL_WARNING_RULE_COVERED, 12, 2, "other rules cover this one together",
		OK_TREE "role r {\n allow all on api:/loans, api:/loans/{loan}\n allow all on "
			"api:/files/{path...}\n allow PUT on api:/loans/{loan}, "
			"api:/files/{path...}\n }\n",
		OK_TREE "role r {\n allow all on api:/loans, api:/loans/{loan}\n allow GET on "
			"api:/files/{path...}\n allow PUT on api:/loans/{loan}, "
			"api:/files/{path...}\n }\n" },
	{ POL_WARNING_RULE_COVERED, 15, 2, "other rules cover this one together",
		OK_TREE FACTS "role r {\n allow all on api:/loans, api:/loans/{loan}\n allow all "
			      "on api:/files/{path...}\n allow PUT on api:/loans/{loan}, "
			      "api:/files/{path...} when resource.b\n }\n",
		OK_TREE FACTS "role r {\n allow all on api:/loans, api:/loans/{loan}\n allow all "
			      "on api:/files/{path...} when resource.b\n allow PUT on "
			      "api:/loans/{loan}, api:/files/{path...}\n }\n" },
	{ POL_WARNING_RULE_INHERITED, 13, 2, "what role 'r' inherits allows all of this",
		OK_TREE FACTS
		"role r inherits all {\n allow GET on api:/loans when resource.b\n }\n",
		OK_TREE FACTS "role some { allow GET on api:/loans when resource.b }\nrole r "
			      "inherits some {\n allow GET on api:/loans\n }\n" },
	{ POL_WARNING_ALLOW_DENIED, 13, 2, "a deny always overrides this",
		OK_TREE FACTS "role r {\n allow PUT on api:/loans/{loan} when resource.b\n allow "
			      "GET on api:/loans\n deny update on api:/loans/{loan}\n }\n",
		OK_TREE FACTS "role r {\n allow PUT on api:/loans/{loan}\n allow GET on "
			      "api:/loans\n deny update on api:/loans/{loan} when resource.b\n "
			      "}\n" },
	{ POL_WARNING_NODE_NOT_ALLOWED, 1, 13, "",
		"tree api { /a { GET }, /b { GET } }\n" FACTS
		"role r { allow GET on api:/b when resource.b\ndeny GET on api:/a when "
		"resource.b }\n",
		"tree api { /a { GET }, /b { GET } }\n" FACTS
		"role r { allow GET on api:/a, api:/b when resource.b }\n" },
	{ POL_WARNING_SCOPE_EXCEEDS_ROLES, 5, 7, "allows what no role allows",
		"tree api { /a { GET }, /b { GET } }\n" FACTS
		"scope s { allow GET on api:/a when resource.b }\n"
		"role r { deny GET on api:/a when resource.b }\n",
		"tree api { /a { GET }, /b { GET } }\n" FACTS "scope s { allow GET on api:/a }\n"
		"role r { allow GET on api:/a when resource.b }\n" },
	{ POL_WARNING_WILDCARD_WRITE, 6, 1, "a wildcard grants a method that writes",
		"tree api { /{u} { PUT }, /x/{u} { PUT } }\n" FACTS "role r {\n"
		"allow all on api:/{u}, api:/x/{u}/** when {u} is principal.id\n}\n",
		"tree api { /{u} { PUT }, /x/{u} { PUT } }\n" FACTS "role r {\n"
		"allow all on api:/{u}, api:/x/{u} when {u} is principal.id\n}\n" },
	{ POL_WARNING_RULE_INHERITED, 10, 2, "what role 'r' inherits allows all of this",
		OK_TREE "role r inherits all {\n allow GET on api:/loans\n }\n",
		OK_TREE "role some { allow GET on api:/loans }\nrole r inherits some {\n allow GET "
			"on api:/loans, api:/loans/{loan}\n }\n" },
	{ POL_WARNING_RULE_INHERITED, 11, 2, "what scope 's' includes denies all of this",
		OK_TREE "scope no { deny DELETE on api:/loans/{loan} }\nscope s includes no {\n "
			"deny DELETE on api:/loans/{loan}\n allow all on api:/loans\n }\n",
		OK_TREE "scope no { allow DELETE on api:/loans/{loan} }\nscope s includes no {\n "
			"deny DELETE on api:/loans/{loan}\n allow all on api:/loans\n }\n" },
	{ POL_WARNING_ALLOW_DENIED, 10, 2, "a deny always overrides this",
		OK_TREE "role r {\n allow PUT on api:/loans/{loan}\n allow GET on api:/loans\n "
			"deny update on api:/loans/{loan}\n }\n",
		OK_TREE "role r {\n allow update on api:/loans/{loan}\n allow GET on api:/loans\n "
			"deny PUT on api:/loans/{loan}\n }\n" },
	{ POL_WARNING_ALLOW_DENIED, 11, 2, "a deny always overrides this",
		OK_TREE "role no { deny all on api:/loans/{loan} }\nrole r inherits no {\n allow "
			"PUT on api:/loans/{loan}\n allow GET on api:/loans\n }\n",
		OK_TREE "role no { deny all on api:/loans/{loan} }\nrole r {\n allow PUT on "
			"api:/loans/{loan}\n allow GET on api:/loans\n }\n" },
	{ POL_WARNING_ALLOW_DENIED, 11, 2, "a deny always overrides this",
		OK_TREE "role anyone { deny PUT on api:/loans/{loan} }\nscope s {\n allow PUT on "
			"api:/loans/{loan}\n allow GET on api:/loans\n }\n",
		OK_TREE "role anyone { deny PUT on api:/loans/{loan} }\nscope s {\n allow update "
			"on api:/loans/{loan}\n allow GET on api:/loans\n }\n" },
	{ POL_WARNING_ROLE_UNUSABLE, 10, 6, "nobody can use role 'r'",
		OK_TREE "role anyone { deny update on api:/loans/{loan} }\nrole r { allow PUT on "
			"api:/loans/{loan} }\n",
		OK_TREE "role anyone { deny PUT on api:/loans/{loan} }\nrole r { allow update on "
			"api:/loans/{loan} }\n" },
	{ POL_WARNING_ROLE_UNUSABLE, 5, 6, "no stack has a line 'authorize required role'",
		TREE ALL "stack other { authenticate required key\n authorize required scope\n "
			 "}\n",
		TREE ALL OTHER "stack s { authenticate required key\n authorize required scope\n "
			       "}\n" },
	{ POL_WARNING_ROLE_UNUSED, 9, 6, "no principal, role or test names role 'r'",
		TREE ALL TEST "role r { allow GET on api:/loans }\n",
		TREE ALL TEST "role r { allow GET on api:/loans }\nrole s { allow PUT on "
			      "api:/loans/{loan} }\nexclusive r, s\n" },
	{ POL_WARNING_ROLE_UNUSED, 6, 6, "role 'r'",
		TREE ALL "role r { allow GET on api:/loans }\nprincipal p { role all }\n",
		TREE ALL "role r { allow GET on api:/loans }\nprincipal p { role all, r }\n" },
	{ POL_WARNING_ROLE_UNUSED, 5, 6, "role 'all'",
		TREE ALL "role r { allow GET on api:/loans }\ntest \"u\" { as role r\n allow "
			 "GET api:/loans\n }\n",
		TREE ALL "role r { allow GET on api:/loans }\n" },
	{ POL_WARNING_SCOPE_EXCEEDS_ROLES, 6, 7, "PATCH on api:/loans/{loan} and 1 more",
		TREE "role r { allow GET, PUT on api:/loans/{loan} }\nscope s { allow PUT, PATCH, "
		     "DELETE on api:/loans/{loan} }\n",
		TREE "role r { allow GET, PUT on api:/loans/{loan} }\nrole q { allow PATCH, DELETE "
		     "on api:/loans/{loan} }\nscope s { allow PUT, PATCH, DELETE on "
		     "api:/loans/{loan} }\n" },
	{ POL_WARNING_SCOPE_EXCEEDS_ROLES, 6, 7, "GET on api:/loans:",
		TREE "role r { allow PUT on api:/loans/{loan} }\nscope s { allow GET on api:/loans "
		     "}\n",
		TREE "scope s { allow GET on api:/loans }\n" },
	{ POL_WARNING_NODE_EMPTY, 3, 3, "api:/b has no actions",
		"tree api {\n /a { GET }\n /b { /c { } }\n}\n",
		"tree api {\n /a { GET }\n /b { /c { view } }\n}\n" },
	{ POL_WARNING_NODE_NOT_ALLOWED, 3, 3, "on api:/b or below it",
		"tree api {\n /a { GET }\n /b { GET, /c { GET } }\n}\nrole r { allow GET on "
		"api:/a }\n",
		"tree api {\n /a { GET }\n /b { GET, /c { GET } }\n}\nrole r { allow GET on "
		"api:/a }\nscope s { allow GET on api:/b/c }\n" },
	{ POL_WARNING_NODE_NOT_ALLOWED, 5, 6, "on ui:/ or below it",
		TREE "tree ui { view, /a { view } }\n" ALL "role r { allow view on ui:/a\n deny "
		     "view on ui:/a }\n",
		NULL },
	{ POL_WARNING_NODE_UNREACHABLE, 2, 23, "leads to api:/a/b c",
		"tree api {\n /a { /{id} { GET }, /\"b c\" { GET } }\n}\n",
		"tree api {\n /a { /{id} { GET }, /b-c { GET } }\n}\n" },
	{ POL_WARNING_NODE_UNREACHABLE, 2, 23, "leads to api:/a/\xc3\xa9",
		"tree api {\n /a { /{id} { GET }, /\xc3\xa9 { /x { GET }, /y { GET } } }\n}\n",
		"tree api {\n /a { /{id} { GET }, /\xc3\xa9 { /x { view }, /y { view } } }\n}\n" },
	{ POL_WARNING_WILDCARD_WRITE, 10, 2, "POST on api:/loans",
		OK_TREE "role r {\n allow all on api:/loans/** except DELETE\n }\n",
		OK_TREE "role r {\n allow GET on api:/**\n }\n" },
	{ POL_WARNING_WILDCARD_WRITE, 10, 2, "PUT on api:/loans/{loan}",
		OK_TREE "role r {\n allow PUT on api:/files/{path...}, api:/loans/*\n }\n", NULL },
	{ POL_WARNING_WILDCARD_WRITE, 10, 2, "PUT on api:/files/{path...}",
		OK_TREE "scope s {\n allow GET, PUT on api:/files/**\n }\n",
		OK_TREE "scope s {\n allow GET on api:/files/**\n allow PUT on "
			"api:/files/{path...}\n }\n" },
	{ POL_WARNING_WILDCARD_WRITE, 10, 2, "POST on api:/loans",
		OK_TREE "role r {\n allow list, create on api:/loans/**\n }\n",
		OK_TREE
		"role r {\n allow list, read on api:/loans/**\n deny all on api:/**\n }\n" },
	{ POL_WARNING_NO_TESTS, 1, 6, "no tests", TREE ALL, TREE ALL TEST },
	{ POL_WARNING_TEST_DENY_UNKNOWN, 8, 11, "because of unknown_resource",
		TREE ALL "test \"t\" {\n as role all\n deny GET api:/loan\n }\n",
		TREE ALL "test \"t\" {\n as role all\n deny GET api:/loan because "
			 "unknown_resource\n }\n" },
	{ POL_WARNING_TEST_DENY_UNKNOWN, 7, 14, "because of unknown_action",
		TREE ALL "test \"t\" {\n deny DELETE api:/loans\n }\n",
		TREE ALL "test \"t\" {\n deny DELETE api:/loans/7\n }\n" },
	{ POL_WARNING_TEST_DENY_UNKNOWN, 7, 11, "because of malformed_path",
		TREE ALL "test \"t\" {\n deny GET api:/loans/../x\n }\n",
		TREE ALL "test \"t\" {\n as nobody\n deny GET api:/loans\n }\n" },
	{ POL_WARNING_STACK_UNUSED, 12, 7, "no stack includes 'common'",
		OK_TREE OTHER "stack common { account required permit }\n",
		OK_TREE "stack other { authenticate required key\n authorize required role\n "
			"account include a\n }\nstack a { account include common }\nstack common { "
			"account required permit }\n" },
	{ POL_WARNING_LINE_UNREACHABLE, 11, 2, "change nothing",
		OK_TREE "stack other {\n authenticate sufficient permit\n authenticate required "
			"key\n authorize required role\n }\n",
		OK_TREE "stack other {\n authenticate optional permit\n authenticate required "
			"key\n authorize required role\n }\n" },
	{ POL_WARNING_LINE_UNREACHABLE, 11, 2, "change nothing",
		OK_TREE "stack other {\n authenticate requisite deny\n authenticate required "
			"key\n authorize required role\n }\n",
		OK_TREE "stack other {\n authenticate required deny\n authenticate required key\n "
			"authorize required role\n }\n" },
	{ POL_WARNING_UNUSED_SILENCE, 9, 15, "there is no 'wildcard-write' to silence here",
		OK_TREE "# lint: allow wildcard-write\nexclusive all, all2\nrole all2 { allow GET "
			"on api:/loans }\n",
		OK_TREE "# lint: allow unknown-peer\nexclusive all, all2\nrole all2 { allow GET on "
			"api:/loans }\n" },
	{ POL_WARNING_UNUSED_SILENCE, 9, 15, "did you mean 'wildcard-write'?",
		OK_TREE "# lint: allow wildcard-wirte\n", OK_TREE "# lint allow wildcard-wirte\n" },
	{ POL_WARNING_UNUSED_SILENCE, 9, 1, "write '# lint: allow CODE'",
		OK_TREE "# lint: wildcard-write\n", OK_TREE "# linter: wildcard-write\n" },
	{ POL_WARNING_UNUSED_SILENCE, 9, 15, "'data-file' cannot be silenced",
		OK_TREE "# lint: allow data-file\n", OK_TREE "# allow data-file\n" },
};

#define ROWS (sizeof rows / sizeof *rows)

Test(lint, a_policy_has_a_finding_where_it_should_and_its_neighbour_has_none)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		const char *code = pol_warning_code(row->warning);
		struct loaded linted = lint(row->text);
		const struct pol_diag *diag = find(&linted, row->warning);

		cr_assert_not_null(diag, "%s in\n%s", code, row->text);
		cr_expect(diag->line == row->line && diag->column == row->column,
			"%s at %u:%u in\n%s", code, diag->line, diag->column, row->text);
		cr_expect_not_null(
			strstr(diag->message.ptr, row->part), "%.*s", POL_STR_ARGS(diag->message));
		unload(&linted);
		if (row->other != NULL) {
			cr_expect_not(has(row->other, row->warning), "%s in\n%s", code, row->other);
		}
	}
}

/* The policy with a comment alone above the line. */
static void silence(const struct row *row, char out[TEXT_SIZE])
{
	const char *at = row->text;

	for (uint32_t line = 1; line < row->line; line++) {
		at = strchr(at, '\n') + 1;
	}
	snprintf(out, TEXT_SIZE, "%.*s# lint: allow %s\n%s", (int)(at - row->text), row->text,
		pol_warning_code(row->warning), at);
}

Test(lint, a_comment_above_the_line_silences_each_code_and_is_used)
{
	for (size_t i = 0; i < ROWS; i++) {
		char text[TEXT_SIZE];
		struct loaded linted;

		if (pol_warning_kind(rows[i].warning)->fixed) {
			continue;
		}
		silence(&rows[i], text);
		linted = lint(text);
		cr_expect_null(find(&linted, rows[i].warning), "%s", text);
		cr_expect_null(find(&linted, POL_WARNING_UNUSED_SILENCE), "%s", text);
		cr_expect_eq(linted.diags.silenced_count, 1, "%s", text);
		unload(&linted);
	}
}

Test(lint, every_code_of_lint_has_a_policy_here)
{
	for (unsigned warning = 1; warning < POL_WARNING_COUNT; warning++) {
		bool found = !pol_warning_kind((enum pol_warning)warning)->by_lint;

		for (size_t i = 0; i < ROWS; i++) {
			found = found || rows[i].warning == warning;
		}
		cr_expect(found, "%s", pol_warning_code((enum pol_warning)warning));
	}
}

Test(lint, what_the_compiler_warns_about_is_not_reported_again)
{
	static const char *const texts[] = {
		OK_TREE "role r {\n allow GET on api:/loans\n allow GET on api:/loans\n allow GET "
			"on api:/loans/{loan}\n }\nrole q inherits r\n",
		OK_TREE "role r {\n allow GET on api:/loans\n deny GET on api:/loans\n }\nrole q "
			"inherits r\n",
		OK_TREE "test \"u\" { }\n",
		OK_TREE OTHER "stack s { }\n",
		OK_TREE "stack s { authenticate required key\n authorize required role\n }\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct loaded linted = lint(texts[i]);

		for (const struct pol_diag *diag = linted.diags.first; diag != NULL;
			diag = diag->next) {
			cr_expect(diag->warning == POL_WARNING_ROLE_UNUSED ||
					  !pol_warning_kind(diag->warning)->by_lint,
				"%.*s in\n%s", POL_STR_ARGS(diag->message), texts[i]);
			cr_expect(diag->next == NULL || diag->next->line != diag->line ||
					  diag->next->warning != diag->warning,
				"%s", texts[i]);
		}
		unload(&linted);
	}
}

/* Only the meaning counts, so the same sets in other words have the same findings. */
Test(lint, another_spelling_of_a_scope_wider_than_any_role_is_found_too)
{
	static const char *const texts[] = {
		TREE "role r { allow all on api:/loans/** except delete on api:/loans/{loan} }\n"
		     "scope s { allow all on api:/loans, api:/loans/{loan} }\n",
		TREE "role r { allow all on api:/loans, api:/loans/{loan}\n deny delete on "
		     "api:/loans/{loan} }\nscope s { allow all on api:/loans/** }\n",
		TREE "role r { allow list, create on api:/loans }\nrole q { allow read, update on "
		     "api:/loans/* }\nscope s { allow all on api:/loans { /, /{loan} } }\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct loaded linted = lint(texts[i]);
		const struct pol_diag *diag = find(&linted, POL_WARNING_SCOPE_EXCEEDS_ROLES);

		cr_assert_not_null(diag, "%s", texts[i]);
		cr_expect_not_null(strstr(diag->message.ptr, "DELETE on api:/loans/{loan}:"),
			"%.*s", POL_STR_ARGS(diag->message));
		unload(&linted);
	}
}

Test(lint, a_policy_in_several_files_and_blocks_shows_the_first_place_of_a_node)
{
	const struct pol_source sources[] = {
		{ POL_STR_INIT("a.policy"), POL_STR_INIT("tree api {\n /a { GET }\n}\n") },
		{ POL_STR_INIT("b.policy"),
			POL_STR_INIT("tree api {\n /a, /b { /x/y { } }\n /b/x { }\n}\n") },
	};
	struct pol_snapshot *snapshot;
	struct pol_diags diags;
	uint32_t found = 0;

	pol_diags_init(&diags, sources, 2);
	cr_assert_eq(pol_compile(sources, 2, NULL, &diags, &snapshot), POL_OK);
	cr_assert_eq(pol_lint(snapshot, &diags), POL_OK);
	for (const struct pol_diag *diag = diags.first; diag != NULL; diag = diag->next) {
		if (diag->warning == POL_WARNING_NODE_EMPTY) {
			found++;
			cr_expect(pol_str_equal(diag->file, POL_STR("b.policy")));
			cr_expect_eq(diag->line, 2);
		}
	}
	cr_expect_eq(found, 2, "%u", found);
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
}

Test(lint, a_node_whose_path_is_too_long_for_a_request_is_unreachable)
{
	static const uint32_t lengths[] = { POL_PATH_BYTES / 16 - 1, POL_PATH_BYTES / 16 };

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		char text[TEXT_SIZE];
		size_t len = (size_t)snprintf(text, TEXT_SIZE, "tree api {\n ");

		/* Sixteen segments, each with its '/'. The last one makes the difference. */
		for (uint32_t segment = 0; segment < 16; segment++) {
			uint32_t own = segment < 15 ? lengths[0] : lengths[i];

			text[len++] = '/';
			memset(text + len, 'a', own);
			len += own;
		}
		snprintf(text + len, TEXT_SIZE - len, " { GET }\n}\n");
		cr_expect_eq(has(text, POL_WARNING_NODE_UNREACHABLE), i == 1);
	}
}

/* What has a condition is allowed to somebody, and covers nothing. */
Test(lint, a_rule_with_a_condition_is_a_grant_and_covers_no_other)
{
	struct loaded linted =
		lint("tree api { /a { GET, POST }, /b { GET }, /c { GET } }\n"
		     "role one { allow GET on api:/a when context.ip in 10.0.0.0/8 }\n"
		     "role two {\n"
		     "    allow GET on api:/b when context.ip in 10.0.0.0/8\n"
		     "    allow GET on api:/c when context.mfa_age < 1h\n"
		     "    allow GET on api:/b, api:/c\n"
		     "    deny GET on api:/b when context.ip in 11.0.0.0/8\n"
		     "}\n"
		     "role three {\n"
		     "    allow GET, POST on api:/a when context.ip in 10.0.0.0/8\n"
		     "    allow GET on api:/b, api:/c when context.mfa_age < 1h\n"
		     "    allow GET on api:/a, api:/b\n"
		     "}\n"
		     "role anyone { deny GET on api:/c when context.ip in 12.0.0.0/8 }\n"
		     "scope some { allow POST on api:/a when context.ip in 10.0.0.0/8 }\n"
		     "test \"t\" { as role one, two, three\n deny GET api:/a }\n");

	/* The rule without a condition covers those that have one. */
	for (const struct pol_diag *diag = linted.diags.first; diag != NULL; diag = diag->next) {
		cr_expect(diag->warning == POL_WARNING_RULE_COVERED &&
				  (diag->line == 4 || diag->line == 5),
			"%u: %.*s", diag->line, POL_STR_ARGS(diag->message));
	}
	unload(&linted);
}

Test(lint, a_role_that_allows_something_on_a_condition_is_of_use)
{
	static const char *const usable =
		"tree api { /a { GET }, /b { GET } }\n"
		"role one { allow GET on api:/a\n allow GET on api:/b when context.mfa_age < 1h }\n"
		"role anyone { deny GET on api:/a }\n";
	static const char *const unusable =
		"tree api { /a { GET }, /b { GET } }\n"
		"role one { allow GET on api:/a\n allow GET on api:/b when context.mfa_age < 1h }\n"
		"role anyone { deny GET on api:/a, api:/b }\n";

	cr_expect_not(has(usable, POL_WARNING_ROLE_UNUSABLE));
	cr_expect(has(unusable, POL_WARNING_ROLE_UNUSABLE));
}
