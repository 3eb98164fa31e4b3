/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/json.h"

#include <inttypes.h>
#include <stdio.h>

/* --- to the wire ------------------------------------------------------------------------------ */

static const char *put_value(const json_t *value, struct wire_buf *out, unsigned depth);

static const char *put_object(const json_t *object, struct wire_buf *out, unsigned depth)
{
	const char *wrong = NULL, *key;
	json_t *item;

	wire_put_map(out, (uint32_t)json_object_size(object));
	/* The iterator changes nothing, and takes the object as not constant all the same. */
	json_object_foreach((json_t *)(uintptr_t)object, key, item)
	{
		wire_put_cstr(out, key);
		wrong = wrong == NULL ? put_value(item, out, depth + 1) : wrong;
	}
	return wrong;
}

static const char *put_array(const json_t *array, struct wire_buf *out, unsigned depth)
{
	const char *wrong = NULL;
	json_t *item;
	size_t i;

	wire_put_array(out, (uint32_t)json_array_size(array));
	json_array_foreach(array, i, item)
	{
		wrong = wrong == NULL ? put_value(item, out, depth + 1) : wrong;
	}
	return wrong;
}

static const char *put_value(const json_t *value, struct wire_buf *out, unsigned depth)
{
	if (depth == HTTP_JSON_MAX_DEPTH) {
		return "is nested too deeply";
	}
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return put_object(value, out, depth);
	case JSON_ARRAY:
		return put_array(value, out, depth);
	case JSON_STRING:
		wire_put_str(out,
			(struct wire_str){ json_string_value(value), json_string_length(value) });
		break;
	case JSON_INTEGER:
		wire_put_int(out, json_integer_value(value));
		break;
	case JSON_REAL:
		return "has a number that is not an integer";
	case JSON_TRUE:
	case JSON_FALSE:
		wire_put_bool(out, json_is_true(value));
		break;
	case JSON_NULL:
		wire_put_nil(out);
		break;
	}
	return NULL;
}

const char *http_json_to_wire(const json_t *value, struct wire_buf *out)
{
	return put_value(value, out, 0);
}

/* --- to text ---------------------------------------------------------------------------------- */

static void put(struct wire_buf *out, const char *text, size_t len)
{
	wire_put_raw(out, text, len);
}

/* Bytes of the character at `ptr`, 0 if it is not UTF-8. */
static size_t character(const char *ptr, size_t left)
{
	for (size_t len = 1; len <= 4 && len <= left; len++) {
		if (wire_is_utf8((struct wire_str){ ptr, len })) {
			return len;
		}
	}
	return 0;
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Writes one character that is not plain; how many bytes it has. */
static size_t put_special(const char *ptr, size_t left, struct wire_buf *out)
{
	unsigned char c = (unsigned char)*ptr;
	size_t len = character(ptr, left);
	char escape[8];

	if (c < ' ' || c == 0x7f) {
		put(out, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
	} else if (c == '"' || c == '\\') {
		put(out, c == '"' ? "\\\"" : "\\\\", 2);
	} else if (len > 0) {
		put(out, ptr, len);
	} else {
		put(out, "\xef\xbf\xbd", 3);
	}
	return len > 0 ? len : 1;
}

void http_json_write_text(struct wire_str text, struct wire_buf *out)
{
	size_t at = 0;

	put(out, "\"", 1);
	while (at < text.len) {
		size_t plain = at;

		while (plain < text.len && is_plain((unsigned char)text.ptr[plain])) {
			plain++;
		}
		if (plain > at) {
			put(out, text.ptr + at, plain - at);
			at = plain;
		} else {
			at += put_special(text.ptr + at, text.len - at, out);
		}
	}
	put(out, "\"", 1);
}

static void write_integer(int64_t number, struct wire_buf *out)
{
	char text[24];

	put(out, text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
}

/* The depth is bounded: libauthz walks what it receives down to WIRE_MAX_DEPTH. */
static void write_value(struct wire_cursor *cursor, struct wire_buf *out)
{
	struct wire_str text;
	uint32_t count = 0;
	int64_t number;
	bool boolean;

	if (wire_read_text(cursor, &text)) {
		http_json_write_text(text, out);
	} else if (wire_read_int(cursor, &number)) {
		write_integer(number, out);
	} else if (wire_read_bool(cursor, &boolean)) {
		put(out, boolean ? "true" : "false", boolean ? 4 : 5);
	} else if (wire_peek(cursor) == WIRE_ARRAY) {
		wire_read_array(cursor, &count);
		put(out, "[", 1);
		for (uint32_t i = 0; i < count && !wire_at_end(cursor); i++) {
			put(out, ",", i > 0);
			write_value(cursor, out);
		}
		put(out, "]", 1);
	} else if (wire_peek(cursor) == WIRE_MAP) {
		wire_read_map(cursor, &count);
		put(out, "{", 1);
		for (uint32_t i = 0; i < count && wire_read_text(cursor, &text); i++) {
			put(out, ",", i > 0);
			http_json_write_text(text, out);
			put(out, ":", 1);
			write_value(cursor, out);
		}
		put(out, "}", 1);
	} else {
		wire_skip(cursor);
		put(out, "null", 4);
	}
}

void http_json_write(struct wire_cursor value, struct wire_buf *out)
{
	write_value(&value, out);
}
