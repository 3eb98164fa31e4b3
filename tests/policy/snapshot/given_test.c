/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/given.h"

/* One fact of each type. */
enum { TEXT = 0, SET, NUMBER, FLAG, TIME, DURATION, ADDRESS, STATUS, TYPES, LONG = TYPES, FACTS };

#define FORTY "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"

/* The second one ends where a message has no room for more. */
static const struct pol_str long_words[] = { POL_STR_INIT("short"), POL_STR_INIT(FORTY),
	POL_STR_INIT("seventeen-letters"), POL_STR_INIT("no-room") };

static const struct pol_str words[] = { POL_STR_INIT("draft"), POL_STR_INIT("active") };

static struct pol_declared_fact facts[FACTS] = {
	[TEXT] = { .name = POL_STR_INIT("resource.text"), .type = POL_TYPE_STRING },
	[SET] = { .name = POL_STR_INIT("resource.set"), .type = POL_TYPE_STRINGS },
	[NUMBER] = { .name = POL_STR_INIT("resource.number"), .type = POL_TYPE_INT },
	[FLAG] = { .name = POL_STR_INIT("resource.flag"), .type = POL_TYPE_BOOL },
	[TIME] = { .name = POL_STR_INIT("resource.time"), .type = POL_TYPE_TIME },
	[DURATION] = { .name = POL_STR_INIT("resource.duration"), .type = POL_TYPE_DURATION },
	[ADDRESS] = { .name = POL_STR_INIT("resource.address"), .type = POL_TYPE_ADDRESS },
	[STATUS] = { .name = POL_STR_INIT("resource.status"),
		.type = POL_TYPE_WORD,
		.words = words,
		.word_count = 2 },
	[LONG] = { .name = POL_STR_INIT("resource.long"),
		.type = POL_TYPE_WORD,
		.words = long_words,
		.word_count = 4 },
};

static const struct pol_snapshot snapshot = { .facts = facts, .fact_count = FACTS };

static struct pol_str room[POL_GIVEN_MEMBERS];
static struct pol_value value;
static char why[POL_GIVEN_WHY];

static enum pol_status read_raw(uint32_t fact, struct pol_raw raw)
{
	struct pol_given_fact item = { .fact = fact };
	enum pol_status status;

	memset(&item.value, 0xff, sizeof item.value);
	why[0] = '\0';
	status = pol_given_read(&snapshot, &raw, room, &item, why);
	value = item.value;
	return status;
}

static enum pol_status read_text(uint32_t fact, const char *of)
{
	return read_raw(fact, (struct pol_raw){ .kind = POL_RAW_STRING, .text = pol_str_of(of) });
}

static enum pol_status read_number(uint32_t fact, int64_t of)
{
	return read_raw(fact, (struct pol_raw){ .kind = POL_RAW_INT, .number = of });
}

static enum pol_status read_bool(uint32_t fact, bool of)
{
	return read_raw(fact, (struct pol_raw){ .kind = POL_RAW_BOOL, .number = of });
}

static enum pol_status read_set(uint32_t fact, const struct pol_str *items, uint32_t count)
{
	return read_raw(
		fact, (struct pol_raw){ .kind = POL_RAW_STRINGS, .items = items, .count = count });
}

Test(given, each_type_takes_its_own_kind_of_value_alone)
{
	static const struct pol_str items[] = { POL_STR_INIT("no-room") };

	for (uint32_t fact = 0; fact < TYPES; fact++) {
		bool number = fact == NUMBER || fact == TIME || fact == DURATION;

		cr_expect_eq(read_text(fact, "x") == POL_OK, fact == TEXT, "%u", fact);
		cr_expect_eq(read_number(fact, 1) == POL_OK, number, "%u", fact);
		cr_expect_eq(read_bool(fact, true) == POL_OK, fact == FLAG, "%u", fact);
		cr_expect_eq(read_set(fact, items, 1) == POL_OK, fact == SET, "%u", fact);
		cr_expect_eq(read_raw(fact, (struct pol_raw){ 0 }), POL_OK, "%u", fact);
		cr_expect_eq(value.type, POL_TYPE_ABSENT);
	}
	cr_expect_eq(read_text(FACTS, "x"), POL_EINVALID);
}

Test(given, values_are_read_by_type)
{
	cr_expect_eq(read_text(TEXT, ""), POL_OK);
	cr_expect_eq(value.type, POL_TYPE_STRING);
	cr_expect_eq(value.text.len, 0u);
	cr_expect_eq(read_number(NUMBER, INT64_MIN), POL_OK);
	cr_expect_eq(value.type, POL_TYPE_INT);
	cr_expect_eq(value.number, INT64_MIN);
	cr_expect_eq(read_bool(FLAG, false), POL_OK);
	cr_expect_eq(value.type, POL_TYPE_BOOL);
	cr_expect_eq(value.number, 0);
	cr_expect_eq(read_number(TIME, 7), POL_OK);
	cr_expect_eq(value.type, POL_TYPE_TIME);
	cr_expect_eq(value.number, 7);
	cr_expect_eq(read_text(TIME, "1970-01-01T00:01:00+00:00"), POL_OK);
	cr_expect_eq(value.number, 60);
	cr_expect_eq(read_text(TIME, "yesterday"), POL_EINVALID);
	cr_expect_eq(read_text(TIME, "60"), POL_EINVALID);
	cr_expect_eq(read_text(DURATION, "8h"), POL_OK);
	cr_expect_eq(value.type, POL_TYPE_DURATION);
	cr_expect_eq(value.number, 8 * 3600);
	cr_expect_eq(read_number(DURATION, 0), POL_OK);
	cr_expect_eq(value.number, 0);
	cr_expect_eq(read_text(DURATION, "8"), POL_EINVALID);
	cr_expect_eq(read_text(DURATION, "9223372036854775807s"), POL_OK);
	cr_expect_eq(value.number, INT64_MAX);
	cr_expect_eq(read_text(DURATION, "9223372036854775808s"), POL_EINVALID);
	cr_expect_eq(read_text(ADDRESS, "::ffff:10.0.0.1"), POL_OK);
	cr_expect_eq(value.type, POL_TYPE_ADDRESS);
	cr_expect(value.address.known);
	cr_expect_eq(value.address.bytes[12], 10);
	cr_expect_eq(read_text(ADDRESS, "10.0.0.0/8"), POL_EINVALID);
	cr_expect_eq(read_text(STATUS, "active"), POL_OK);
	cr_expect_eq(value.type, POL_TYPE_WORD);
	cr_expect_eq(value.text.ptr, words[1].ptr);
	cr_expect_eq(read_text(STATUS, "Active"), POL_EINVALID);
	cr_expect_str_eq(why, "'resource.status' is one of draft, active");
	cr_expect_eq(read_text(STATUS, ""), POL_EINVALID);
}

Test(given, a_message_has_the_first_words_of_a_long_type)
{
	cr_expect_eq(read_text(LONG, "y"), POL_EINVALID);
	cr_expect_str_eq(why, "'resource.long' is one of short, " FORTY ", seventeen-letters, …");
}

Test(given, a_set_is_sorted_and_without_duplicates)
{
	static const struct pol_str items[] = { POL_STR_INIT("b"), POL_STR_INIT("a"),
		POL_STR_INIT("b") };

	cr_assert_eq(read_set(SET, items, 3), POL_OK);
	cr_assert_eq(value.type, POL_TYPE_STRINGS);
	cr_assert_eq(value.strings.count, 2u);
	cr_assert(pol_str_equal(value.strings.items[0], POL_STR("a")));
	cr_assert(pol_str_equal(value.strings.items[1], POL_STR("b")));
	cr_assert_eq(read_set(SET, NULL, 0), POL_OK);
	cr_assert_eq(value.type, POL_TYPE_STRINGS);
	cr_assert_eq(value.strings.count, 0u);
}

Test(given, a_string_has_at_most_1024_bytes_and_a_set_256_members)
{
	static char longest[POL_GIVEN_STRING + 1];
	struct pol_str items[POL_GIVEN_MEMBERS + 1];
	struct pol_raw raw = { .kind = POL_RAW_STRING, .text = { longest, POL_GIVEN_STRING } };

	memset(longest, 'x', sizeof longest);
	for (size_t i = 0; i <= POL_GIVEN_MEMBERS; i++) {
		items[i] = (struct pol_str){ longest, i };
	}
	cr_expect_eq(read_raw(TEXT, raw), POL_OK);
	raw.text.len++;
	cr_expect_eq(read_raw(TEXT, raw), POL_ELIMIT);
	cr_expect_str_eq(why, "'resource.text' has a string of more than 1,024 bytes");
	cr_expect_eq(read_set(SET, items, POL_GIVEN_MEMBERS), POL_OK);
	cr_expect_eq(value.strings.count, POL_GIVEN_MEMBERS);
	cr_expect_eq(read_set(SET, items, POL_GIVEN_MEMBERS + 1), POL_ELIMIT);
	cr_expect_str_eq(why, "'resource.set' has more than 256 members");
	items[1].len = POL_GIVEN_STRING;
	cr_expect_eq(read_set(SET, items, 2), POL_OK);
	items[1].len++;
	cr_expect_eq(read_set(SET, items, 2), POL_ELIMIT);
}

Test(given, text_must_be_utf8)
{
	static const struct pol_str items[] = { POL_STR_INIT("a"), POL_STR_INIT("\xff") };

	cr_expect_eq(read_text(TEXT, "\xc3\xa4"), POL_OK);
	cr_expect_eq(read_text(TEXT, "\xc3"), POL_EINVALID);
	cr_expect_str_eq(why, "'resource.text' is not UTF-8");
	cr_expect_eq(read_text(TEXT, "\xed\xa0\x80"), POL_EINVALID);
	cr_expect_eq(read_set(SET, items, 1), POL_OK);
	cr_expect_eq(read_set(SET, items, 2), POL_EINVALID);
}

Test(given, a_refusal_names_the_fact_and_its_type_but_not_the_value)
{
	cr_expect_eq(read_text(NUMBER, "secret"), POL_EINVALID);
	cr_expect_str_eq(why, "'resource.number' is an int");
	cr_expect_eq(read_text(STATUS, "secret"), POL_EINVALID);
	cr_expect_null(strstr(why, "secret"));
}

Test(given, facts_are_sorted_and_found_by_number)
{
	struct pol_given_fact items[POL_GIVEN_FACTS];
	struct pol_given given = { items, POL_GIVEN_FACTS };
	uint32_t twice = 0;

	for (uint32_t i = 0; i < POL_GIVEN_FACTS; i++) {
		/* Even numbers, in an order that is neither up nor down. */
		items[i] = (struct pol_given_fact){ .fact = i * 37 % POL_GIVEN_FACTS * 2,
			.value = { .type = POL_TYPE_INT, .number = i * 37 % POL_GIVEN_FACTS * 2 } };
	}
	cr_assert(pol_given_sort(items, POL_GIVEN_FACTS, &twice));
	for (uint32_t i = 0; i < 2 * POL_GIVEN_FACTS + 2; i++) {
		const struct pol_given_fact *found = pol_given_find(&given, i);

		cr_assert_eq(found != NULL, i % 2 == 0 && i < 2 * POL_GIVEN_FACTS, "%u", i);
		cr_assert(found == NULL || found->value.number == i);
	}
	given.count = 0;
	cr_assert_null(pol_given_find(&given, 0));
	cr_assert(pol_given_sort(items, 0, &twice));
}

Test(given, a_fact_that_is_given_twice_is_named)
{
	struct pol_given_fact items[] = { { .fact = 5 }, { .fact = 3 }, { .fact = 9 },
		{ .fact = 3 } };
	uint32_t twice = 0;

	cr_assert_not(pol_given_sort(items, 4, &twice));
	cr_assert_eq(twice, 3u);
}
