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
