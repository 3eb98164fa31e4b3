/* SPDX-License-Identifier: Apache-2.0 */
#include "client/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/wire_head.h"

/* Rows of enum wire_code, in its order. */
static const struct wire_str code_names[] = {
	[WIRE_INTERNAL] = { "internal", 8 },
	[WIRE_INVALID_REQUEST] = { "invalid_request", 15 },
	[WIRE_UNKNOWN_METHOD] = { "unknown_method", 14 },
	[WIRE_FORBIDDEN] = { "forbidden", 9 },
	[WIRE_NOT_FOUND] = { "not_found", 9 },
	[WIRE_CONFLICT] = { "conflict", 8 },
	[WIRE_LIMIT_REACHED] = { "limit_reached", 13 },
	[WIRE_INVALID_POLICY] = { "invalid_policy", 14 },
	[WIRE_OVERLOADED] = { "overloaded", 10 },
	[WIRE_STALE] = { "stale", 5 },
	[WIRE_UNAVAILABLE] = { "unavailable", 11 },
};

enum { CODE_COUNT = sizeof code_names / sizeof code_names[0] };

const char *wire_code_name(enum wire_code code)
{
	if ((unsigned)code >= CODE_COUNT) {
		code = WIRE_INTERNAL;
	}
	return code_names[code].ptr;
}

enum wire_code wire_code_find(struct wire_str name)
{
	for (unsigned i = 0; i < CODE_COUNT; i++) {
		if (wire_str_equal(code_names[i], name)) {
			return (enum wire_code)i;
		}
	}
	return WIRE_INTERNAL;
}

/* The length to truncate UTF-8 text to, so that at most max bytes of whole characters are left. */
static size_t cut_len(const char *text, size_t len, size_t max)
{
	if (len <= max) {
		return len;
	}
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80) {
		max--;
	}
	return max;
}

/* Copies text into a field of size bytes, truncated between characters; empty when not UTF-8. */
static void copy_text(char *field, size_t size, struct wire_str text)
{
	size_t len = 0;

	if (text.len > 0 && wire_is_utf8(text)) {
		len = cut_len(text.ptr, text.len, size - 1);
		memcpy(field, text.ptr, len);
	}
	field[len] = '\0';
}

void wire_error_set(struct wire_error *error, enum wire_code code, struct wire_str param,
	const char *format, ...)
{
	/* Space for one character more than fits, so that copy_text truncates between characters.
	 */
	char text[WIRE_MESSAGE_SIZE + 4];
	size_t named = 0;
	va_list args;
	int len;

	va_start(args, format);
	if (param.len > 0 && param.len < WIRE_PARAM_SIZE && wire_is_utf8(param)) {
		named = (size_t)snprintf(text, sizeof text, "%.*s: ", (int)param.len, param.ptr);
	}
	len = vsnprintf(text + named, sizeof text - named, format, args);
	va_end(args);
	len = len < 0 ? (int)named : len + (int)named;
	if ((size_t)len >= sizeof text) {
		len = (int)cut_len(text, sizeof text - 1, sizeof text - 4);
	}
	error->code = code;
	copy_text(error->param, sizeof error->param, param);
	copy_text(error->message, sizeof error->message, (struct wire_str){ text, (size_t)len });
}

/* Fills the error of a malformed message, which ends its connection. */
static int bad_shape(struct wire_error *err, const char *what)
{
	wire_error_set(err, WIRE_INVALID_REQUEST, (struct wire_str){ NULL, 0 },
		"%s; a request is [0, id, method, [params]]", what);
	return WIRE_ESHAPE;
}

/* Decodes the last element of a request: an array of one map, or empty. */
static int decode_param_list(
	struct wire_cursor *cursor, struct wire_cursor *out, struct wire_error *err)
{
	struct wire_cursor map = { NULL, NULL };
	struct wire_cursor probe;
	uint32_t count, pairs;

	if (!wire_head_array(cursor, &count)) {
		return bad_shape(err, "the parameters are not an array");
	}
	/* The message was walked, so the rest of it holds exactly count values. */
	if (count == 0 && !wire_at_end(cursor)) {
		return bad_shape(err, "bytes follow the message");
	}
	if (count > 0) {
		map = *cursor;
	}
	probe = map;
	if (count > 1 || (count == 1 && !wire_head_map(&probe, &pairs))) {
		wire_error_set(err, WIRE_INVALID_REQUEST, (struct wire_str){ NULL, 0 },
			"parameters are one map or none: [{name: value, ...}] or []");
		return WIRE_EPARAM;
	}
	*out = map;
	return WIRE_OK;
}

int wire_decode_request(
	const uint8_t *bytes, size_t len, struct wire_request *out, struct wire_error *err)
{
	struct wire_cursor cursor = wire_cursor_of(bytes, len);
	struct wire_request request = { .id = 0 };
	uint32_t count;
	int64_t type = -1, id;
	int r;

	*out = request;
	if (!wire_head_array(&cursor, &count)) {
		return bad_shape(err, "the message is not an array");
	}
	if (count != 4) {
		return bad_shape(err, "the message does not have four elements");
	}
	if (!wire_head_int(&cursor, &type) && !wire_skip(&cursor)) {
		return bad_shape(err, "the message is incomplete");
	}
	if (!wire_head_int(&cursor, &id) || id < 0 || id > UINT32_MAX) {
		return bad_shape(err, "the id is not an unsigned 32-bit integer");
	}
	out->id = request.id = (uint32_t)id;
	out->has_id = request.has_id = true;
	if (type != 0) {
		return bad_shape(err, "the type of the message is not 0");
	}
	if (!wire_head_text(&cursor, &request.method)) {
		return bad_shape(err, "the method is not text");
	}
	r = decode_param_list(&cursor, &request.params, err);
	if (r != WIRE_OK) {
		return r;
	}
	if (!wire_is_utf8(request.method)) {
		wire_error_set(err, WIRE_INVALID_REQUEST, WIRE_STR("method"),
			"the method's name is not UTF-8");
		return WIRE_EPARAM;
	}
	*out = request;
	return WIRE_OK;
}

int wire_decode_response(const uint8_t *bytes, size_t len, struct wire_response *out)
{
	struct wire_cursor cursor = wire_cursor_of(bytes, len);
	struct wire_response response = { .id = 0 };
	struct wire_cursor error, result;
	uint32_t count;
	int64_t type, id;

	if (!wire_read_array(&cursor, &count) || count != 4 || !wire_read_int(&cursor, &type) ||
		type != 1) {
		return WIRE_ESHAPE;
	}
	if (!wire_read_nil(&cursor)) {
		if (!wire_read_int(&cursor, &id) || id < 0 || id > UINT32_MAX) {
			return WIRE_ESHAPE;
		}
		response.id = (uint32_t)id;
		response.has_id = true;
	}
	if (!wire_take(&cursor, &error) || wire_at_end(&cursor)) {
		return WIRE_ESHAPE;
	}
	/* The message was walked, so the rest of it is one value. */
	result = cursor;
	response.failed = wire_peek(&error) != WIRE_NIL;
	if (response.failed && !(wire_read_nil(&cursor) && wire_at_end(&cursor))) {
		return WIRE_ESHAPE;
	}
	response.value = response.failed ? error : result;
	*out = response;
	return WIRE_OK;
}

void wire_decode_error(struct wire_cursor value, struct wire_error *out)
{
	uint32_t pairs;

	*out = (struct wire_error){ .code = WIRE_INTERNAL };
	if (!wire_read_map(&value, &pairs)) {
		return;
	}
	for (uint32_t i = 0; i < pairs; i++) {
		struct wire_str key, text;

		if (!wire_read_text(&value, &key)) {
			return;
		}
		if (!wire_read_text(&value, &text)) {
			if (!wire_skip(&value)) {
				return;
			}
			continue;
		}
		if (wire_str_equal(key, WIRE_STR("code"))) {
			out->code = wire_code_find(text);
		} else if (wire_str_equal(key, WIRE_STR("message"))) {
			copy_text(out->message, sizeof out->message, text);
		} else if (wire_str_equal(key, WIRE_STR("param"))) {
			copy_text(out->param, sizeof out->param, text);
		}
	}
}
