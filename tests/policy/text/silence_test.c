/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/silence.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* A policy's text in which `@` is where a warning of a covered rule is; the text without the `@`.
 */
struct warned {
	struct pol_source source;
	struct pol_diags diags;
};

static void warn_in(struct warned *out, char *text)
{
	char *mark = strchr(text, '@');

	cr_assert_not_null(mark);
	memmove(mark, mark + 1, strlen(mark));
	out->source = (struct pol_source){ POL_STR("a.policy"), pol_str_of(text) };
	pol_diags_init(&out->diags, &out->source, 1);
	pol_diag_warning(&out->diags, (struct pol_span){ 0, (uint32_t)(mark - text), 1 },
		POL_WARNING_RULE_COVERED, "odd");
	pol_silence_apply(&out->diags);
	pol_diags_sort(&out->diags);
}

struct silencing {
	const char *text;
	bool silenced;
};

static const struct silencing silencings[] = {
	{ "@allow x  # lint: allow rule-covered", true },
	{ "  @allow x\t#lint:allow rule-covered\r\n", true },
	{ "# lint: allow rule-covered\n@allow x", true },
	{ "# lint: allow rule-covered\r\n# why\r\n  @allow x\r\n", true },
	{ "# why\n# lint: allow no-tests, rule-covered: meant so\n# more\n@allow x", true },
	{ "# lint: allow rule-covered\n# lint: allow no-tests\n\t@allow x", true },
	{ "# lint: allow no-tests\n# lint: allow rule-covered\n@allow x # lint: allow a", true },
	{ "allow \"# lint:\" @x # lint: allow rule-covered", true },
	{ "allow \"\\\"# lint:\" @x # lint: allow rule-covered", true },

	{ "@allow x", false },
	{ "@allow x  # lint: allow no-tests", false },
	{ "@allow x  # lint: allow rule-covere", false },
	{ "@allow x  # lint: allow rule-covered-x", false },
	{ "@allow x  # lint: rule-covered", false },
	{ "@allow x  # not lint: allow rule-covered", false },
	{ "@allow x  # a # lint: allow rule-covered", false },
	{ "@allow \"# lint: allow rule-covered\"", false },
	{ "@allow \"\\\"# lint: allow rule-covered\"", false },
	{ "@allow x  # lint: allow no-tests reason, rule-covered", false },
	{ "# lint: allow rule-covered\n\n@allow x", false },
	{ "# lint: allow rule-covered\nallow y\n@allow x", false },
	{ "allow y  # lint: allow rule-covered\n@allow x", false },
	{ "@allow x\n# lint: allow rule-covered", false },
};

Test(silence, a_comment_silences_its_code_on_its_own_line_or_the_next_one)
{
	for (size_t i = 0; i < sizeof silencings / sizeof *silencings; i++) {
		const struct silencing *row = &silencings[i];
		char *text = strdup(row->text);
		struct warned warned;

		warn_in(&warned, text);
		cr_expect_eq(warned.diags.warnings, row->silenced ? 0 : 1, "%s", row->text);
		cr_expect_eq(warned.diags.silenced_count, row->silenced ? 1 : 0, "%s", row->text);
		cr_expect_eq(warned.diags.first == NULL, row->silenced, "%s", row->text);
		pol_diags_finish(&warned.diags);
		free(text);
	}
}

Test(silence, what_was_used_is_known_and_so_is_what_is_not_a_silence)
{
	char text[] = "# lint: allow rule-covered, no-tests, nothing-such\n"
		      "@allow x # lint: forbid rule-covered\n";
	struct warned warned;
	const struct pol_silence *silences;

	warn_in(&warned, text);
	silences = warned.diags.silences;
	cr_assert_eq(warned.diags.silence_count, 4);
	cr_expect(silences[0].used);
	cr_expect(!silences[1].used);
	cr_expect_eq(silences[1].warning, POL_WARNING_NO_TESTS);
	cr_expect_eq(silences[2].warning, POL_WARNING_NONE);
	cr_expect(pol_str_equal(silences[2].code, POL_STR("nothing-such")));
	cr_expect_eq(silences[3].code.len, 0);
	pol_diags_finish(&warned.diags);
}

Test(silence, an_error_and_what_is_about_the_machine_are_not_silenced)
{
	const struct pol_source source = { POL_STR_INIT("a.policy"),
		POL_STR_INIT("x # lint: allow data-file, rule-covered") };
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	pol_diag_error(&diags, (struct pol_span){ 0, 0, 1 }, "wrong");
	pol_diag_warning(&diags, (struct pol_span){ 0, 0, 1 }, POL_WARNING_DATA_FILE, "broken");
	pol_diag_warning(&diags, POL_NO_POSITION, POL_WARNING_RULE_COVERED, "nowhere");
	pol_silence_apply(&diags);
	cr_expect_eq(diags.errors, 1);
	cr_expect_eq(diags.warnings, 2);
	pol_diags_finish(&diags);
}

Test(silence, a_later_call_takes_out_what_was_added_since)
{
	const struct pol_source source = { POL_STR_INIT("a.policy"),
		POL_STR_INIT("x # lint: allow no-tests, rule-covered") };
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	pol_diag_warning(&diags, (struct pol_span){ 0, 0, 1 }, POL_WARNING_NO_TESTS, "one");
	pol_silence_apply(&diags);
	pol_diags_sort(&diags);
	pol_diag_warning(&diags, (struct pol_span){ 0, 0, 1 }, POL_WARNING_RULE_COVERED, "two");
	pol_diag_warning(&diags, (struct pol_span){ 0, 0, 1 }, POL_WARNING_NODE_EMPTY, "three");
	pol_silence_apply(&diags);
	pol_diags_sort(&diags);
	cr_expect_eq(diags.silenced_count, 2);
	cr_expect_eq(diags.warnings, 1);
	cr_assert_not_null(diags.first);
	cr_expect_eq(diags.first->warning, POL_WARNING_NODE_EMPTY);
	cr_expect_null(diags.first->next);
	pol_diags_finish(&diags);
}

/* A file of eight MiB that makes each comment look at all others would take hours. */
Test(silence, a_large_file_of_comments_is_read_in_linear_time, .timeout = 2400)
{
	static const char *const lines[] = { "# lint: allow no-tests\n", "\"# lint: ", "# lint:" };
	size_t size = (size_t)8 << 20;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		size_t len = strlen(lines[i]);
		char *text = malloc(size);
		struct pol_source source = { POL_STR("a.policy"), { text, size / len * len } };
		struct pol_diags diags;

		cr_assert_not_null(text);
		for (size_t at = 0; at + len <= size; at += len) {
			memcpy(text + at, lines[i], len);
		}
		pol_diags_init(&diags, &source, 1);
		pol_diag_warning(&diags, (struct pol_span){ 0, 0, 1 }, POL_WARNING_NO_TESTS, "x");
		pol_silence_apply(&diags);
		cr_expect_eq(diags.warnings, 1);
		pol_diags_finish(&diags);
		free(text);
	}
}
