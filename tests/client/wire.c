/* SPDX-License-Identifier: Apache-2.0 */
#include "client/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/client/wire_diff.h"

/* Bytes as a literal, with their length. */
#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static enum wire_progress walk_once(const uint8_t *bytes, size_t len, uint32_t max, size_t *out)
{
	struct wire_walk walk;

	wire_walk_init(&walk, max);
	return wire_walk(&walk, bytes, len, out);
}

static const char authorize[] = "\x94\x00\xcd\x01\x02\xa9"
				"authorize\x91\x83\xa5token\xd9\x03"
				"abc\xa6method\xa3GET\xa4path\xc4\x02/x";

Test(wire, a_message_is_walked_byte_by_byte)
{
	struct wire_walk walk;
	size_t len = 0;
	const size_t size = sizeof authorize - 1;

	wire_walk_init(&walk, WIRE_MAX_REQUEST);
	for (size_t have = 0; have < size; have++) {
		/* Exactly `have` bytes on the heap, so that a sanitizer reports reads after them.
		 */
		uint8_t *copy = malloc(have + 1);

		cr_assert_not_null(copy);
		memcpy(copy, authorize, have);
		copy = realloc(copy, have > 0 ? have : 1);
		cr_assert_not_null(copy);
		cr_assert_eq(wire_walk(&walk, copy, have, &len), WIRE_NEED_MORE, "at %zu", have);
		free(copy);
	}
	cr_assert_eq(wire_walk(&walk, (const uint8_t *)authorize, size, &len), WIRE_COMPLETE);
	cr_assert_eq(len, size);
}

Test(wire, walking_ends_with_the_message_and_begins_with_the_next)
{
	struct wire_walk walk;
	size_t len = 0;
	const uint8_t *two = (const uint8_t *)"\x92\xa1"
					      "a\x05\xc0\xc1";

	wire_walk_init(&walk, 100);
	cr_assert_eq(wire_walk(&walk, two, 6, &len), WIRE_COMPLETE);
	cr_assert_eq(len, 4);
	cr_assert_eq(wire_walk(&walk, two + 4, 2, &len), WIRE_COMPLETE);
	cr_assert_eq(len, 1);
	cr_assert_eq(wire_walk(&walk, two + 5, 1, &len), WIRE_MALFORMED);
}

Test(wire, a_zeroed_walk_refuses_everything)
{
	struct wire_walk walk;
	size_t len = 77;

	wire_walk_init(&walk, 0);
	cr_assert_eq(wire_walk(&walk, BYTES("\xc0"), &len), WIRE_TOO_LARGE);
	cr_assert_eq(len, 77);
}

Test(wire, the_size_bound_holds_at_the_limit_and_one_past)
{
	enum { SIZE = WIRE_MAX_REQUEST };
	uint8_t *bytes = calloc(1, SIZE + 1);
	struct wire_walk walk;
	size_t len = 0;

	cr_assert_not_null(bytes);
	/* A str32 that fills the bound exactly, then one byte more. */
	memcpy(bytes, "\xdb\x00\x03\xff\xfb", 5);
	cr_assert_eq(walk_once(bytes, SIZE, SIZE, &len), WIRE_COMPLETE);
	cr_assert_eq(len, SIZE);
	bytes[4] = 0xfc;
	cr_assert_eq(walk_once(bytes, 5, SIZE, &len), WIRE_TOO_LARGE);
	/* The same by many small values. */
	memcpy(bytes, "\xdd\x00\x03\xff\xfb", 5);
	cr_assert_eq(walk_once(bytes, SIZE, SIZE, &len), WIRE_COMPLETE);
	bytes[4] = 0xfc;
	cr_assert_eq(walk_once(bytes, 5, SIZE, &len), WIRE_TOO_LARGE);
	/* A header that crosses the bound is never complete. */
	wire_walk_init(&walk, 4);
	cr_assert_eq(wire_walk(&walk, BYTES("\xce\x01\x02\x03\x04"), &len), WIRE_TOO_LARGE);
	free(bytes);
}

Test(wire, claims_that_cannot_fit_are_refused_at_their_header)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "\xdd\xff\xff\xff\xff", 5 },
		{ "\xdf\xff\xff\xff\xff", 5 },
		{ "\xdb\xff\xff\xff\xff", 5 },
		{ "\xc6\xff\xff\xff\xff", 5 },
		{ "\xc9\xff\xff\xff\xff", 5 },
		/* Each announced length fits, but not all together. */
		{ "\xdd\x00\x03\x00\x00\xdd\x00\x03\x00\x00", 10 },
		{ "\x92\xdb\x00\x03\xff\xfa", 6 },
	};
	size_t len;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_expect_eq(walk_once((const uint8_t *)cases[i].bytes, cases[i].len,
				     WIRE_MAX_REQUEST, &len),
			WIRE_TOO_LARGE, "case %zu", i);
	}
}

Test(wire, the_depth_bound_holds_at_the_limit_and_one_past)
{
	uint8_t bytes[WIRE_MAX_DEPTH + 2];
	size_t len;

	memset(bytes, 0x91, sizeof bytes);
	bytes[WIRE_MAX_DEPTH] = 0xc0;
	cr_assert_eq(walk_once(bytes, WIRE_MAX_DEPTH + 1, 100, &len), WIRE_COMPLETE);
	bytes[WIRE_MAX_DEPTH - 1] = 0x90;
	cr_assert_eq(walk_once(bytes, WIRE_MAX_DEPTH, 100, &len), WIRE_COMPLETE);
	bytes[WIRE_MAX_DEPTH - 1] = 0x91;
	bytes[WIRE_MAX_DEPTH] = 0x90;
	cr_assert_eq(walk_once(bytes, WIRE_MAX_DEPTH + 1, 100, &len), WIRE_TOO_DEEP);
	bytes[WIRE_MAX_DEPTH] = 0x80;
	cr_assert_eq(walk_once(bytes, WIRE_MAX_DEPTH + 1, 100, &len), WIRE_TOO_DEEP);
}

/* Random bytes, most of them headers. The fixed seed makes failures repeatable. */
static size_t random_message(uint8_t *bytes, size_t size)
{
	static const uint8_t heads[] = { 0x80, 0x81, 0x82, 0x90, 0x91, 0x92, 0x94, 0xa0, 0xa1, 0xa3,
		0xc0, 0xc2, 0xc3, 0xc4, 0xc5, 0xc7, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1,
		0xd2, 0xd3, 0xd4, 0xd6, 0xd8, 0xd9, 0xda, 0xdc, 0xde, 0x00, 0x7f, 0xe0, 0xff };
	size_t len = 1 + (size_t)rand() % size;

	for (size_t i = 0; i < len; i++) {
		int kind = rand() % 4;

		bytes[i] = (uint8_t)rand();
		if (kind < 2) {
			bytes[i] = heads[(size_t)rand() % sizeof heads];
		} else if (kind == 2) {
			bytes[i] = (uint8_t)(rand() % 4);
		}
	}
	return len;
}

Test(wire, random_messages_are_read_as_msgpack_reads_them)
{
	uint8_t bytes[48];
	unsigned complete = 0;

	srand(1);
	for (unsigned i = 0; i < 300000; i++) {
		size_t size = random_message(bytes, sizeof bytes);
		size_t len = 0;
		enum wire_progress progress = walk_once(bytes, size, 1024, &len);

		if (progress == WIRE_COMPLETE) {
			complete++;
			cr_assert(wire_diff_same(bytes, len), "message %u", i);
			/* One byte less is incomplete. */
			cr_assert_eq(walk_once(bytes, len - 1, 1024, &len), WIRE_NEED_MORE);
		} else if (progress == WIRE_MALFORMED) {
			msgpack_unpacked unpacked;
			size_t off = 0;
			msgpack_unpack_return ret;

			msgpack_unpacked_init(&unpacked);
			ret = msgpack_unpack_next(&unpacked, (const char *)bytes, size, &off);
			msgpack_unpacked_destroy(&unpacked);
			cr_assert_eq(ret, MSGPACK_UNPACK_PARSE_ERROR, "message %u", i);
		}
	}
	cr_assert_gt(complete, 10000);
}

Test(wire, a_cursor_over_unwalked_bytes_stays_inside_them)
{
	uint8_t bytes[16];

	srand(2);
	for (unsigned i = 0; i < 200000; i++) {
		size_t size = random_message(bytes, sizeof bytes);
		uint8_t *copy = malloc(size);
		struct wire_cursor cursor;

		cr_assert_not_null(copy);
		memcpy(copy, bytes, size);
		cursor = wire_cursor_of(copy, size);
		while (wire_skip(&cursor)) {
			cr_assert_leq(cursor.ptr, cursor.end);
		}
		free(copy);
	}
}

Test(wire, integers_of_any_width_are_read)
{
	static const struct {
		const char *bytes;
		size_t len;
		int64_t value;
	} cases[] = {
		{ "\x7f", 1, 127 },
		{ "\xe0", 1, -32 },
		{ "\xff", 1, -1 },
		{ "\xcc\xff", 2, 255 },
		{ "\xcd\x00\x01", 3, 1 },
		{ "\xce\xff\xff\xff\xff", 5, UINT32_MAX },
		{ "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MAX },
		{ "\xd0\x80", 2, INT8_MIN },
		{ "\xd1\x80\x00", 3, INT16_MIN },
		{ "\xd2\x80\x00\x00\x00", 5, INT32_MIN },
		{ "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, INT64_MIN },
		{ "\xd3\x00\x00\x00\x00\x00\x00\x00\x07", 9, 7 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire_cursor cursor = wire_cursor_of(cases[i].bytes, cases[i].len);
		int64_t value = 0;

		cr_expect(wire_read_int(&cursor, &value) && wire_at_end(&cursor), "case %zu", i);
		cr_expect_eq(value, cases[i].value, "case %zu", i);
	}
}

Test(wire, an_integer_beyond_63_bits_is_refused)
{
	struct wire_cursor cursor = wire_cursor_of("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9);
	int64_t value = 5;

	cr_assert_not(wire_read_int(&cursor, &value));
	cr_assert_eq(value, 5);
	cr_assert_eq(wire_peek(&cursor), WIRE_INT);
}

Test(wire, a_stray_byte_is_found_at_each_place_of_text_of_each_length)
{
	for (size_t len = 0; len <= 20; len++) {
		char text[] = "abcdefghijklmnopqrst";

		cr_expect(wire_is_utf8((struct wire_str){ text, len }), "length %zu", len);
		for (size_t at = 0; at < len; at++) {
			char kept = text[at];

			text[at] = '\x80';
			cr_expect_not(wire_is_utf8((struct wire_str){ text, len }),
				"length %zu, at %zu", len, at);
			text[at] = kept;
		}
	}
}

Test(wire, text_is_utf8_or_not)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool good;
	} cases[] = {
		{ "", 0, true },
		{ "plain ascii, longer than eight", 30, true },
		{ "\x00", 1, true },
		{ "\xc3\xa9", 2, true },
		{ "\xe6\xbc\xa2", 3, true },
		{ "\xf0\x9f\x98\x80", 4, true },
		{ "\xf4\x8f\xbf\xbf", 4, true },
		{ "1234567\xc3\xa9", 9, true },
		{ "\x80", 1, false },
		{ "\xc0\x80", 2, false },
		{ "\xc1\xbf", 2, false },
		{ "\xe0\x80\xaf", 3, false },
		{ "\xed\xa0\x80", 3, false },
		{ "\xf0\x80\x80\xaf", 4, false },
		{ "\xf4\x90\x80\x80", 4, false },
		{ "\xf5\x80\x80\x80", 4, false },
		{ "\xc3", 1, false },
		{ "\xe6\xbc", 2, false },
		{ "\xf0\x9f\x98", 3, false },
		{ "12345678\xff", 9, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_expect_eq(wire_is_utf8((struct wire_str){ cases[i].bytes, cases[i].len }),
			cases[i].good, "case %zu", i);
	}
}

Test(wire, a_request_is_decoded_into_views)
{
	struct wire_request request;
	struct wire_error err;

	cr_assert_eq(wire_decode_request(BYTES(authorize), &request, &err), WIRE_OK);
	cr_assert(request.has_id);
	cr_assert_eq(request.id, 258);
	cr_assert(wire_str_equal(request.method, WIRE_STR("authorize")));
	cr_assert_eq(wire_peek(&request.params), WIRE_MAP);
}

Test(wire, a_request_of_a_bad_shape_ends_the_connection_and_of_bad_parameters_does_not)
{
	static const struct {
		const char *bytes;
		size_t len;
		int status;
		bool has_id;
	} cases[] = {
		{ "\x94\x00\x01\xa1m\x90", 6, WIRE_OK, true },
		{ "\x94\x00\x01\xa1m\x91\x80", 7, WIRE_OK, true },
		{ "\x94\x00\x01\xa1m\x91\x90", 7, WIRE_OK, true },
		{ "\x94\xd1\x00\x00\xcf\x00\x00\x00\x00\xff\xff\xff\xff\xc4\x01m\x90", 17, WIRE_OK,
			true },
		{ "\x94\x00\x01\xa1m\x91\xc0", 7, WIRE_EPARAM, true },
		{ "\x94\x00\x01\xa1m\x91\x05", 7, WIRE_EPARAM, true },
		{ "\x94\x00\x01\xa1m\x91\x91\x05", 8, WIRE_EPARAM, true },
		{ "\x94\x00\x01\xa1m\x92\x80\x80", 8, WIRE_EPARAM, true },
		{ "\x94\x00\x01\xa1\xff\x90", 6, WIRE_EPARAM, true },
		{ "\x05", 1, WIRE_ESHAPE, false },
		{ "\x84\x00\x01\x02\x03\x04\x05\x06\x07", 9, WIRE_ESHAPE, false },
		{ "\x93\x00\x01\xa1m", 5, WIRE_ESHAPE, false },
		{ "\x95\x00\x01\xa1m\x90\xc0", 7, WIRE_ESHAPE, false },
		{ "\x94\x01\x01\xa1m\x90", 6, WIRE_ESHAPE, true },
		{ "\x94\xc0\x01\xa1m\x90", 6, WIRE_ESHAPE, true },
		{ "\x94\x00\xff\xa1m\x90", 6, WIRE_ESHAPE, false },
		{ "\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa1m\x90", 14, WIRE_ESHAPE, false },
		{ "\x94\x00\xc0\xa1m\x90", 6, WIRE_ESHAPE, false },
		{ "\x94\x00\x01\x07\x90", 5, WIRE_ESHAPE, true },
		{ "\x94\x00\x01\xa1m\x80", 6, WIRE_ESHAPE, true },
		{ "\x94\x00\x01\xa1m\xc0", 6, WIRE_ESHAPE, true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire_request request = { .id = 9 };
		struct wire_error err = { .code = WIRE_OVERLOADED };
		int r = wire_decode_request(
			(const uint8_t *)cases[i].bytes, cases[i].len, &request, &err);

		cr_expect_eq(r, cases[i].status, "case %zu: %d", i, r);
		cr_expect_eq(request.has_id, cases[i].has_id, "case %zu", i);
		if (r != WIRE_OK) {
			cr_expect_eq(err.code, WIRE_INVALID_REQUEST, "case %zu", i);
			cr_expect_neq(err.message[0], '\0', "case %zu", i);
		}
	}
}

Test(wire, a_response_is_a_result_or_an_error_and_nothing_else)
{
	static const struct {
		const char *bytes;
		size_t len;
		int status;
		bool failed;
	} cases[] = {
		{ "\x94\x01\x07\xc0\xc3", 5, WIRE_OK, false },
		{ "\x94\x01\x07\xc0\xc0", 5, WIRE_OK, false },
		{ "\x94\x01\x07\x80\xc0", 5, WIRE_OK, true },
		{ "\x94\x01\xc0\x80\xc0", 5, WIRE_OK, true },
		{ "\x94\x01\x07\x80\xc3", 5, WIRE_ESHAPE, false },
		{ "\x94\x00\x07\xc0\xc3", 5, WIRE_ESHAPE, false },
		{ "\x94\x01\xff\xc0\xc3", 5, WIRE_ESHAPE, false },
		{ "\x93\x01\x07\xc0", 4, WIRE_ESHAPE, false },
		{ "\x94\x01\x07\xc3\xc0\xc0", 6, WIRE_ESHAPE, false },
		{ "\x94\x01\x07\xc0", 4, WIRE_ESHAPE, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire_response response = { .id = 0 };
		int r = wire_decode_response(
			(const uint8_t *)cases[i].bytes, cases[i].len, &response);

		cr_expect_eq(r, cases[i].status, "case %zu: %d", i, r);
		cr_expect_eq(response.failed, cases[i].failed, "case %zu", i);
	}
}

Test(wire, every_code_is_found_by_its_name)
{
	for (int code = WIRE_INTERNAL; code <= WIRE_UNAVAILABLE; code++) {
		const char *name = wire_code_name((enum wire_code)code);

		cr_expect_eq((int)wire_code_find((struct wire_str){ name, strlen(name) }), code,
			"%s", name);
	}
	cr_expect_eq(wire_code_find(WIRE_STR("sunshine")), WIRE_INTERNAL);
	cr_expect_str_eq(wire_code_name((enum wire_code)77), "internal");
}

Test(wire, an_error_cuts_its_texts_between_characters)
{
	char text[4 * WIRE_MESSAGE_SIZE];
	struct wire_error err;

	/* One byte first, so that the bounds do not fall between characters by chance. */
	for (size_t shift = 0; shift < 4; shift++) {
		size_t len = 0;

		memset(text, 'x', shift);
		for (len = shift; len + 4 < sizeof text; len += 4) {
			memcpy(text + len, "\xf0\x9f\x98\x80", 4);
		}
		text[len] = '\0';
		wire_error_set(&err, WIRE_CONFLICT, (struct wire_str){ text, len }, "%s", text);
		cr_expect_eq(strlen(err.message), WIRE_MESSAGE_SIZE - 1 - (3 - shift + 4) % 4);
		cr_expect(wire_is_utf8((struct wire_str){ err.message, strlen(err.message) }));
		cr_expect(wire_is_utf8((struct wire_str){ err.param, strlen(err.param) }));
		cr_expect_gt(strlen(err.param), WIRE_PARAM_SIZE - 5);
	}
	wire_error_set(&err, WIRE_CONFLICT, WIRE_STR("\xff"), "plain");
	cr_expect_str_eq(err.param, "");
	cr_expect_str_eq(err.message, "plain");
}
