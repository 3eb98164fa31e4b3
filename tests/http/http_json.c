/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the wire as JSON text. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "client/http/json.h"

/* The text of a packed value; good until the next call. */
static const char *text_of(const struct wire_buf *packed)
{
	static char text[1024];
	struct wire_buf out;

	wire_buf_init(&out, sizeof text - 1);
	http_json_write(wire_cursor_of(packed->data, packed->len), &out);
	cr_assert_eq(out.status, WIRE_OK);
	memcpy(text, out.data, out.len);
	text[out.len] = '\0';
	wire_buf_finish(&out);
	return text;
}

static const char *string(const char *bytes, size_t len)
{
	struct wire_buf packed;
	const char *text;

	wire_buf_init(&packed, 512);
	wire_put_str(&packed, (struct wire_str){ bytes, len });
	text = text_of(&packed);
	wire_buf_finish(&packed);
	return text;
}

Test(json, values_are_written_compactly)
{
	struct wire_buf packed;

	wire_buf_init(&packed, 512);
	wire_put_map(&packed, 5);
	wire_put_cstr(&packed, "a");
	wire_put_int(&packed, INT64_MIN);
	wire_put_cstr(&packed, "b");
	wire_put_bool(&packed, false);
	wire_put_cstr(&packed, "c");
	wire_put_nil(&packed);
	wire_put_cstr(&packed, "d");
	wire_put_array(&packed, 2);
	wire_put_int(&packed, 1);
	wire_put_map(&packed, 0);
	wire_put_cstr(&packed, "e");
	wire_put_array(&packed, 0);
	cr_expect_str_eq(text_of(&packed),
		"{\"a\":-9223372036854775808,\"b\":false,\"c\":null,\"d\":[1,{}],\"e\":[]}");
	wire_buf_finish(&packed);
}

Test(json, a_text_is_escaped)
{
	cr_expect_str_eq(string("a\"b\\c/\n\x01\x7f", 9), "\"a\\\"b\\\\c/\\u000a\\u0001\\u007f\"");
	cr_expect_str_eq(string("\0", 1), "\"\\u0000\"");
	cr_expect_str_eq(string("", 0), "\"\"");
	cr_expect_str_eq(string("\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91", 9),
		"\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91\"");
}

Test(json, bytes_that_are_not_text_are_replaced)
{
	cr_expect_str_eq(string("a\xff"
				"b",
				 3),
		"\"a\xef\xbf\xbd"
		"b\"");
	cr_expect_str_eq(string("\xe2\x82", 2), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	cr_expect_str_eq(string("\xed\xa0\x80", 3), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

Test(json, every_text_is_read_back)
{
	char bytes[3];

	for (unsigned i = 1; i < 0x10000; i++) {
		json_error_t error;
		json_t *value;
		const char *text;

		bytes[0] = (char)(i & 0xff);
		bytes[1] = (char)(i >> 8);
		bytes[2] = 'x';
		text = string(bytes, sizeof bytes);
		value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
		cr_assert(json_is_string(value), "%04x: %s: %s", i, text, error.text);
		if (wire_is_utf8((struct wire_str){ bytes, sizeof bytes })) {
			cr_assert_eq(json_string_length(value), sizeof bytes);
			cr_assert_arr_eq(json_string_value(value), bytes, sizeof bytes);
		}
		json_decref(value);
	}
}

Test(json, what_does_not_fit_says_so)
{
	struct wire_buf packed, out;

	wire_buf_init(&packed, 512);
	wire_put_str(&packed, WIRE_STR("0123456789"));
	wire_buf_init(&out, 8);
	http_json_write(wire_cursor_of(packed.data, packed.len), &out);
	cr_expect_eq(out.status, WIRE_ELIMIT);
	wire_buf_finish(&out);
	wire_buf_finish(&packed);
}
