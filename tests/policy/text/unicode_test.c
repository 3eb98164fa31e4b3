/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/unicode.h"

#include <criterion/criterion.h>

/* Ends of all ranges of Default_Ignorable_Code_Point and of White_Space. */
Test(unicode, what_cannot_be_seen_is_known)
{
	static const uint32_t hidden[] = { 0x09, 0x0d, 0x20, 0x85, 0xa0, 0xad, 0x34f, 0x61c, 0x115f,
		0x1160, 0x1680, 0x17b4, 0x17b5, 0x180b, 0x180e, 0x180f, 0x2000, 0x200a, 0x200b,
		0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x202f, 0x205f, 0x2060, 0x206f, 0x2800,
		0x3000, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0xfff8, 0x1bca0, 0x1bca3,
		0x1d173, 0x1d17a, 0xe0000, 0xe0001, 0xe007f, 0xe0100, 0xe01ef, 0xe0fff };
	static const uint32_t seen[] = { '!', '~', 0xa1, 0xac, 0xae, 0x34e, 0x350, 0x115e, 0x1161,
		0x17b3, 0x17b6, 0x180a, 0x1810, 0x1fff, 0x2010, 0x2027, 0x2030, 0x205e, 0x2070,
		0x27ff, 0x2801, 0x2fff, 0x3001, 0xfdff, 0xfe10, 0xfefe, 0xff01, 0xffef, 0xfffc,
		0x1bc9f, 0x1bca4, 0x1d172, 0x1d17b, 0x1f600, 0xdffff, 0xe1000, 0x10ffff };

	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
		cr_expect(pol_unicode_is_invisible(hidden[i]), "U+%04X", (unsigned)hidden[i]);
	}
	for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
		cr_expect_not(pol_unicode_is_invisible(seen[i]), "U+%04X", (unsigned)seen[i]);
	}
}

Test(unicode, letters_are_folded_once)
{
	static const struct {
		uint32_t from, to;
	} rows[] = {
		{ '@', '@' },
		{ 'A', 'a' },
		{ 'Z', 'z' },
		{ '[', '[' },
		{ 'a', 'a' },
		{ 0xb5, 0x3bc },
		{ 0xd6, 0xf6 },
		{ 0xd7, 0xd7 },
		{ 0x100, 0x101 },
		{ 0x101, 0x101 },
		{ 0x130, 0x130 },
		{ 0x178, 0xff },
		{ 0x17f, 's' },
		{ 0x1c4, 0x1c6 },
		{ 0x1c5, 0x1c6 },
		{ 0x391, 0x3b1 },
		{ 0x3c2, 0x3c3 },
		{ 0x410, 0x430 },
		{ 0x1e9e, 0xdf },
		{ 0x1f88, 0x1f80 },
		{ 0x2126, 0x3c9 },
		{ 0x212a, 'k' },
		{ 0x212b, 0xe5 },
		{ 0xab70, 0x13a0 },
		{ 0xff21, 0xff41 },
		{ 0x10400, 0x10428 },
		{ 0x1e900, 0x1e922 },
		{ 0x10ffff, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cr_expect_eq(pol_unicode_fold(rows[i].from), rows[i].to, "U+%04X",
			(unsigned)rows[i].from);
	}
	for (uint32_t c = 0; c < 0x110000; c++) {
		uint32_t folded = pol_unicode_fold(c);

		cr_assert_eq(pol_unicode_fold(folded), folded, "U+%04X", (unsigned)c);
	}
}

Test(unicode, texts_are_equal_without_regard_to_case)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "", "", true },
		{ "a", "", false },
		{ "Admin", "aDMIN", true },
		{ "admin", "admins", false },
		{ "kelvin",
			"\xe2\x84\xaa"
			"elvin",
			true },
		{ "\xc3\x96", "\xc3\xb6", true },
		{ "\xc3\x96", "o", false },
		{ "a\xff", "A\xff", true },
		{ "a\xff", "a\xfe", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pol_str a = pol_str_of(rows[i].a), b = pol_str_of(rows[i].b);

		cr_expect_eq(pol_unicode_equal_fold(a, b), rows[i].equal, "row %zu", i);
		cr_expect_eq(pol_unicode_equal_fold(b, a), rows[i].equal, "row %zu", i);
		cr_expect_eq(pol_unicode_hash_fold(a) == pol_unicode_hash_fold(b), rows[i].equal,
			"row %zu", i);
	}
}
