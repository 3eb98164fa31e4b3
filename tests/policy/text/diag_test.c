/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/diag.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shown {
	char text[4096];
	size_t len;
};

static void on_text(void *context, const char *text, size_t len)
{
	struct shown *shown = context;

	cr_assert_lt(shown->len + len, sizeof shown->text);
	memcpy(shown->text + shown->len, text, len);
	shown->len += len;
	shown->text[shown->len] = '\0';
}

static void show(const struct pol_diags *diags, struct shown *out)
{
	*out = (struct shown){ 0 };
	for (const struct pol_diag *diag = diags->first; diag != NULL; diag = diag->next) {
		pol_diag_render(diags, diag, on_text, out);
	}
}

static struct pol_span at(uint32_t file, uint32_t offset)
{
	return (struct pol_span){ file, offset, 1 };
}

Test(diag, a_message_shows_its_position_its_line_and_a_caret)
{
	const struct pol_source sources[] = {
		{ POL_STR_INIT("a.policy"), POL_STR_INIT("one\n\tca\xc3\xa9 x\r\nlast") },
	};
	struct pol_diags diags;
	struct pol_diag *diag;
	struct shown shown;

	pol_diags_init(&diags, sources, 1);
	diag = pol_diag_error(&diags, at(0, 10), "unknown '%s': did you mean '%s'?", "x", "y");
	pol_diag_note(&diags, diag, at(0, 0), "declared here");
	pol_diag_warning(&diags, at(0, 16), POL_WARNING_RULE_COVERED, "odd");
	pol_diags_sort(&diags);
	show(&diags, &shown);
	cr_expect_str_eq(shown.text, "a.policy:2:6: error: unknown 'x': did you mean 'y'?\n"
				     "\tca\xc3\xa9 x\n"
				     "\t    ^\n"
				     "a.policy:1:1: note: declared here\n"
				     "one\n"
				     "^\n"
				     "a.policy:3:4: warning: odd [rule-covered]\n"
				     "last\n"
				     "   ^\n");
	cr_expect_eq(diags.errors, 1);
	cr_expect_eq(diags.warnings, 1);
	pol_diags_finish(&diags);
}

Test(diag, the_folder_is_joined_with_the_relative_name)
{
	const struct pol_source source = { POL_STR_INIT("sub/a.policy"), POL_STR_INIT("x") };
	struct pol_diags diags;
	struct shown shown;

	pol_diags_init(&diags, &source, 1);
	pol_diag_error(&diags, at(0, 0), "wrong");
	diags.folder = POL_STR("conf");
	show(&diags, &shown);
	cr_expect_str_eq(shown.text, "conf/sub/a.policy:1:1: error: wrong\nx\n^\n");
	diags.folder = POL_STR("conf/");
	show(&diags, &shown);
	cr_expect_str_eq(shown.text, "conf/sub/a.policy:1:1: error: wrong\nx\n^\n");
	pol_diags_finish(&diags);
}

Test(diag, control_characters_are_not_shown)
{
	const struct pol_source source = { POL_STR_INIT("a\x1b[2J.policy"),
		POL_STR_INIT("\x1b]0;x\x07 \xe2\x80\xae \xff y") };
	struct pol_diags diags;
	struct shown shown;

	pol_diags_init(&diags, &source, 1);
	pol_diag_error(&diags, at(0, 14), "bad\n'%s'", "\x1b[31m\xe2\x80\xae");
	show(&diags, &shown);
	cr_expect_str_eq(shown.text, "a?[2J.policy:1:13: error: bad?'?[31m?'\n"
				     "?]0;x? ? ? y\n"
				     "            ^\n");
	pol_diags_finish(&diags);
}

Test(diag, messages_without_a_position_come_first)
{
	const struct pol_source source = { POL_STR_INIT("a"), POL_STR_INIT("x") };
	struct pol_diags diags;
	struct shown shown;

	pol_diags_init(&diags, &source, 1);
	pol_diag_error(&diags, at(0, 0), "second");
	pol_diag_error(&diags, POL_NO_POSITION, "first");
	pol_diags_sort(&diags);
	show(&diags, &shown);
	cr_expect_str_eq(shown.text, "error: first\na:1:1: error: second\nx\n^\n");
	pol_diags_finish(&diags);
}

Test(diag, messages_are_sorted_by_file_and_offset_and_stably)
{
	const struct pol_source sources[] = { { POL_STR_INIT("a"), POL_STR_INIT("0123456789") },
		{ POL_STR_INIT("b"), POL_STR_INIT("0123456789") } };
	static const char *const expected[] = { "a2", "a5", "a5 again", "a9", "b0", "b7" };
	struct pol_diags diags;
	size_t i = 0;

	pol_diags_init(&diags, sources, 2);
	pol_diag_error(&diags, at(1, 7), "b7");
	pol_diag_error(&diags, at(0, 9), "a9");
	pol_diag_error(&diags, at(0, 5), "a5");
	pol_diag_warning(&diags, at(0, 5), POL_WARNING_RULE_COVERED, "a5 again");
	pol_diag_error(&diags, at(1, 0), "b0");
	pol_diag_error(&diags, at(0, 2), "a2");
	pol_diags_sort(&diags);
	for (const struct pol_diag *diag = diags.first; diag != NULL; diag = diag->next, i++) {
		cr_assert_lt(i, 6);
		cr_expect(pol_str_equal(diag->message, pol_str_of(expected[i])), "%zu: %.*s", i,
			POL_STR_ARGS(diag->message));
	}
	cr_expect_eq(i, 6);
	pol_diags_finish(&diags);
}

Test(diag, twenty_are_shown_a_file_and_the_rest_is_counted)
{
	const struct pol_source sources[] = { { POL_STR_INIT("a"), POL_STR_INIT("xxxxxxxx") },
		{ POL_STR_INIT("b"), POL_STR_INIT("x") } };
	struct pol_diags diags;
	const struct pol_diag *diag;
	size_t count = 0;

	pol_diags_init(&diags, sources, 2);
	for (int i = 0; i < 100000; i++) {
		pol_diag_error(&diags, at(0, 3), "again %d", i);
	}
	pol_diag_error(&diags, at(1, 0), "other");
	/* sorting twice, as when a policy's tests fail later, changes nothing */
	pol_diags_sort(&diags);
	pol_diags_sort(&diags);
	for (diag = diags.first; diag != NULL && !diag->is_count; diag = diag->next) {
		count++;
	}
	cr_expect_eq(count, POL_DIAG_PER_FILE);
	cr_assert_not_null(diag);
	cr_expect(pol_str_equal(diag->message, POL_STR("99980 more errors in this file")), "%.*s",
		POL_STR_ARGS(diag->message));
	cr_assert_not_null(diag->next);
	cr_expect_eq(diag->next->at.file, 1);
	cr_expect_null(diag->next->next);
	cr_expect_eq(diags.errors, 100001);
	pol_diags_finish(&diags);
}

Test(diag, a_message_that_is_repeated_for_one_position_is_shown_and_counted_once)
{
	const struct pol_source source = { POL_STR_INIT("a"), POL_STR_INIT("xxxxxxxx") };
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	for (int i = 0; i < 1000; i++) {
		size_t errors = diags.errors;

		pol_diag_error(&diags, at(0, 3), "again");
		cr_expect_gt(diags.errors, errors);
		pol_diag_error(&diags, at(0, 4), "again");
	}
	cr_expect_null(pol_diag_error(&diags, at(0, 4), "again"));
	cr_expect_not_null(pol_diag_error(&diags, at(0, 4), "other"));
	pol_diags_sort(&diags);
	cr_expect_eq(diags.errors, 3);
	cr_assert_not_null(diags.first);
	cr_assert_not_null(diags.first->next);
	cr_assert_not_null(diags.first->next->next);
	cr_expect_null(diags.first->next->next->next);
	pol_diags_finish(&diags);
}

Test(diag, an_error_counts_without_memory_for_its_message)
{
	const struct pol_source source = { POL_STR_INIT("a"), POL_STR_INIT("x") };
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	diags.arena.limit = diags.arena.used;
	for (int i = 0; i < 1000; i++) {
		pol_diag_note(&diags, pol_diag_error(&diags, at(0, 0), "%0200d", i), at(0, 0),
			"%0200d", i);
	}
	cr_expect_eq(diags.errors, 1000);
	pol_diags_sort(&diags);
	pol_diags_finish(&diags);
}

Test(diag, a_long_line_is_cut_around_its_caret)
{
	size_t len = 100000;
	char *text = malloc(len);
	struct pol_source source = { POL_STR_INIT("a"), { text, len } };
	struct pol_diags diags;
	struct shown shown;
	const char *line;
	const char *caret;

	cr_assert_not_null(text);
	memset(text, 'x', len);
	text[50000] = '!';
	pol_diags_init(&diags, &source, 1);
	pol_diag_error(&diags, at(0, 50000), "%01500d", 0);
	show(&diags, &shown);
	cr_expect_lt(shown.len, POL_DIAG_MESSAGE_MAX + 3 * POL_DIAG_LINE_MAX);
	line = strchr(shown.text, '\n') + 1;
	caret = strchr(line, '\n') + 1;
	cr_expect_eq(line[strcspn(caret, "^")], '!');
	pol_diags_finish(&diags);
	free(text);
}
