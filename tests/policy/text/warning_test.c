/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/warning.h"

#include <criterion/criterion.h>
#include <string.h>

/* Bytes of a line of `text`. */
#define LINE_MAX_BYTES 72

Test(warning, every_code_is_found_by_its_name_and_by_no_other)
{
	for (unsigned i = 1; i < POL_WARNING_COUNT; i++) {
		const char *code = pol_warning_code((enum pol_warning)i);

		cr_assert_str_not_empty(code);
		cr_expect_eq(pol_warning_find(pol_str_of(code)), i, "%s", code);
		cr_expect_eq(strspn(code, "abcdefghijklmnopqrstuvwxyz-"), strlen(code), "%s", code);
	}
	cr_expect_eq(pol_warning_find(POL_STR("nothing-such")), POL_WARNING_NONE);
	cr_expect_eq(pol_warning_find(POL_STR("")), POL_WARNING_NONE);
	cr_expect_str_empty(pol_warning_code(POL_WARNING_NONE));
}

Test(warning, every_code_has_a_summary_and_a_text_in_lines_that_fit)
{
	for (unsigned i = 1; i < POL_WARNING_COUNT; i++) {
		const struct pol_warning_kind *kind = pol_warning_kind((enum pol_warning)i);
		const char *line = kind->text;

		cr_expect_str_not_empty(kind->summary);
		cr_assert_str_not_empty(line);
		for (; *line != '\0'; line = strchr(line, '\n') + 1) {
			cr_assert_not_null(strchr(line, '\n'), "%s", kind->code);
			cr_expect_leq(strcspn(line, "\n"), LINE_MAX_BYTES, "%s", kind->code);
		}
	}
}
