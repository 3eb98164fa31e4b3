/* SPDX-License-Identifier: Apache-2.0 */
/* The AST of policies without mistakes. The messages about mistakes are tested by the corpus. */
#include "policy/language/parse.h"
#include "policy/text/method.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parsed {
	struct pol_source source;
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
	enum pol_status status;
};

static void parse(struct parsed *parsed, const char *text, size_t limit)
{
	parsed->source = (struct pol_source){ POL_STR_INIT("t.policy"), pol_str_of(text) };
	pol_arena_init(&parsed->arena, limit);
	pol_diags_init(&parsed->diags, &parsed->source, 1);
	parsed->status =
		pol_parse(&parsed->source, 1, &parsed->arena, &parsed->diags, &parsed->ast);
}

static void finish(struct parsed *parsed)
{
	pol_diags_finish(&parsed->diags);
	pol_arena_finish(&parsed->arena);
}

#define ROOM ((size_t)16 * 1024 * 1024)

static void write_path(const struct pol_ast_path *path, char *out, size_t room)
{
	static const char *const marks[] = { "", "=", "=...", "*", "**" };
	size_t used = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < path->count; i++) {
		used += (size_t)snprintf(out + used, room - used, "|%s%.*s",
			marks[path->segments[i].kind], POL_STR_ARGS(path->segments[i].text));
	}
}

Test(parse, lists_of_suffixes_become_patterns)
{
	static const char *const expected[] = { "|loans", "|loans|=loan|notes",
		"|loans|=loan|payments", "|loans|*", "|b c|**", "" };
	struct parsed parsed;

	parse(&parsed,
		"role r {\n"
		"  allow GET, list on api:/loans { /, /{loan} { /notes, /payments }\n /* },\n"
		"    ui:/\"b c\"/**, ui:/\n}\n",
		ROOM);
	cr_assert_eq(parsed.status, POL_OK);
	cr_assert_eq(parsed.ast.roles_count, 1);
	cr_assert_eq(parsed.ast.roles[0].grant_count, 1);
	cr_assert_eq(parsed.ast.roles[0].grants[0].verbs.count, 2);
	cr_assert_eq(parsed.ast.roles[0].grants[0].patterns.count, 6);
	for (uint32_t i = 0; i < 6; i++) {
		const struct pol_ast_pattern *one =
			&parsed.ast.roles[0].grants[0].patterns.items[i];
		char got[256];

		write_path(&one->path, got, sizeof got);
		cr_expect_str_eq(got, expected[i], "%s", got);
		cr_expect(pol_str_equal(one->tree.text, i < 4 ? POL_STR("api") : POL_STR("ui")));
	}
	finish(&parsed);
}

Test(parse, literals_are_decoded_as_a_request_is)
{
	struct parsed parsed;
	char got[256];

	parse(&parsed, "tree t { /a%20b/%41{ GET }\n /\"x y\"/{p}/{q...} { GET } }\n", ROOM);
	cr_assert_eq(parsed.status, POL_OK);
	cr_assert_eq(parsed.ast.trees[0].entry_count, 2);
	write_path(&parsed.ast.trees[0].entries[0].paths[0], got, sizeof got);
	cr_expect_str_eq(got, "|a b|A");
	write_path(&parsed.ast.trees[0].entries[1].paths[0], got, sizeof got);
	cr_expect_str_eq(got, "|x y|=p|=...q");
	finish(&parsed);
}

Test(parse, an_action_takes_its_methods_and_a_method_is_itself)
{
	struct parsed parsed;
	const struct pol_ast_entry *entries;

	parse(&parsed, "tree t { /a, /b { update PUT PATCH \"both\", view\n GET, PUT } }\n", ROOM);
	cr_assert_eq(parsed.status, POL_OK);
	cr_assert_eq(parsed.ast.trees[0].entries[0].path_count, 2);
	cr_assert_eq(parsed.ast.trees[0].entries[0].entry_count, 4);
	entries = parsed.ast.trees[0].entries[0].entries;
	cr_expect_eq(entries[0].kind, POL_ENTRY_ACTION);
	cr_expect_eq(entries[0].methods.count, 2);
	cr_expect(pol_str_equal(entries[0].description.text, POL_STR("both")));
	cr_expect_eq(entries[1].kind, POL_ENTRY_ACTION);
	cr_expect_eq(entries[1].methods.count, 0);
	cr_expect_eq(entries[2].kind, POL_ENTRY_METHOD);
	cr_expect_eq(entries[3].kind, POL_ENTRY_METHOD);
	finish(&parsed);
}

Test(parse, except_takes_patterns_or_actions_or_both)
{
	struct parsed parsed;
	const struct pol_ast_grant *grants;

	parse(&parsed,
		"role r {\n deny all on t:/** except t:/a, t:/b\n allow all on t:/** except x\n"
		" allow all on t:/** except x, GET on t:/a\n allow x on t:/** except all on "
		"t:/a\n}\n",
		ROOM);
	cr_assert_eq(parsed.status, POL_OK);
	cr_assert_eq(parsed.ast.roles[0].grant_count, 4);
	grants = parsed.ast.roles[0].grants;
	cr_expect(grants[0].deny && grants[0].all && grants[0].except);
	cr_expect_eq(grants[0].except_patterns.count, 2);
	cr_expect_eq(grants[0].except_verbs.count, 0);
	cr_expect_eq(grants[1].except_patterns.count, 0);
	cr_expect_eq(grants[1].except_verbs.count, 1);
	cr_expect_eq(grants[2].except_patterns.count, 1);
	cr_expect_eq(grants[2].except_verbs.count, 2);
	cr_expect(grants[3].except_all && !grants[3].all);
	finish(&parsed);
}

Test(parse, a_line_of_a_stack_keeps_its_arguments_apart)
{
	struct parsed parsed;
	const struct pol_ast_line *line;

	parse(&parsed,
		"stack s {\n account requisite network allow=10.0.0.0/8,\n  ::/0 \"a b\"\n"
		" record optional log\n}\n",
		ROOM);
	cr_assert_eq(parsed.status, POL_OK);
	cr_assert_eq(parsed.ast.stacks[0].line_count, 2);
	line = &parsed.ast.stacks[0].lines[0];
	cr_expect_eq(line->group, POL_GROUP_ACCOUNT);
	cr_expect_eq(line->control, POL_CONTROL_REQUISITE);
	cr_assert_eq(line->argument_count, 2);
	cr_expect_eq(line->arguments[0].values.count, 2);
	cr_expect(pol_str_equal(
		line->arguments[0].values.items[0].text, POL_STR("allow=10.0.0.0/8")));
	cr_expect(pol_str_equal(line->arguments[1].values.items[0].text, POL_STR("a b")));
	finish(&parsed);
}

Test(parse, a_test_keeps_its_lines_in_order)
{
	static const enum pol_step_kind kinds[] = { POL_STEP_AS_ROLE, POL_STEP_AND_ROLE,
		POL_STEP_EVERYONE_ROLE, POL_STEP_ANYONE_ROLE, POL_STEP_WITH_SCOPE, POL_STEP_KEY_AT,
		POL_STEP_KEY_STATE, POL_STEP_ENVIRONMENT, POL_STEP_SERVICE, POL_STEP_FROM,
		POL_STEP_TIME, POL_STEP_PEER, POL_STEP_MFA, POL_STEP_AS_PRINCIPAL,
		POL_STEP_AS_NOBODY, POL_STEP_EXPECT, POL_STEP_EXPECT };
	const size_t count = sizeof kinds / sizeof *kinds;
	struct parsed parsed;
	const struct pol_ast_test *test;

	parse(&parsed,
		"test \"x\" {\n as role a, b at t:/x until 2030\n and role c\n"
		" everyone role c\n anyone role c at t:/x\n with scope s:t, u\n"
		" key at t:/x, \"t:/y z\"\n key expired\n environment e\n service s\n from ::1\n"
		" time now\n peer root\n mfa\n as principal inactive\n as nobody\n"
		" allow GET, view t:/a t2\n deny GET t:/a/../b, \"t:/{x}\" because "
		"malformed_path\n}\n",
		ROOM);
	cr_expect_eq(parsed.status, POL_EINVALID, "t2 has no comma before it");
	finish(&parsed);
	parse(&parsed,
		"test \"x\" {\n as role a, b at t:/x until 2030\n and role c\n"
		" everyone role c\n anyone role c at t:/x\n with scope s:t, u\n"
		" key at t:/x, \"t:/y z\"\n key expired\n environment e\n service s\n from ::1\n"
		" time now\n peer root\n mfa\n as principal inactive\n as nobody\n"
		" allow GET, view t:/a\n deny GET t:/a/../b, \"t:/{x}\" because "
		"malformed_path\n}\n",
		ROOM);
	cr_assert_eq(parsed.status, POL_OK);
	test = &parsed.ast.tests[0];
	cr_assert_eq(test->step_count, count);
	for (size_t i = 0; i < count; i++) {
		cr_expect_eq(test->steps[i].kind, kinds[i], "step %zu", i);
	}
	cr_expect_eq(test->steps[0].held.roles.count, 2);
	cr_expect_eq(test->steps[0].held.places.count, 1);
	cr_expect(pol_str_equal(test->steps[0].held.until.text, POL_STR("2030")));
	cr_expect_eq(test->steps[15].verbs.count, 2);
	cr_expect(!test->steps[15].deny && test->steps[16].deny);
	cr_expect_eq(test->steps[16].places.count, 2);
	cr_expect(pol_str_equal(test->steps[16].because.text, POL_STR("malformed_path")));
	finish(&parsed);
}

Test(parse, methods_are_the_registered_ones_in_capitals)
{
	static const char *const are[] = { "ACL", "GET", "HEAD", "OPTIONS", "PATCH", "PROPFIND",
		"TRACE", "VERSION-CONTROL" };
	static const char *const are_not[] = { "", "get", "Get", "GETS", "GE", "*", "FETCH",
		"ZZZ" };

	for (size_t i = 0; i < sizeof are / sizeof *are; i++) {
		cr_expect(pol_method_is_registered(pol_str_of(are[i])), "%s", are[i]);
	}
	for (size_t i = 0; i < sizeof are_not / sizeof *are_not; i++) {
		cr_expect_not(pol_method_is_registered(pol_str_of(are_not[i])), "%s", are_not[i]);
	}
}

Test(parse, a_full_arena_ends_parsing_at_any_point)
{
	static const char text[] =
		"environment e prefix e_\ntree t \"a\\\"b\" { /a, /b/{c} { GET, x PUT } }\n"
		"role r { allow x on t:/a { /, /\"b c\" } except t:/a }\n"
		"principal p { peer user u\n role r at t:/a }\nexclusive a, b\nlimits { key_ttl 1d "
		"}\n"
		"stack s { account required network allow=::/0,\"x\" }\ntest \"t\" { as role r }\n";
	size_t refused = 0;

	for (size_t limit = 0; limit < 65536; limit += 512) {
		struct parsed parsed;

		parse(&parsed, text, limit);
		cr_expect(parsed.status == POL_OK || parsed.status == POL_ELIMIT, "%zu: %d", limit,
			(int)parsed.status);
		cr_expect_eq(parsed.diags.errors, 0);
		refused += parsed.status == POL_ELIMIT;
		finish(&parsed);
	}
	cr_expect_gt(refused, 0);
	cr_expect_lt(refused, 128);
}

/* Parses this many files, all spaces: the size of the first, and of each other one. */
static void parse_spaces(size_t first, size_t other, size_t count, char message[256])
{
	struct pol_source sources[16];
	struct pol_diags diags;
	struct pol_arena arena;
	struct pol_ast ast;
	char *text = malloc(POL_FILE_MAX + 1);

	cr_assert_not_null(text);
	cr_assert_leq(count, 16);
	memset(text, ' ', POL_FILE_MAX + 1);
	for (size_t i = 0; i < count; i++) {
		sources[i] = (struct pol_source){ POL_STR_INIT("t.policy"),
			{ text, i == 0 ? first : other } };
	}
	pol_arena_init(&arena, ROOM);
	pol_diags_init(&diags, sources, count);
	(void)pol_parse(sources, count, &arena, &diags, &ast);
	snprintf(message, 256, "%.*s",
		POL_STR_ARGS(diags.first != NULL ? diags.first->message : POL_STR("")));
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	free(text);
}

Test(parse, a_file_and_a_folder_have_a_largest_size)
{
	const size_t files = POL_FOLDER_MAX / POL_FILE_MAX;
	char message[256];

	parse_spaces(POL_FILE_MAX, 0, 1, message);
	cr_expect_str_eq(message, "");
	parse_spaces(POL_FILE_MAX + 1, 0, 1, message);
	cr_expect_not_null(strstr(message, "larger than 8 MiB"), "%s", message);
	parse_spaces(POL_FILE_MAX, POL_FILE_MAX, files, message);
	cr_expect_str_eq(message, "");
	parse_spaces(1, POL_FILE_MAX, files + 1, message);
	cr_expect_not_null(strstr(message, "larger than 64 MiB"), "%s", message);
}
