/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/json_read.h"

#include <stdint.h>
#include <string.h>

static bool fail(struct json_read *read, const char *wrong)
{
	if (read->wrong == NULL) {
		read->wrong = wrong;
	}
	return false;
}

static void skip_space(struct json_read *read)
{
	while (read->at < read->end &&
		(*read->at == ' ' || *read->at == '\t' || *read->at == '\r' || *read->at == '\n')) {
		read->at++;
	}
}

static bool take(struct json_read *read, char c)
{
	skip_space(read);
	if (read->at == read->end || *read->at != c) {
		return false;
	}
	read->at++;
	return true;
}

void json_read_init(struct json_read *read, struct pol_str text, struct pol_arena *arena)
{
	*read = (struct json_read){ .at = text.ptr, .end = text.ptr + text.len, .arena = arena };
}

bool json_read_open(struct json_read *read)
{
	return take(read, '{') || fail(read, "is no JSON object");
}

bool json_read_key(struct json_read *read, bool first, struct pol_str *out)
{
	if (read->wrong != NULL || take(read, '}')) {
		return false;
	}
	if (!first && !take(read, ',')) {
		return fail(read, "wants a comma or the object's end");
	}
	if (!json_read_str(read, out)) {
		return fail(read, "wants a name in quotes");
	}
	return take(read, ':') || fail(read, "wants a colon behind a name");
}

bool json_read_end(struct json_read *read)
{
	skip_space(read);
	return read->wrong == NULL &&
	       (read->at == read->end || fail(read, "goes on behind the object"));
}

bool json_read_is_str(struct json_read *read)
{
	skip_space(read);
	return read->at < read->end && *read->at == '"';
}

/* --- texts ------------------------------------------------------------------------------------ */

static bool read_hex4(struct json_read *read, uint32_t *out)
{
	uint32_t value = 0;

	if (read->end - read->at < 4) {
		return false;
	}
	for (int i = 0; i < 4; i++) {
		char c = *read->at++;
		char lower = (char)(c | 0x20);

		if (c >= '0' && c <= '9') {
			value = value << 4 | (uint32_t)(c - '0');
		} else if (lower >= 'a' && lower <= 'f') {
			value = value << 4 | (uint32_t)(lower - 'a' + 10);
		} else {
			return false;
		}
	}
	*out = value;
	return true;
}

static char *put_point(char *to, uint32_t point)
{
	if (point < 0x80) {
		*to++ = (char)point;
	} else if (point < 0x800) {
		*to++ = (char)(0xc0 | point >> 6);
		*to++ = (char)(0x80 | (point & 0x3f));
	} else if (point < 0x10000) {
		*to++ = (char)(0xe0 | point >> 12);
		*to++ = (char)(0x80 | (point >> 6 & 0x3f));
		*to++ = (char)(0x80 | (point & 0x3f));
	} else {
		*to++ = (char)(0xf0 | point >> 18);
		*to++ = (char)(0x80 | (point >> 12 & 0x3f));
		*to++ = (char)(0x80 | (point >> 6 & 0x3f));
		*to++ = (char)(0x80 | (point & 0x3f));
	}
	return to;
}

/* Behind \u; a pair of surrogates is one code point, half a pair is none. */
static bool read_point(struct json_read *read, uint32_t *out)
{
	uint32_t low;

	if (!read_hex4(read, out) || (*out >= 0xdc00 && *out < 0xe000)) {
		return false;
	}
	if (*out < 0xd800 || *out >= 0xe000) {
		return true;
	}
	if (read->end - read->at < 2 || read->at[0] != '\\' || read->at[1] != 'u') {
		return false;
	}
	read->at += 2;
	if (!read_hex4(read, &low) || low < 0xdc00 || low >= 0xe000) {
		return false;
	}
	*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

/* Behind the backslash. */
static bool read_escape(struct json_read *read, char **to)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;
	uint32_t point;
	char c;

	if (read->at == read->end) {
		return false;
	}
	c = *read->at++;
	if (c == 'u') {
		if (!read_point(read, &point)) {
			return false;
		}
		*to = put_point(*to, point);
		return true;
	}
	name = c != '\0' ? strchr(names, c) : NULL;
	if (name == NULL) {
		return false;
	}
	*(*to)++ = values[name - names];
	return true;
}

bool json_read_str(struct json_read *read, struct pol_str *out)
{
	char *text, *to;

	if (!take(read, '"')) {
		return fail(read, "wants a text in quotes");
	}
	/* No escape is shorter than what it stands for. */
	text = pol_arena_alloc(read->arena, (size_t)(read->end - read->at) + 1, 1);
	if (text == NULL) {
		return fail(read, "is too much for the memory there is");
	}
	to = text;
	while (read->at < read->end && *read->at != '"') {
		char c = *read->at++;

		if ((unsigned char)c < 0x20) {
			return fail(read, "has a control character in a text");
		}
		if (c != '\\') {
			*to++ = c;
		} else if (!read_escape(read, &to)) {
			return fail(read, "has a wrong escape in a text");
		}
	}
	if (read->at == read->end) {
		return fail(read, "has a text that does not end");
	}
	read->at++;
	*out = (struct pol_str){ text, (size_t)(to - text) };
	return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool read_word(struct json_read *read, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(read->end - read->at) < len || memcmp(read->at, word, len) != 0) {
		return false;
	}
	read->at += len;
	return true;
}

static bool read_number(struct json_read *read, struct wire_buf *out)
{
	bool negative = *read->at == '-';
	int64_t value = 0;
	unsigned digits = 0;

	read->at += negative;
	for (; read->at < read->end && *read->at >= '0' && *read->at <= '9'; digits++) {
		if (digits == 18) {
			return fail(read, "has a number that is too large");
		}
		value = value * 10 + (*read->at++ - '0');
	}
	if (digits == 0) {
		return fail(read, "has something that is no JSON value");
	}
	if (read->at < read->end && (*read->at == '.' || (*read->at | 0x20) == 'e')) {
		return fail(read, "has a number that is no integer");
	}
	wire_put_int(out, negative ? -value : value);
	return true;
}

static bool read_value(struct json_read *read, struct wire_buf *out, unsigned depth);

static bool read_array(struct json_read *read, struct wire_buf *out, unsigned depth)
{
	size_t mark = wire_open_array(out);
	uint32_t count = 0;

	while (!take(read, ']')) {
		if (count > 0 && !take(read, ',')) {
			return fail(read, "wants a comma or the list's end");
		}
		if (!read_value(read, out, depth + 1)) {
			return false;
		}
		count++;
	}
	wire_close_array(out, mark, count);
	return true;
}

static bool read_object(struct json_read *read, struct wire_buf *out, unsigned depth)
{
	size_t mark = wire_open_map(out);
	struct pol_str key = { 0 };
	uint32_t count = 0;

	while (json_read_key(read, count == 0, &key)) {
		wire_put_str(out, (struct wire_str){ key.ptr, key.len });
		if (!read_value(read, out, depth + 1)) {
			return false;
		}
		count++;
	}
	wire_close_map(out, mark, count);
	return read->wrong == NULL;
}

static bool read_value(struct json_read *read, struct wire_buf *out, unsigned depth)
{
	struct pol_str text = { 0 };

	if (depth == JSON_READ_DEPTH) {
		return fail(read, "is nested too deeply");
	}
	if (json_read_is_str(read)) {
		if (!json_read_str(read, &text)) {
			return false;
		}
		wire_put_str(out, (struct wire_str){ text.ptr, text.len });
		return true;
	}
	if (take(read, '[')) {
		return read_array(read, out, depth);
	}
	if (take(read, '{')) {
		return read_object(read, out, depth);
	}
	if (read->at == read->end) {
		return fail(read, "ends too early");
	}
	if (read_word(read, "true") || read_word(read, "false")) {
		wire_put_bool(out, read->at[-2] == 'u');
		return true;
	}
	if (read_word(read, "null")) {
		wire_put_nil(out);
		return true;
	}
	return read_number(read, out);
}

bool json_read_value(struct json_read *read, struct wire_buf *out)
{
	return read->wrong == NULL && read_value(read, out, 0);
}
