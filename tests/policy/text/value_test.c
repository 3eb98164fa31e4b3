/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/cidr.h"
#include "policy/text/str.h"
#include "policy/text/value.h"

static struct pol_value number(enum pol_type type, int64_t of)
{
	return (struct pol_value){ .type = type, .number = of };
}

static struct pol_value text(enum pol_type type, const char *of)
{
	return (struct pol_value){ .type = type, .text = pol_str_of(of) };
}

static struct pol_value address(const char *of)
{
	struct pol_value value = { .type = POL_TYPE_ADDRESS };

	cr_assert_eq(pol_cidr_parse_ip(pol_str_of(of), &value.address), POL_OK);
	return value;
}

static struct pol_value network(const char *of)
{
	struct pol_value value = { .type = POL_TYPE_NETWORK };

	cr_assert_eq(pol_cidr_parse(pol_str_of(of), &value.network), POL_OK);
	return value;
}

static const struct pol_str members[] = { POL_STR_INIT("a"), POL_STR_INIT("b"), POL_STR_INIT("c") };

static struct pol_value set(uint32_t first, uint32_t count)
{
	return (struct pol_value){ .type = POL_TYPE_STRINGS,
		.strings = { members + first, count } };
}

/* One of each kind, and of each type two that differ, in their order. */
static size_t samples(struct pol_value *out)
{
	const struct pol_value all[] = { { 0 }, text(POL_TYPE_STRING, ""),
		text(POL_TYPE_STRING, "a"), text(POL_TYPE_STRING, "ab"), text(POL_TYPE_STRING, "b"),
		set(0, 0), set(0, 1), set(0, 2), set(1, 1), number(POL_TYPE_INT, INT64_MIN),
		number(POL_TYPE_INT, -1), number(POL_TYPE_INT, 0), number(POL_TYPE_INT, INT64_MAX),
		number(POL_TYPE_BOOL, 0), number(POL_TYPE_BOOL, 1), number(POL_TYPE_TIME, -5),
		number(POL_TYPE_TIME, 5), number(POL_TYPE_DURATION, 0),
		number(POL_TYPE_DURATION, 1), address("10.0.0.1"), address("10.0.0.2"),
		address("2001:db8::1"), text(POL_TYPE_WORD, "a"), text(POL_TYPE_WORD, "b"),
		network("10.0.0.0/8"), network("10.0.0.0/9"), network("2001:db8::/32") };

	memcpy(out, all, sizeof all);
	return sizeof all / sizeof *all;
}

Test(value, values_are_ordered_by_type_and_then_by_value)
{
	struct pol_value all[64];
	size_t count = samples(all);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			int by = pol_value_compare(&all[i], &all[k]);

			cr_expect_eq(by < 0, i < k, "%zu %zu", i, k);
			cr_expect_eq(by > 0, i > k, "%zu %zu", i, k);
		}
	}
}

Test(value, only_a_value_of_the_same_type_is_equal_and_an_absent_one_never_is)
{
	struct pol_value all[64];
	size_t count = samples(all);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			cr_expect_eq(pol_value_equal(&all[i], &all[k]),
				i == k && all[i].type != POL_TYPE_ABSENT, "%zu %zu", i, k);
		}
	}
}

Test(value, an_address_is_the_same_as_its_mapped_form)
{
	struct pol_value a = address("10.0.0.1");
	struct pol_value b = address("::ffff:10.0.0.1");

	cr_assert(pol_value_equal(&a, &b));
}

Test(value, sorting_orders_by_bytes_and_drops_duplicates)
{
	char names[64][4];
	struct pol_str items[64];

	/* Each count, each with the same few names in many orders. */
	for (uint32_t count = 0; count <= 64; count++) {
		for (uint32_t step = 1; step < 8; step++) {
			bool seen[16] = { false };
			uint32_t different = 0, kept;

			for (uint32_t i = 0; i < count; i++) {
				uint32_t which = (i * step + count) % 16;

				snprintf(names[i], sizeof names[i], "%x", which);
				items[i] = pol_str_of(names[i]);
				different += !seen[which];
				seen[which] = true;
			}
			kept = pol_value_sort(items, count);
			cr_assert_eq(kept, different);
			for (uint32_t i = 1; i < kept; i++) {
				cr_assert_lt(pol_str_compare(items[i - 1], items[i]), 0);
			}
		}
	}
}

Test(value, a_set_has_its_members_and_no_others)
{
	static const struct pol_str items[] = { POL_STR_INIT(""), POL_STR_INIT("a"),
		POL_STR_INIT("ab"), POL_STR_INIT("b"), POL_STR_INIT("\xc3\xa4") };
	static const char *const others[] = { "A", "aa", "abc", "c", "\xc3", "\xc3\xa5" };

	for (uint32_t count = 0; count <= 5; count++) {
		struct pol_strings some = { items, count };

		for (uint32_t i = 0; i < 5; i++) {
			cr_expect_eq(pol_value_has(&some, items[i]), i < count);
		}
		for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
			cr_expect_not(pol_value_has(&some, pol_str_of(others[i])), "%s", others[i]);
		}
	}
}

static void expect_text(struct pol_value value, const char *want)
{
	char out[128];

	cr_expect_eq(pol_value_format(&value, out, sizeof out), strlen(want));
	cr_expect_str_eq(out, want);
}

Test(value, text_is_as_the_language_has_it)
{
	expect_text((struct pol_value){ 0 }, "absent");
	expect_text(text(POL_TYPE_STRING, "ann"), "\"ann\"");
	expect_text(text(POL_TYPE_STRING, ""), "\"\"");
	expect_text(text(POL_TYPE_STRING, "a\"b\\c\nd"), "\"a\\\"b\\\\c\\nd\"");
	expect_text(text(POL_TYPE_WORD, "active"), "active");
	expect_text(set(0, 2), "\"a\", \"b\"");
	expect_text(set(0, 0), "empty");
	expect_text(number(POL_TYPE_INT, INT64_MIN), "-9223372036854775808");
	expect_text(number(POL_TYPE_BOOL, 1), "true");
	expect_text(number(POL_TYPE_BOOL, 0), "false");
	expect_text(number(POL_TYPE_TIME, 1795316738), "2026-11-22T03:05:38Z");
	expect_text(number(POL_TYPE_TIME, INT64_C(253402300799)), "9999-12-31T23:59:59Z");
	expect_text(number(POL_TYPE_TIME, INT64_C(253402300800)), "253402300800");
	expect_text(number(POL_TYPE_DURATION, 90), "90s");
	expect_text(address("10.1.2.3"), "10.1.2.3");
	expect_text(address("2001:db8::1"), "2001:db8::1");
	expect_text(network("10.0.0.0/8"), "10.0.0.0/8");
	expect_text(network("2001:db8::/32"), "2001:db8::/32");
	expect_text(network("10.0.0.1"), "10.0.0.1/32");
}

Test(value, long_text_is_cut_between_characters_and_counted_whole)
{
	struct pol_value value = text(POL_TYPE_STRING, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	/* The longest whole characters, by bytes with a NUL: "ä€😀" with its quotes. */
	static const size_t lens[] = { 0, 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };
	char out[16];

	for (size_t size = 1; size < sizeof lens / sizeof *lens; size++) {
		memset(out, '#', sizeof out);
		cr_expect_eq(pol_value_format(&value, out, size), 11u);
		cr_expect_eq(strlen(out), lens[size], "%zu: %s", size, out);
		cr_expect_eq(out[size], '#', "%zu", size);
	}
	memset(out, '#', sizeof out);
	cr_expect_eq(pol_value_format(&value, out, 0), 11u);
	cr_expect_eq(out[0], '#');
}

Test(value, each_type_has_the_word_of_the_language)
{
	cr_expect_str_eq(pol_value_type(POL_TYPE_STRING), "string");
	cr_expect_str_eq(pol_value_type(POL_TYPE_STRINGS), "strings");
	cr_expect_str_eq(pol_value_type(POL_TYPE_INT), "int");
	cr_expect_str_eq(pol_value_type(POL_TYPE_BOOL), "bool");
	cr_expect_str_eq(pol_value_type(POL_TYPE_TIME), "time");
	cr_expect_str_eq(pol_value_type(POL_TYPE_DURATION), "duration");
	cr_expect_str_eq(pol_value_type(POL_TYPE_ADDRESS), "address");
}
