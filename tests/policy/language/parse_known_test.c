/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/language/parse.h"

/* Conditions that are written as one before are shared, and each grant finds its own positions. */

struct parsed {
	char text[8192];
	struct pol_source source;
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
};

static void parse(struct parsed *out)
{
	out->source = (struct pol_source){ POL_STR("x.policy"), pol_str_of(out->text) };
	out->ast = (struct pol_ast){ 0 };
	pol_arena_init(&out->arena, 1 << 24);
	pol_diags_init(&out->diags, &out->source, 1);
	(void)pol_parse(&out->source, 1, &out->arena, &out->diags, &out->ast);
}

static void finish(struct parsed *parsed)
{
	pol_diags_finish(&parsed->diags);
	pol_arena_finish(&parsed->arena);
}

static struct pol_str text_at(const struct parsed *parsed, struct pol_span at)
{
	cr_assert_eq(at.file, 0);
	cr_assert_leq((size_t)at.offset + at.length, strlen(parsed->text));
	return (struct pol_str){ parsed->text + at.offset, at.length };
}

/* All words stand where their positions say. */
static void check_words(const struct parsed *parsed, const struct pol_ast_condition *condition)
{
	for (uint32_t i = 0; i < condition->part_count; i++) {
		check_words(parsed, &condition->parts[i]);
	}
	if (condition->kind == POL_AST_COMPARE) {
		cr_expect(pol_str_equal(
			text_at(parsed, condition->left.word.at), condition->left.word.text));
		for (uint32_t i = 0; i < condition->right.count; i++) {
			const struct pol_ast_operand *item = &condition->right.items[i];
			struct pol_str text = text_at(parsed, item->word.at);

			if (item->kind == POL_AST_STRING) {
				text = (struct pol_str){ text.ptr + 1, text.len - 2 };
			}
			cr_expect(pol_str_equal(text, item->word.text), "%.*s", POL_STR_ARGS(text));
		}
	}
}

/* The condition of grant i has this text, which stands after that `when`. */
static void expect(struct parsed *parsed, uint32_t i, const char *text)
{
	const struct pol_ast_condition *when;
	const struct pol_span grant = parsed->ast.roles[0].grants[i].at;
	struct pol_str found;

	cr_assert_not_null(parsed->ast.roles[0].grants[i].when, "%u", i);
	when = pol_parse_known_own(&parsed->arena, &parsed->ast.roles[0].grants[i]);
	cr_assert_not_null(when, "%u", i);
	found = text_at(parsed, when->at);
	cr_expect(pol_str_equal(found, pol_str_of(text)), "%u: %.*s", i, POL_STR_ARGS(found));
	cr_expect_gt(when->at.offset, grant.offset);
	if (i + 1 < parsed->ast.roles[0].grant_count) {
		cr_expect_lt(when->at.offset, parsed->ast.roles[0].grants[i + 1].at.offset);
	}
	check_words(parsed, when);
}

Test(parse_known, those_that_are_written_alike_are_one_with_positions_in_each_grant)
{
	static const char when[] =
		"resource.a is \"x\" and ({id} in \"y\", resource.b or not resource.c)";
	struct parsed *parsed = calloc(1, sizeof *parsed);
	size_t used = (size_t)snprintf(parsed->text, sizeof parsed->text, "role r {\n");

	for (unsigned i = 0; i < 9; i++) {
		used += (size_t)snprintf(parsed->text + used, sizeof parsed->text - used,
			"%*sallow GET on api:/{id}%s when %s%s\n", (int)i, "",
			i % 3 == 1 ? "\n" : "", when, i % 4 == 3 ? " # why" : "");
	}
	snprintf(parsed->text + used, sizeof parsed->text - used, "}\n");
	parse(parsed);
	cr_assert_eq(parsed->diags.errors, 0);
	cr_assert_eq(parsed->ast.roles[0].grant_count, 9);
	for (uint32_t i = 0; i < 9; i++) {
		expect(parsed, i, when);
		/* A comment is part of the line. */
		cr_expect_eq(parsed->ast.roles[0].grants[i].when,
			parsed->ast.roles[0].grants[i % 4 == 3 ? 3 : 0].when);
	}
	finish(parsed);
	free(parsed);
}

Test(parse_known, one_that_goes_on_in_the_next_line_is_read)
{
	struct parsed *parsed = calloc(1, sizeof *parsed);

	snprintf(parsed->text, sizeof parsed->text,
		"role r {\n"
		"allow GET on api:/x when resource.a\n"
		"allow GET on api:/x when resource.a\n  and resource.b\n"
		"allow GET on api:/x when resource.a\n# a comment\n\n or resource.b\n"
		"allow GET on api:/x when resource.a\r\n"
		"allow GET on api:/x when resource.a\n"
		"allow GET on api:/x when resource.a and\nresource.b\n"
		"allow GET on api:/x when resource.a and\nresource.c\n"
		"allow GET on api:/x when resource.a }\n");
	parse(parsed);
	cr_assert_eq(parsed->diags.errors, 0);
	cr_assert_eq(parsed->ast.roles[0].grant_count, 8);
	expect(parsed, 0, "resource.a");
	expect(parsed, 1, "resource.a\n  and resource.b");
	expect(parsed, 2, "resource.a\n# a comment\n\n or resource.b");
	expect(parsed, 3, "resource.a");
	expect(parsed, 4, "resource.a");
	expect(parsed, 5, "resource.a and\nresource.b");
	expect(parsed, 6, "resource.a and\nresource.c");
	expect(parsed, 7, "resource.a");
	finish(parsed);
	free(parsed);
}

Test(parse_known, a_mistake_is_reported_each_time)
{
	struct parsed *parsed = calloc(1, sizeof *parsed);

	snprintf(parsed->text, sizeof parsed->text,
		"role r {\n"
		"allow GET on api:/x when resource.a is\n"
		"allow GET on api:/x when resource.a is\n"
		"allow GET on api:/x when resource.b\n"
		"allow GET on api:/x when resource.b\nexcept GET\n"
		"}\n");
	parse(parsed);
	cr_expect_eq(parsed->diags.errors, 3);
	finish(parsed);
	free(parsed);
}

/* As many texts as are remembered, and more. */
static void parse_many(unsigned count)
{
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast = { 0 };
	size_t size = 1 << 20, used;
	char *text = malloc(size);
	struct pol_source source = { POL_STR("x.policy"), { text, 0 } };

	used = (size_t)snprintf(text, size, "role r {\n");
	for (unsigned i = 0; i < 12000; i++) {
		used += (size_t)snprintf(text + used, size - used,
			"allow GET on api:/x when resource.a is %u\n", i * 7919 % count);
	}
	used += (size_t)snprintf(text + used, size - used, "}\n");
	source.text.len = used;
	pol_arena_init(&arena, 1 << 26);
	pol_diags_init(&diags, &source, 1);
	cr_assert_eq(pol_parse(&source, 1, &arena, &diags, &ast), POL_OK);
	cr_assert_eq(ast.roles[0].grant_count, 12000);
	for (unsigned i = 0; i < 12000; i++) {
		const struct pol_ast_condition *when =
			pol_parse_known_own(&arena, &ast.roles[0].grants[i]);
		char expected[16];

		snprintf(expected, sizeof expected, "%u", i * 7919 % count);
		cr_assert(pol_str_equal(when->right.items[0].word.text, pol_str_of(expected)));
		cr_assert_eq(memcmp(text + when->right.items[0].word.at.offset, expected,
				     strlen(expected)),
			0);
	}
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	free(text);
}

Test(parse_known, as_many_texts_as_are_remembered)
{
	parse_many(4096);
}

Test(parse_known, more_texts_than_are_remembered)
{
	parse_many(5003);
}
