/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "client/wire.h"

enum { TOKEN, LIMIT, EXPLAIN, TIME, TTL, SCOPES, REQUESTS, ATTRIBUTES, FACTS, FIELD_COUNT };

static const struct wire_field fields[FIELD_COUNT] = {
	[TOKEN] = WIRE_FIELD("token", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[EXPLAIN] = WIRE_FIELD("explain", WIRE_KIND_BOOL, 0),
	[TIME] = WIRE_FIELD("time", WIRE_KIND_TIME, WIRE_OR_NIL),
	[TTL] = WIRE_FIELD("ttl", WIRE_KIND_DURATION, 0),
	[SCOPES] = WIRE_FIELD("scopes", WIRE_KIND_TEXTS, 0),
	[REQUESTS] = WIRE_FIELD("requests", WIRE_KIND_MAPS, 0),
	[ATTRIBUTES] = WIRE_FIELD("attributes", WIRE_KIND_TEXT_MAP, 0),
	[FACTS] = WIRE_FIELD("facts", WIRE_KIND_MAP, 0),
};

struct fixture {
	struct wire_value values[FIELD_COUNT];
	struct wire_error err;
};

/* Decodes a map of `pairs` whose bytes follow the token's pair. */
static int decode(struct fixture *fixture, unsigned pairs, const char *bytes, size_t len)
{
	static uint8_t packed[WIRE_MAX_REQUEST];
	static const char token[] = "\xa5token\xa1t";

	packed[0] = (uint8_t)(0x80 | (pairs + 1));
	memcpy(packed + 1, token, sizeof token - 1);
	memcpy(packed + sizeof token, bytes, len);
	fixture->err = (struct wire_error){ .code = WIRE_OVERLOADED };
	return wire_decode_params(wire_cursor_of(packed, sizeof token + len), fields, FIELD_COUNT,
		fixture->values, &fixture->err);
}

/* The same for one pair as a literal. */
#define DECODE_ONE(fixture, literal) decode((fixture), 1, (literal), sizeof(literal) - 1)

Test(wire_params, each_kind_is_decoded_into_its_place)
{
	struct fixture f;
	struct wire_str text, key;
	struct wire_cursor items, map;
	static const char all[] =
		"\xc4\x05limit\xd3\xff\xff\xff\xff\xff\xff\xff\xfb"
		"\xaa"
		"attributes\x82\xa1"
		"a\xa1"
		"b\xa1"
		"c\xc4\x01"
		"d\xa7"
		"explain\xc3\xa4time\xce\x65\x53\xf1\x00\xa3ttl\xa3"
		"30d\xa6scopes\x92\xa1x\xc4\x01y\xa8requests\x92\x81\xa5limit\x01\x90";

	cr_assert_eq(decode(&f, 7, all, sizeof all - 1), WIRE_OK, "%s", f.err.message);
	cr_expect(wire_str_equal(f.values[TOKEN].text, WIRE_STR("t")));
	cr_expect_eq(f.values[LIMIT].integer, -5);
	cr_expect(f.values[EXPLAIN].boolean);
	cr_expect_eq(f.values[TIME].integer, 1700000000);
	cr_expect_eq(f.values[TTL].integer, 30 * 86400);
	cr_expect_eq(f.values[SCOPES].count, 2);
	items = f.values[SCOPES].items;
	cr_expect(wire_next_text(&items, &text) && wire_str_equal(text, WIRE_STR("x")));
	cr_expect(wire_next_text(&items, &text) && wire_str_equal(text, WIRE_STR("y")));
	cr_expect_not(wire_next_text(&items, &text));
	cr_expect_eq(f.values[REQUESTS].count, 2);
	items = f.values[REQUESTS].items;
	cr_expect(wire_next_map(&items, &map) && wire_peek(&map) == WIRE_MAP);
	cr_expect(wire_next_map(&items, &map) && wire_peek(&map) == WIRE_ARRAY);
	cr_expect_not(wire_next_map(&items, &map));
	cr_expect_eq(f.values[ATTRIBUTES].count, 2);
	items = f.values[ATTRIBUTES].items;
	cr_expect(wire_next_pair(&items, &key, &text) && wire_str_equal(key, WIRE_STR("a")));
	cr_expect(wire_next_pair(&items, &key, &text) && wire_str_equal(text, WIRE_STR("d")));
	cr_expect_not(wire_next_pair(&items, &key, &text));
}

Test(wire_params, what_did_not_come_is_not_given)
{
	struct fixture f;

	memset(&f, 0xff, sizeof f);
	cr_assert_eq(decode(&f, 0, "", 0), WIRE_OK);
	cr_expect(f.values[TOKEN].given);
	for (size_t i = LIMIT; i < FIELD_COUNT; i++) {
		cr_expect_not(f.values[i].given, "%s", fields[i].name.ptr);
	}
}

Test(wire_params, no_map_and_an_empty_array_are_an_empty_map)
{
	struct fixture f;
	const struct wire_field *optional = fields + 1;

	cr_expect_eq(wire_decode_params((struct wire_cursor){ NULL, NULL }, optional,
			     FIELD_COUNT - 1, f.values, &f.err),
		WIRE_OK);
	cr_expect_eq(wire_decode_params(wire_cursor_of("\x90", 1), optional, FIELD_COUNT - 1,
			     f.values, &f.err),
		WIRE_OK);
	cr_expect_eq(wire_decode_params(
			     wire_cursor_of("\x80", 1), fields, FIELD_COUNT, f.values, &f.err),
		WIRE_EPARAM);
	cr_expect_str_eq(f.err.param, "token");
}

#define TWENTY_FOUR "abcdefghijklmnopqrstuvw_"

Test(wire_params, a_bad_parameter_is_named_unless_it_might_be_a_token)
{
	static const struct {
		const char *bytes;
		size_t len;
		unsigned pairs;
		const char *param;
		const char *message; /* a part of it */
	} cases[] = {
		{ "\xa6limits\x01", 8, 1, "limits", "unknown" },
		{ "\xa5"
		  "Limit\x01",
			7, 1, "Limit", "unknown" },
		{ "\xa0\x01", 2, 1, "", "unknown" },
		{ "\xa5token\xa1u", 8, 1, "token", "twice" },
		{ "\xa5limit\x01\xa3ttl\x01\xa5limit\x01", 19, 3, "limit", "twice" },
		{ "\x05\x01", 2, 1, "", "name is not text" },
		{ "\xa1\xff\x01", 3, 1, "", "names consist of a-z" },
		{ "\xb8" TWENTY_FOUR "\x01", 26, 1, TWENTY_FOUR, "unknown" },
		{ "\xb9" TWENTY_FOUR "a\x01", 27, 1, "", "names consist of a-z" },
		{ "\xab"
		  "ak_live_1xp\x01",
			13, 1, "", "names consist of a-z" },
		{ "\xa5limit\xa1"
		  "1",
			8, 1, "limit", "an integer" },
		{ "\xa5limit\xc0", 7, 1, "limit", "an integer" },
		{ "\xa5limit\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", 15, 1, "limit", "an integer" },
		{ "\xa5limit\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 15, 1, "limit", "an integer" },
		{ "\xa7"
		  "explain\x01",
			9, 1, "explain", "true or false" },
		{ "\xa4time\xff", 6, 1, "time", "a time" },
		{ "\xa4time\xcf\x00\x00\x00\x3a\xff\xf4\x41\x80", 14, 1, "time", "a time" },
		{ "\xa3ttl\x00", 5, 1, "ttl", "a duration" },
		{ "\xa3ttl\xff", 5, 1, "ttl", "a duration" },
		{ "\xa3ttl\xa2"
		  "0s",
			7, 1, "ttl", "a duration" },
		{ "\xa3ttl\xcf\x00\x00\x00\x02\x34\x4b\x3a\x81", 13, 1, "ttl", "a duration" },
		{ "\xa6scopes\xa1x", 9, 1, "scopes", "an array of text" },
		{ "\xa6scopes\x91\x01", 9, 1, "scopes[0]", "must be text" },
		{ "\xa6scopes\x92\xa1x\xa1\xff", 12, 1, "scopes[1]", "must be text" },
		{ "\xa6scopes\x80", 8, 1, "scopes", "an array of text" },
		{ "\xa8requests\x91\x91\x01", 12, 1, "requests[0]", "must be a map" },
		{ "\xa8requests\x92\x80\xc0", 12, 1, "requests[1]", "must be a map" },
		{ "\xa8requests\xc0", 10, 1, "requests", "an array of maps" },
		{ "\xaa"
		  "attributes\x82\xa1"
		  "a\xa1"
		  "b\xa1"
		  "a\xa1"
		  "c",
			20, 1, "attributes", "a map of text" },
		{ "\xaa"
		  "attributes\x81\xa1"
		  "a\x01",
			15, 1, "attributes", "a map of text" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		int r = decode(&f, cases[i].pairs, cases[i].bytes, cases[i].len);

		cr_expect_eq(r, WIRE_EPARAM, "case %zu", i);
		cr_expect_eq(f.err.code, WIRE_INVALID_REQUEST, "case %zu", i);
		cr_expect_str_eq(f.err.param, cases[i].param, "case %zu: %s", i, f.err.param);
		cr_expect_not_null(
			strstr(f.err.message, cases[i].message), "case %zu: %s", i, f.err.message);
	}
}

Test(wire_params, text_that_is_not_utf8_is_refused)
{
	struct fixture f;

	cr_assert_eq(wire_decode_params(wire_cursor_of("\x81\xa5token\xc4\x02\xc0\x80", 11), fields,
			     FIELD_COUNT, f.values, &f.err),
		WIRE_EPARAM);
	cr_expect_str_eq(f.err.param, "token");
}

Test(wire_params, bounds_of_time_and_duration_hold_at_the_limit)
{
	struct fixture f;

	cr_expect_eq(DECODE_ONE(&f, "\xa4time\x00"), WIRE_OK);
	cr_expect_eq(DECODE_ONE(&f, "\xa4time\xcf\x00\x00\x00\x3a\xff\xf4\x41\x7f"), WIRE_OK);
	cr_expect_eq(f.values[TIME].integer, WIRE_MAX_TIME);
	cr_expect_eq(DECODE_ONE(&f, "\xa3ttl\x01"), WIRE_OK);
	cr_expect_eq(DECODE_ONE(&f, "\xa3ttl\xcf\x00\x00\x00\x02\x34\x4b\x3a\x80"), WIRE_OK, "%s",
		f.err.message);
	cr_expect_eq(f.values[TTL].integer, WIRE_MAX_DURATION);
}

Test(wire_params, nil_is_accepted_where_the_field_says_so)
{
	struct fixture f;

	cr_assert_eq(DECODE_ONE(&f, "\xa4time\xc0"), WIRE_OK);
	cr_expect(f.values[TIME].given && f.values[TIME].nil);
	cr_assert_eq(DECODE_ONE(&f, "\xa4time\x05"), WIRE_OK);
	cr_expect(f.values[TIME].given && !f.values[TIME].nil);
}

Test(wire_params, durations_in_text)
{
	static const struct {
		const char *text;
		int64_t seconds; /* 0: refused */
	} cases[] = {
		{ "1s", 1 },
		{ "90m", 5400 },
		{ "2h", 7200 },
		{ "007d", 604800 },
		{ "109574d", 9467193600 },
		{ "109575d", 9467280000 },
		{ "109576d", 0 },
		{ "9467280000s", 9467280000 },
		{ "9467280001s", 0 },
		{ "99999999999999999999999999s", 0 },
		{ "", 0 },
		{ "s", 0 },
		{ "5", 0 },
		{ "0d", 0 },
		{ "-1s", 0 },
		{ "+1s", 0 },
		{ "1.5h", 0 },
		{ " 1s", 0 },
		{ "1s ", 0 },
		{ "1w", 0 },
		{ "1h30m", 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t seconds = 0;
		bool good = wire_parse_duration(
			(struct wire_str){ cases[i].text, strlen(cases[i].text) }, &seconds);

		cr_expect_eq(good, cases[i].seconds != 0, "%s", cases[i].text);
		cr_expect_eq(seconds, cases[i].seconds, "%s", cases[i].text);
	}
}

Test(wire_params, an_entry_overrides_what_is_shared)
{
	struct fixture f;
	struct wire_value entry[FIELD_COUNT];
	struct wire_overlay overlay;
	struct wire_cursor items = wire_cursor_of("\x81\xa5limit\x09\x80\x81\xa5limiT\x09", 17);

	cr_assert_eq(DECODE_ONE(&f, "\xa5limit\x07"), WIRE_OK);
	wire_overlay_init(&overlay, fields, FIELD_COUNT, f.values, entry);
	cr_assert_eq(wire_overlay_next(&overlay, &items, &f.err), WIRE_OK);
	cr_expect_eq(entry[LIMIT].integer, 9);
	cr_expect(wire_str_equal(entry[TOKEN].text, WIRE_STR("t")));
	cr_expect_eq(f.values[LIMIT].integer, 7);
	cr_assert_eq(wire_overlay_next(&overlay, &items, &f.err), WIRE_OK);
	cr_expect_eq(entry[LIMIT].integer, 7, "what the entry before had is not this one's");
	cr_expect_eq(wire_overlay_next(&overlay, &items, &f.err), WIRE_EPARAM);
	cr_expect_str_eq(f.err.param, "limiT");
}

Test(wire_params, an_entry_or_all_together_give_a_required_field)
{
	struct wire_value shared[FIELD_COUNT] = { 0 }, entry[FIELD_COUNT];
	struct wire_cursor items = wire_cursor_of("\x81\xa5token\xa1t\x81\xa5limit\x09", 17);
	struct wire_overlay overlay;
	struct wire_error err;

	wire_overlay_init(&overlay, fields, FIELD_COUNT, shared, entry);
	cr_assert_eq(wire_overlay_next(&overlay, &items, &err), WIRE_OK);
	cr_expect(wire_str_equal(entry[TOKEN].text, WIRE_STR("t")));
	cr_expect_eq(wire_overlay_next(&overlay, &items, &err), WIRE_EPARAM);
	cr_expect_str_eq(err.param, "token");
}

Test(wire_params, facts_in_the_middle_of_entries_are_theirs_alone)
{
	struct wire_value shared[FIELD_COUNT] = { 0 }, entry[FIELD_COUNT];
	struct wire_cursor items = wire_cursor_of("\x82\xa5"
						  "facts\x81\xa1"
						  "a\x01\xa5token\xa1t\x82\xa5token\xa1u\xa5"
						  "facts\x80",
		35);
	struct wire_overlay overlay;
	struct wire_error err;

	wire_overlay_init(&overlay, fields, FIELD_COUNT, shared, entry);
	cr_assert_eq(wire_overlay_next(&overlay, &items, &err), WIRE_OK);
	cr_expect_eq(entry[FACTS].count, 1);
	cr_expect_eq(entry[FACTS].items.end - entry[FACTS].items.ptr, 3);
	cr_assert_eq(wire_overlay_next(&overlay, &items, &err), WIRE_OK);
	cr_expect_eq(entry[FACTS].count, 0);
	cr_expect(wire_str_equal(entry[TOKEN].text, WIRE_STR("u")));
	cr_expect(wire_at_end(&items));
}

Test(wire_params, a_text_map_is_bounded_at_the_limit_and_one_past)
{
	struct fixture f;
	uint8_t bytes[16 + 8 * (WIRE_MAX_PAIRS + 1)];

	for (unsigned pairs = WIRE_MAX_PAIRS; pairs <= WIRE_MAX_PAIRS + 1; pairs++) {
		size_t len = 0;

		memcpy(bytes,
			"\xaa"
			"attributes\xde\x00",
			13);
		bytes[13] = (uint8_t)pairs;
		len = 14;
		for (unsigned i = 0; i < pairs; i++) {
			bytes[len++] = 0xa2;
			bytes[len++] = (uint8_t)('a' + i / 16);
			bytes[len++] = (uint8_t)('a' + i % 16);
			bytes[len++] = 0xa0;
		}
		cr_expect_eq(decode(&f, 1, (const char *)bytes, len),
			pairs <= WIRE_MAX_PAIRS ? WIRE_OK : WIRE_EPARAM);
	}
}

Test(wire_params, a_map_of_anything_is_read_by_its_caller)
{
	struct fixture f;
	struct wire_cursor items;
	struct wire_str key;
	int64_t number;
	uint32_t count;

	cr_assert_eq(DECODE_ONE(&f, "\xa5"
				    "facts\x83\xa1"
				    "a\x07\x05\xc3\xa1z\x92\xa1x\xa1\xff"),
		WIRE_OK, "%s", f.err.message);
	cr_expect_eq(f.values[FACTS].count, 3);
	items = f.values[FACTS].items;
	cr_expect(wire_read_text(&items, &key) && wire_str_equal(key, WIRE_STR("a")));
	cr_expect(wire_read_int(&items, &number) && number == 7);
	cr_expect(wire_skip(&items) && wire_skip(&items));
	cr_expect(wire_read_text(&items, &key) && wire_read_array(&items, &count) && count == 2);
	cr_expect(wire_skip(&items) && wire_skip(&items) && wire_at_end(&items));
	cr_assert_eq(DECODE_ONE(&f, "\xa5"
				    "facts\x90"),
		WIRE_OK);
	cr_expect_eq(f.values[FACTS].count, 0);
	cr_expect_eq(DECODE_ONE(&f, "\xa5"
				    "facts\x91\x01"),
		WIRE_EPARAM);
	cr_expect_str_eq(f.err.message, "facts: must be a map");
	/* Reading the pairs finds that one is incomplete. */
	cr_assert_eq(DECODE_ONE(&f, "\xa5"
				    "facts\x82\xa1"
				    "a\x07\xa1"
				    "b"),
		WIRE_OK);
	items = f.values[FACTS].items;
	cr_expect(wire_skip(&items) && wire_skip(&items) && wire_skip(&items));
	cr_expect_not(wire_skip(&items));
	/* Another parameter follows. */
	cr_assert_eq(decode(&f, 2,
			     "\xa5"
			     "facts\x81\xa1"
			     "a\x07\xa5limit\x09",
			     17),
		WIRE_OK, "%s", f.err.message);
	cr_expect_eq(f.values[LIMIT].integer, 9);
	items = f.values[FACTS].items;
	cr_expect(wire_skip(&items) && wire_skip(&items) && wire_at_end(&items));
}
