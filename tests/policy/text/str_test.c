/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/str.h"

#include <criterion/criterion.h>

#include "policy/text/unicode.h"

Test(str, utf8_is_exactly_what_the_standard_allows)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{ "", true },
		{ "plain", true },
		{ "\xc2\x80", true },
		{ "\xdf\xbf", true },
		{ "\xe0\xa0\x80", true },
		{ "\xed\x9f\xbf", true },
		{ "\xee\x80\x80", true },
		{ "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\x80", false },
		{ "\xc1\xbf", false },
		{ "\xc2", false },
		{ "\xc2x", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xe2\x80", false },
		{ "\xed\xa0\x80", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\xff", false },
		{ "a\xc3\xa9\x80", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cr_expect_eq(pol_str_is_utf8(pol_str_of(rows[i].text)), rows[i].is, "row %zu", i);
	}
}

Test(str, a_stray_byte_is_found_at_each_place_of_text_of_each_length)
{
	for (size_t len = 0; len <= 20; len++) {
		char text[] = "abcdefghijklmnopqrst";

		cr_expect(pol_str_is_utf8((struct pol_str){ text, len }), "length %zu", len);
		for (size_t at = 0; at < len; at++) {
			char kept = text[at];

			text[at] = '\x80';
			cr_expect_not(pol_str_is_utf8((struct pol_str){ text, len }),
				"length %zu, at %zu", len, at);
			text[at] = kept;
		}
	}
}

Test(str, short_ascii_is_ascii_of_1_to_16_bytes)
{
	for (size_t len = 0; len <= 20; len++) {
		char text[] = "abcdefghijklmnopqrst";

		cr_expect_eq(pol_str_is_short_ascii((struct pol_str){ text, len }),
			len >= 1 && len <= 16, "length %zu", len);
		for (size_t at = 0; at < len; at++) {
			char kept = text[at];

			text[at] = '\x80';
			cr_expect_not(pol_str_is_short_ascii((struct pol_str){ text, len }),
				"length %zu, at %zu", len, at);
			text[at] = kept;
		}
	}
}

Test(str, short_texts_differ_if_any_byte_or_the_length_does)
{
	for (size_t len = 0; len <= 20; len++) {
		char text[] = "abcdefghijklmnopqrst", other[] = "abcdefghijklmnopqrst";
		struct pol_str a = { text, len }, b = { other, len };

		cr_expect(pol_str_equal_short(a, b), "length %zu", len);
		for (size_t at = 0; at < len; at++) {
			char kept = other[at];

			other[at] = 'X';
			cr_expect_not(pol_str_equal_short(a, b), "length %zu, at %zu", len, at);
			other[at] = kept;
			b.len = at;
			cr_expect_not(pol_str_equal_short(a, b), "lengths %zu and %zu", len, at);
			b.len = len;
		}
	}
}

Test(str, a_character_is_decoded_or_refused)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t character;
	} rows[] = {
		{ "", 0, 0 },
		{ "a", 1, 'a' },
		{ "\xc3\xa9z", 2, 0xe9 },
		{ "\xe2\x82\xac", 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xe2\x82", 0, 0 },
		{ "\xc0\xaf", 0, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t character = 0;

		cr_expect_eq(pol_unicode_decode(pol_str_of(rows[i].text), &character), rows[i].len,
			"row %zu", i);
		cr_expect_eq(character, rows[i].character, "row %zu", i);
	}
}

Test(str, characters_that_deceive_are_refused_and_letters_are_not)
{
	static const uint32_t refused[] = { 0x00, 0x09, 0x1b, 0x7f, 0x85, 0xad, 0x61c, 0x200b,
		0x200d, 0x200e, 0x2028, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0xe0041 };
	static const uint32_t fine[] = { ' ', 'a', 0xe9, 0x416, 0x4e2d, 0x2013, 0x202f, 0x1f600 };

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		cr_expect_not_null(pol_unicode_refused(refused[i]), "U+%04X", (unsigned)refused[i]);
	}
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
		cr_expect_null(pol_unicode_refused(fine[i]), "U+%04X", (unsigned)fine[i]);
	}
}

Test(str, order_is_bytewise_and_a_prefix_comes_first)
{
	cr_expect_lt(pol_str_compare(POL_STR("a"), POL_STR("b")), 0);
	cr_expect_lt(pol_str_compare(POL_STR("a"), POL_STR("aa")), 0);
	cr_expect_lt(pol_str_compare(POL_STR("z"), POL_STR("\xc3\xa9")), 0);
	cr_expect_eq(pol_str_compare(POL_STR(""), (struct pol_str){ 0 }), 0);
	cr_expect(pol_str_equal_fold(POL_STR("Get"), POL_STR("gET")));
	cr_expect_not(pol_str_equal_fold(POL_STR("Get"), POL_STR("gets")));
	cr_expect(pol_str_starts(POL_STR("abc"), POL_STR("ab")));
	cr_expect_not(pol_str_starts(POL_STR("a"), POL_STR("ab")));
}
