/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/settings.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>

enum { WORDS = 3 };

/* The lines as text, their words in brackets, and the mistakes. */
static size_t describe(const char *text, char *out, size_t room)
{
	struct pol_source source = { POL_STR_INIT("test.conf"), pol_str_of(text) };
	struct pol_setting_word words[WORDS];
	struct pol_arena arena;
	struct pol_lexer lexer;
	struct pol_diags diags;
	size_t used = 0, count, errors;

	pol_arena_init(&arena, 4096);
	pol_diags_init(&diags, &source, 1);
	pol_lexer_init(&lexer, &diags, 0, source.text);
	out[0] = '\0';
	while ((count = pol_settings_line(&lexer, &arena, words, WORDS)) > 0) {
		for (size_t i = 0; i < count; i++) {
			used += (size_t)snprintf(
				out + used, room - used, "[%.*s]", POL_STR_ARGS(words[i].text));
		}
		used += (size_t)snprintf(out + used, room - used, "\n");
	}
	errors = diags.errors;
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	return errors;
}

Test(settings, a_line_is_a_name_and_its_values)
{
	static const struct {
		const char *text, *lines;
		size_t errors;
	} rows[] = {
		{ "", "", 0 },
		{ "# nothing\n\n", "", 0 },
		{ "a b\n\n  c # d\n", "[a][b]\n[c]\n", 0 },
		{ "a b,c\n", "[a][b][c]\n", 0 },
		{ "a \"b c\"", "[a][b c]\n", 0 },
		{ "a {\nb }\n", "[a]\n[b]\n", 2 },
		{ "a b c d\ne\n", "[a][b][c]\n[e]\n", 1 },
		{ "\x01\na\n", "[a]\n", 1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char got[256];
		size_t errors = describe(rows[i].text, got, sizeof got);

		cr_expect_str_eq(got, rows[i].lines, "%s: got %s", rows[i].text, got);
		cr_expect_eq(errors, rows[i].errors, "%s: %zu errors", rows[i].text, errors);
	}
}

Test(settings, a_number_is_decimal_and_in_its_range)
{
	static const char *const wrong[] = { "", "1", "11", "-5", "+5", "5 ", "0x5", "5a",
		"18446744073709551619", "99999999999999999999999999" };
	unsigned out = 7;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		cr_expect_not(
			pol_settings_number(pol_str_of(wrong[i]), 2, 10, &out), "%s", wrong[i]);
	}
	cr_expect_eq(out, 7);
	cr_expect(pol_settings_number(POL_STR("2"), 2, 10, &out) && out == 2);
	cr_expect(pol_settings_number(POL_STR("010"), 2, 10, &out) && out == 10);
	cr_expect(pol_settings_number(POL_STR("4294967295"), 0, UINT32_MAX, &out));
	cr_expect_eq(out, UINT32_MAX);
}

Test(settings, a_mode_is_three_or_four_octal_digits)
{
	static const char *const wrong[] = { "", "0", "66", "000", "0000", "680", "1777", "rw-",
		"07777", "777777777777" };
	unsigned out = 7;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		cr_expect_not(pol_settings_mode(pol_str_of(wrong[i]), &out), "%s", wrong[i]);
	}
	cr_expect_eq(out, 7);
	cr_expect(pol_settings_mode(POL_STR("660"), &out) && out == 0660);
	cr_expect(pol_settings_mode(POL_STR("0600"), &out) && out == 0600);
	cr_expect(pol_settings_mode(POL_STR("777"), &out) && out == 0777);
}
