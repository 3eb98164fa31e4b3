/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tools/draw.h"
#include "tools/text.h"

struct shown {
	const char *text;
	const char *escaped;
};

static const struct shown cases[] = {
	{ "", "" },
	{ "Alice Baker", "Alice Baker" },
	{ "Zoë 東京 🦀", "Zoë 東京 🦀" },
	{ "two\nlines\tand\rmore", "two\\nlines\\tand\\x0dmore" },
	{ "\033[31mred\033[0m", "\\x1b[31mred\\x1b[0m" },
	{ "title\033]0;x\007", "title\\x1b]0;x\\x07" },
	{ "C1 \xc2\x9b"
	  "31m",
		"C1 \\u{9b}31m" },
	{ "left \xe2\x80\xae thgir", "left \\u{202e} thgir" },
	{ "zero\xe2\x80\x8bwidth", "zero\\u{200b}width" },
	{ "bom \xef\xbb\xbf", "bom \\u{feff}" },
	{ "broken \xc3(", "broken \\xc3(" },
	{ "cut \xe2\x82", "cut \\xe2\\x82" },
	{ "overlong \xc0\xaf", "overlong \\xc0\\xaf" },
	{ "surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80" },
	{ "replacement \xef\xbf\xbd", "replacement \xef\xbf\xbd" },
};

Test(text, what_could_act_on_a_terminal_is_escaped)
{
	struct pol_arena arena;

	pol_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *put = NULL;
		size_t len = 0;
		FILE *file = open_memstream(&put, &len);

		cr_expect_str_eq(text_escape(&arena, pol_str_of(cases[i].text)), cases[i].escaped);
		text_put(file, pol_str_of(cases[i].text));
		fclose(file);
		cr_expect_str_eq(put, cases[i].escaped);
		free(put);
	}
	pol_arena_finish(&arena);
}

Test(text, an_arena_without_room_gives_an_empty_text_and_says_so)
{
	struct pol_arena arena;

	pol_arena_init(&arena, 0);
	cr_expect_str_eq(text_escape(&arena, pol_str_of("x")), "");
	cr_expect_neq(arena.status, POL_OK);
	pol_arena_finish(&arena);
}

Test(text, width_is_counted_in_columns)
{
	cr_expect_eq(text_width(pol_str_of("")), 0);
	cr_expect_eq(text_width(pol_str_of("Zoë")), 3);
	cr_expect_eq(text_width(pol_str_of("Zoe\xcc\x88")), 3, "a combining mark takes no column");
	cr_expect_eq(text_width(pol_str_of("東京")), 4);
	cr_expect_eq(text_width(pol_str_of("🦀")), 2);
}

static char *drawn(const struct draw_line *lines, size_t count)
{
	struct pol_arena arena;
	struct draw draw = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	pol_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		cr_assert(draw_add(&draw, &arena, lines[i].depth, lines[i].text));
	}
	draw_print(&draw, file);
	fclose(file);
	pol_arena_finish(&arena);
	return text;
}

Test(text, what_fits_is_whole_characters)
{
	static const struct {
		const char *text;
		size_t width;
		size_t bytes;
	} fits[] = { { "abc", 2, 2 }, { "abc", 3, 3 }, { "abc", 9, 3 }, { "abc", 0, 0 },
		{ "東京", 1, 0 }, { "東京", 3, 3 }, { "東京", 4, 6 }, { "e\u0301x", 1, 3 },
		{ "", 5, 0 } };

	for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
		cr_expect_eq(text_fit(pol_str_of(fits[i].text), fits[i].width), fits[i].bytes,
			"%s %zu", fits[i].text, fits[i].width);
	}
}

Test(draw, branches_end_at_the_last_of_their_siblings)
{
	static const struct draw_line lines[] = {
		{ .depth = 0, .text = "api:" },
		{ .depth = 1, .text = "/loans" },
		{ .depth = 2, .text = "/search" },
		{ .depth = 2, .text = "/{loan}" },
		{ .depth = 3, .text = "/payments" },
		{ .depth = 1, .text = "/version" },
		{ .depth = 0, .text = "ui:" },
		{ .depth = 1, .text = "/settings" },
	};
	char *text = drawn(lines, sizeof lines / sizeof *lines);

	cr_expect_str_eq(text, "api:\n"
			       "├── /loans\n"
			       "│   ├── /search\n"
			       "│   └── /{loan}\n"
			       "│       └── /payments\n"
			       "└── /version\n"
			       "ui:\n"
			       "└── /settings\n");
	free(text);
}

Test(draw, a_line_too_deep_hangs_where_the_deepest_do)
{
	static const struct draw_line lines[] = { { .depth = 5000, .text = "x" } };
	char *text = drawn(lines, 1);

	cr_expect_not_null(strstr(text, "└── x\n"));
	free(text);
}

static const struct folded {
	const char *text;
	struct text_lines lines;
	const char *printed;
	size_t end;
} folded[] = {
	{ "one two three four five", { 0, 0, 2 }, "one two three four five", 23 },
	{ "one two three four five", { 22, 0, 2 }, "one two three four\n  five", 6 },
	{ "one two three four five", { 23, 0, 2 }, "one two three four five", 23 },
	{ "one two three four five", { 24, 4, 4 }, "one two three four\n    five", 8 },
	/* No blank is left at the end of a line; what stands before the first word stays. */
	{ "  one two three four    five", { 22, 0, 2 }, "  one two three four\n  five", 6 },
	/* A word that is longer than a line, and characters of two columns. */
	{ "0123456789012345678901234", { 20, 0, 0 }, "01234567890123456789\n01234", 5 },
	{ "東京東京東京東京東京東京", { 21, 0, 0 }, "東京東京東京東京東京\n東京", 4 },
	/* A colour takes no column. */
	{ "\033[31mone two three four\033[0m five", { 23, 0, 0 },
		"\033[31mone two three four\033[0m five", 23 },
	/* Nothing is folded into less than 20 columns. */
	{ "one two three four five", { 20, 0, 2 }, "one two three four five", 23 },
	{ "", { 40, 3, 5 }, "", 3 },
};

Test(text, a_text_is_folded_between_words)
{
	for (size_t i = 0; i < sizeof folded / sizeof *folded; i++) {
		char *printed = NULL;
		size_t len = 0;
		FILE *file = open_memstream(&printed, &len);

		cr_assert_not_null(file);
		cr_expect_eq(text_fold(file, folded[i].text, &folded[i].lines), folded[i].end, "%s",
			folded[i].text);
		fclose(file);
		cr_expect_str_eq(printed, folded[i].printed, "%s", folded[i].text);
		free(printed);
	}
}
