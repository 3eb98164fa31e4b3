/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "client/wire.h"
#include "tests/client/wire_diff.h"

Test(wire_buf, what_is_put_is_read_back)
{
	struct wire_buf buf;
	struct wire_cursor cursor;
	struct wire_str text;
	uint32_t count;
	int64_t value;
	bool truth;

	wire_buf_init(&buf, 1024);
	wire_put_array(&buf, 7);
	wire_put_nil(&buf);
	wire_put_bool(&buf, true);
	wire_put_bool(&buf, false);
	wire_put_int(&buf, INT64_MIN);
	wire_put_str(&buf, WIRE_STR("text"));
	wire_put_cstr(&buf, NULL);
	wire_put_map(&buf, 1);
	wire_put_cstr(&buf, "k");
	wire_put_int(&buf, 300);
	cr_assert_eq(buf.status, WIRE_OK);
	cr_assert(wire_diff_same(buf.data, buf.len));

	cursor = wire_cursor_of(buf.data, buf.len);
	cr_expect(wire_read_array(&cursor, &count) && count == 7);
	cr_expect(wire_read_nil(&cursor));
	cr_expect(wire_read_bool(&cursor, &truth) && truth);
	cr_expect(wire_read_bool(&cursor, &truth) && !truth);
	cr_expect(wire_read_int(&cursor, &value) && value == INT64_MIN);
	cr_expect(wire_read_text(&cursor, &text) && wire_str_equal(text, WIRE_STR("text")));
	cr_expect(wire_read_nil(&cursor));
	cr_expect(wire_read_map(&cursor, &count) && count == 1);
	cr_expect(wire_read_text(&cursor, &text) && wire_str_equal(text, WIRE_STR("k")));
	cr_expect(wire_read_int(&cursor, &value) && value == 300);
	cr_expect(wire_at_end(&cursor));
	wire_buf_finish(&buf);
}

Test(wire_buf, it_grows_to_its_bound_and_no_further)
{
	struct wire_buf buf;
	static const char bytes[3000];

	wire_buf_init(&buf, 5000);
	wire_put_raw(&buf, bytes, 3000);
	wire_put_raw(&buf, bytes, 2000);
	cr_assert_eq(buf.status, WIRE_OK);
	cr_assert_eq(buf.len, 5000);
	wire_put_nil(&buf);
	cr_assert_eq(buf.status, WIRE_ELIMIT);
	cr_assert_eq(buf.len, 5000);
	wire_buf_rewind(&buf, 3000);
	wire_put_nil(&buf);
	cr_assert_eq(buf.status, WIRE_OK);
	cr_assert_eq(buf.len, 3001);
	wire_buf_finish(&buf);
}

Test(wire_buf, a_zeroed_buffer_has_no_room)
{
	struct wire_buf buf = { .max = 0 };

	wire_put_nil(&buf);
	cr_assert_eq(buf.status, WIRE_ELIMIT);
	wire_buf_finish(&buf);
	wire_buf_finish(&buf);
}

Test(wire_buf, a_text_that_does_not_fit_writes_nothing)
{
	struct wire_buf buf;
	static const char bytes[100];

	wire_buf_init(&buf, 64);
	wire_put_nil(&buf);
	wire_put_str(&buf, (struct wire_str){ bytes, sizeof bytes });
	cr_assert_eq(buf.status, WIRE_ELIMIT);
	cr_assert_eq(buf.len, 1);
	wire_put_nil(&buf);
	cr_assert_eq(buf.len, 1);
	wire_buf_finish(&buf);
}

Test(wire_buf, bytes_that_are_gone_are_wiped)
{
	struct wire_buf buf;
	static const uint8_t zero[64];

	wire_buf_init(&buf, 1024);
	wire_put_raw(&buf, "secret--and-the-rest", 20);
	wire_buf_consume(&buf, 8);
	cr_assert_eq(buf.len, 12);
	cr_assert_arr_eq(buf.data, "and-the-rest", 12);
	cr_assert_arr_eq(buf.data + 12, zero, 8);
	wire_buf_cut(&buf, 3, 5);
	cr_assert_eq(buf.len, 7);
	cr_assert_arr_eq(buf.data, "andrest", 7);
	cr_assert_arr_eq(buf.data + 7, zero, 13);
	wire_buf_cut(&buf, 5, SIZE_MAX);
	cr_assert_eq(buf.len, 5);
	wire_buf_cut(&buf, 6, 1);
	cr_assert_eq(buf.len, 5);
	wire_buf_rewind(&buf, 4);
	cr_assert_arr_eq(buf.data + 4, zero, 16);
	wire_buf_wipe(&buf);
	cr_assert_eq(buf.len, 0);
	cr_assert_arr_eq(buf.data, zero, 20);
	wire_buf_finish(&buf);
}

Test(wire_buf, counts_are_filled_in_later)
{
	struct wire_buf buf;
	struct wire_cursor cursor;
	size_t map, array;
	uint32_t count;

	wire_buf_init(&buf, 1024);
	map = wire_open_map(&buf);
	wire_put_cstr(&buf, "list");
	array = wire_open_array(&buf);
	wire_put_int(&buf, 1);
	wire_put_int(&buf, 2);
	wire_close_array(&buf, array, 2);
	wire_close_map(&buf, map, 1);
	cursor = wire_cursor_of(buf.data, buf.len);
	cr_expect(wire_read_map(&cursor, &count) && count == 1);
	cr_expect(wire_skip(&cursor));
	cr_expect(wire_read_array(&cursor, &count) && count == 2);
	wire_close_map(&buf, map, UINT16_MAX);
	cr_expect_eq(buf.status, WIRE_OK);
	wire_close_map(&buf, map, UINT16_MAX + 1);
	cr_expect_eq(buf.status, WIRE_ELIMIT);
	wire_buf_finish(&buf);
}

Test(wire_buf, a_request_is_what_the_decoder_takes)
{
	struct wire_buf buf;
	struct wire_request request;
	struct wire_error err;

	wire_buf_init(&buf, 1024);
	wire_put_request(&buf, UINT32_MAX, WIRE_STR("status"), false);
	cr_assert_eq(wire_decode_request(buf.data, buf.len, &request, &err), WIRE_OK);
	cr_expect_eq(request.id, UINT32_MAX);
	cr_expect(wire_str_equal(request.method, WIRE_STR("status")));
	cr_expect(wire_at_end(&request.params));
	wire_buf_finish(&buf);
}

Test(wire_buf, an_error_comes_back_whole)
{
	struct wire_buf buf;
	struct wire_response response;
	struct wire_error err, back;
	const uint32_t id = 70000;

	wire_error_set(&err, WIRE_LIMIT_REACHED, WIRE_STR("ids"), "at most %d", 5);
	wire_buf_init(&buf, 1024);
	wire_begin_error(&buf, &id, &err, 1);
	wire_put_cstr(&buf, "ids");
	wire_put_array(&buf, 1);
	wire_put_cstr(&buf, "k1");
	wire_put_nil(&buf);
	cr_assert_eq(wire_decode_response(buf.data, buf.len, &response), WIRE_OK);
	cr_expect(response.failed && response.has_id && response.id == id);
	wire_decode_error(response.value, &back);
	cr_expect_eq(back.code, WIRE_LIMIT_REACHED);
	cr_expect_str_eq(back.param, "ids");
	cr_expect_str_eq(back.message, "ids: at most 5");

	wire_buf_wipe(&buf);
	wire_put_error(&buf, NULL, &err);
	cr_assert_eq(wire_decode_response(buf.data, buf.len, &response), WIRE_OK);
	cr_expect(response.failed && !response.has_id);

	wire_buf_wipe(&buf);
	wire_put_result(&buf, id);
	wire_put_bool(&buf, true);
	cr_assert_eq(wire_decode_response(buf.data, buf.len, &response), WIRE_OK);
	cr_expect(!response.failed && response.id == id && wire_peek(&response.value) == WIRE_BOOL);
	wire_buf_finish(&buf);
}

Test(wire_buf, a_broken_error_promises_nothing)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "\xa2no", 3 },
		{ "\x80", 1 },
		{ "\x81\xa4"
		  "code\x05",
			7 },
		{ "\x81\xa4"
		  "code\xa3"
		  "wow",
			10 },
		{ "\x81\x05\x05", 3 },
		{ "\x82\xa4"
		  "code",
			6 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire_error err = { .code = WIRE_CONFLICT };

		wire_decode_error(wire_cursor_of(cases[i].bytes, cases[i].len), &err);
		cr_expect_eq(err.code, WIRE_INTERNAL, "case %zu", i);
		cr_expect_str_eq(err.message, "", "case %zu", i);
	}
}
