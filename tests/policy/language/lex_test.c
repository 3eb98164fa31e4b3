/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/lex.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* The tokens as text: words as they are, strings in quotes, NL as "|", bad ones as "!". */
static size_t describe(const char *text, bool in_condition, char *out, size_t room)
{
	struct pol_source source = { POL_STR_INIT("test.policy"), pol_str_of(text) };
	struct pol_lexer lexer;
	struct pol_diags diags;
	struct pol_token token;
	size_t used = 0;
	size_t errors;

	pol_diags_init(&diags, &source, 1);
	pol_lexer_init(&lexer, &diags, 0, source.text);
	lexer.in_condition = in_condition;
	out[0] = '\0';
	for (pol_lex(&lexer, &token); token.kind != POL_TOKEN_END; pol_lex(&lexer, &token)) {
		struct pol_str raw = token.raw;

		if (token.kind == POL_TOKEN_NL) {
			raw = POL_STR("|");
		} else if (token.kind == POL_TOKEN_BAD) {
			raw = POL_STR("!");
		}
		used += (size_t)snprintf(out + used, room - used, "%s%.*s%s", used > 0 ? " " : "",
			POL_STR_ARGS(raw), token.param ? "<param>" : "");
	}
	errors = diags.errors;
	pol_diags_finish(&diags);
	return errors;
}

struct row {
	const char *text;
	const char *tokens;
	size_t errors;
};

static void check(const struct row *rows, size_t count, bool in_condition)
{
	for (size_t i = 0; i < count; i++) {
		char got[512];
		size_t errors = describe(rows[i].text, in_condition, got, sizeof got);

		cr_expect_str_eq(got, rows[i].tokens, "%s: got %s", rows[i].text, got);
		cr_expect_eq(errors, rows[i].errors, "%s: %zu errors", rows[i].text, errors);
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows), false)

Test(lex, words_consist_of_plain_parts_parameters_and_strings)
{
	static const struct row rows[] = {
		{ "", "", 0 },
		{ "a b\tc", "a b c", 0 },
		{ "/a/{b}/c{d}", "/a/{b}/c<param> { d }", 0 },
		{ "/{b...}{", "/{b...}<param> {", 0 },
		{ "/ {b}", "/ { b }", 0 },
		{ "/{b c}", "/ { b c }", 0 },
		{ "/{}", "/ { }", 0 },
		{ "{b}", "{ b }", 0 },
		{ "a\"b c\"d", "a\"b c\"d", 0 },
		{ "\"a\"b", "\"a\"b", 0 },
		{ "/\"{b}\"/{c}", "/\"{b}\"/{c}<param>", 0 },
		{ "\"a\" \"b\"", "\"a\" \"b\"", 0 },
		{ "a,b{c}", "a , b { c }", 0 },
		{ "caf\xc3\xa9", "caf\xc3\xa9", 0 },
		{ "api:/x<=\\", "api:/x<=\\", 0 },
	};
	CHECK(rows);
}

Test(lex, comments_begin_where_a_word_could)
{
	static const struct row rows[] = {
		{ "# a\nb", "| b", 0 },
		{ "a # b # c\nd", "a | d", 0 },
		{ "{# a\n},# b", "{ | } ,", 0 },
		{ "}# a", "}", 0 },
		{ "a#b c\nd", "! | d", 1 },
		{ "\"a\"#b\nd", "! | d", 1 },
	};
	CHECK(rows);
}

Test(lex, lines_end_with_a_line_feed_or_carriage_return_and_line_feed)
{
	static const struct row rows[] = {
		{ "a\nb\r\nc", "a | b | c", 0 },
		{ "\r\n\n", "| |", 0 },
		{ "a\rb", "!", 1 },
		{ "a\r", "!", 1 },
		{ "# a\rb\nc", "| c", 1 },
	};
	CHECK(rows);
}

Test(lex, a_character_that_is_not_allowed_is_reported_once_a_token)
{
	static const struct row rows[] = {
		{ "\"a", "!", 1 },
		{ "\"a\\\"\nb", "! | b", 1 },
		{ "\"a\\x\\y\" b", "! b", 1 },
		{ "\"a\tb\"", "!", 1 },
		{ "\"a\"\"b\"", "!", 1 },
		{ "a\x01\x02 b\x7f", "! !", 2 },
		{ "a\xe2\x80\x8b c", "! c", 1 },
		{ "\"\xe2\x80\xae\" c", "! c", 1 },
		{ "# \xe2\x80\xae \xe2\x80\xae\nc", "| c", 1 },
		{ "\xff\xfe c", "! c", 1 },
		{ "\xed\xa0\x80", "!", 1 },
		{ "\xef\xbb\xbf"
		  "a",
			"!", 1 },
		{ "/{1} /{a.b} a", "! ! a", 2 },
	};
	CHECK(rows);
}

Test(lex, quotes_and_escapes_are_resolved_in_the_text)
{
	static const struct {
		const char *raw;
		const char *text;
	} rows[] = {
		{ "\"\"", "" },
		{ "\"a b\"", "a b" },
		{ "\"a\\\"b\\\\c\\nd\"", "a\"b\\c\nd" },
		{ "x\"a b\"y\"\\\\\"", "xa by\\" },
		{ "x\\n", "x\\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pol_source source = { POL_STR_INIT("t"), pol_str_of(rows[i].raw) };
		struct pol_arena arena;
		struct pol_diags diags;
		struct pol_lexer lexer;
		struct pol_token token;
		struct pol_str text = { 0 };

		pol_arena_init(&arena, 4096);
		pol_diags_init(&diags, &source, 1);
		pol_lexer_init(&lexer, &diags, 0, source.text);
		pol_lex(&lexer, &token);
		cr_assert(pol_lex_token_text(&arena, &token, &text));
		cr_expect(pol_str_equal(text, pol_str_of(rows[i].text)), "%s: %.*s", rows[i].raw,
			POL_STR_ARGS(text));
		pol_diags_finish(&diags);
		pol_arena_finish(&arena);
	}
}

Test(lex, a_token_knows_its_position_on_its_line)
{
	struct pol_source source = { POL_STR_INIT("t"), POL_STR_INIT("a {\n  b\nc") };
	struct pol_diags diags;
	struct pol_lexer lexer;
	struct pol_token token;

	pol_diags_init(&diags, &source, 1);
	pol_lexer_init(&lexer, &diags, 0, source.text);
	pol_lex(&lexer, &token);
	cr_expect(token.first && token.column1);
	pol_lex(&lexer, &token);
	cr_expect(!token.first && !token.column1 && !token.adjacent);
	pol_lex(&lexer, &token);
	pol_lex(&lexer, &token);
	cr_expect(token.first && !token.column1);
	cr_expect_eq(token.at.offset, 6);
	pol_lex(&lexer, &token);
	pol_lex(&lexer, &token);
	cr_expect(token.first && token.column1);
	pol_lex(&lexer, &token);
	cr_expect_eq(token.kind, POL_TOKEN_END);
	pol_lex(&lexer, &token);
	cr_expect_eq(token.kind, POL_TOKEN_END);
	pol_diags_finish(&diags);
}

Test(lex, operators_and_parentheses_end_words_of_conditions_alone)
{
	static const struct row words[] = {
		{ "a<=b (c)", "a<=b (c)", 0 },
		{ "t:/a(b)=c!|&", "t:/a(b)=c!|&", 0 },
	};
	static const struct row conditions[] = {
		{ "a<=b", "a <= b", 0 },
		{ "a<b>=c", "a < b >= c", 0 },
		{ "((a)or not(b))", "( ( a ) or not ( b ) )", 0 },
		{ "a==b&&!c||d!=e", "a == b && ! c || d != e", 0 },
		{ "a < -3", "a < -3", 0 },
		{ "\"a<b)\">\"c\\\"(\"", "\"a<b)\" > \"c\\\"(\"", 0 },
		{ "({a}is{b})", "( { a } is { b } )", 0 },
		{ "a<\n(b\n)# c", "a < | ( b | !", 1 },
		{ "a <# b", "a !", 1 },
		{ "(\"a", "( !", 1 },
		{ "a\x01<b", "! < b", 1 },
		{ "a\xff<b", "! < b", 1 },
		{ "<", "<", 0 },
		{ "a)", "a )", 0 },
	};

	CHECK(words);
	check(conditions, sizeof conditions / sizeof *conditions, true);
}
