/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text/timetext.h"
#include "tools/text.h"

bool json_init(struct json *json)
{
	*json = (struct json){ 0 };
	json->file = open_memstream(&json->text, &json->len);
	return json->file != NULL;
}

void json_finish(struct json *json)
{
	if (json->file != NULL) {
		fclose(json->file);
	}
	free(json->text);
	*json = (struct json){ 0 };
}

bool json_reset(struct json *json)
{
	json_finish(json);
	return json_init(json);
}

bool json_print(struct json *json, FILE *file)
{
	if (json->file == NULL || fflush(json->file) != 0 || ferror(json->file)) {
		return false;
	}
	if (json->len == 0) {
		return true;
	}
	return fwrite(json->text, 1, json->len, file) == json->len && fputc('\n', file) != EOF;
}

static void newline(struct json *json)
{
	fprintf(json->file, "\n%*s", 2 * (int)json->depth, "");
}

/* What stands between the value before and this one. */
static void begin_value(struct json *json)
{
	if (json->keyed) {
		json->keyed = false;
		return;
	}
	if (json->depth == 0) {
		return;
	}
	if (json->filled[json->depth]) {
		fputc(',', json->file);
	}
	json->filled[json->depth] = true;
	newline(json);
}

void json_open(struct json *json, char bracket)
{
	begin_value(json);
	fputc(bracket, json->file);
	if (json->depth + 1 < JSON_MAX_DEPTH) {
		json->depth++;
	}
	json->filled[json->depth] = false;
}

void json_close(struct json *json, char bracket)
{
	bool filled = json->filled[json->depth];

	if (json->depth > 0) {
		json->depth--;
	}
	if (filled) {
		newline(json);
	}
	fputc(bracket, json->file);
}

static void put_quoted(struct json *json, struct pol_str str)
{
	fputc('"', json->file);
	while (str.len > 0) {
		size_t len;
		uint32_t code = text_decode(str, &len);

		if (code == '"' || code == '\\') {
			fprintf(json->file, "\\%c", (int)code);
		} else if (code == '\n') {
			fputs("\\n", json->file);
		} else if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) {
			fprintf(json->file, "\\u%04x", (unsigned)code);
		} else if (code == 0xfffd) {
			fputs("\xef\xbf\xbd", json->file);
		} else {
			fwrite(str.ptr, 1, len, json->file);
		}
		str.ptr += len;
		str.len -= len;
	}
	fputc('"', json->file);
}

void json_key(struct json *json, const char *key)
{
	begin_value(json);
	put_quoted(json, pol_str_of(key));
	fputs(": ", json->file);
	json->keyed = true;
}

void json_str(struct json *json, struct pol_str str)
{
	begin_value(json);
	put_quoted(json, str);
}

void json_text(struct json *json, const char *text)
{
	if (text == NULL) {
		begin_value(json);
		fputs("null", json->file);
	} else {
		json_str(json, pol_str_of(text));
	}
}

void json_int(struct json *json, int64_t value)
{
	begin_value(json);
	fprintf(json->file, "%" PRId64, value);
}

void json_bool(struct json *json, bool value)
{
	begin_value(json);
	fputs(value ? "true" : "false", json->file);
}

void json_time(struct json *json, int64_t time)
{
	char text[POL_TIME_TEXT];

	if (pol_timetext_format(time, text) == POL_OK) {
		json_text(json, text);
	} else {
		json_int(json, time);
	}
}

void json_pair(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_text(json, text);
}

void json_pair_int(struct json *json, const char *key, int64_t value)
{
	json_key(json, key);
	json_int(json, value);
}

/* The protocol's times are ints; their names tell them from other numbers. */
static bool is_time(struct wire_str key)
{
	static const char *const names[] = { "not_before", "until", "retiring_until",
		"pending_until", "renew_by", "when", "time" };
	static const struct wire_str suffix = { "_at", 3 };

	if (key.len > suffix.len &&
		memcmp(key.ptr + key.len - suffix.len, suffix.ptr, suffix.len) == 0) {
		return true;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (key.len == strlen(names[i]) && memcmp(key.ptr, names[i], key.len) == 0) {
			return true;
		}
	}
	return false;
}

static void put_value(struct json *json, struct wire_cursor *cursor, bool time);

static void put_pairs(
	struct json *json, struct wire_cursor *cursor, uint32_t count, const char *except)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wire_str key;

		if (!wire_read_text(cursor, &key)) {
			return;
		}
		if (except != NULL && key.len == strlen(except) &&
			memcmp(key.ptr, except, key.len) == 0) {
			wire_skip(cursor);
			continue;
		}
		begin_value(json);
		put_quoted(json, (struct pol_str){ key.ptr, key.len });
		fputs(": ", json->file);
		json->keyed = true;
		put_value(json, cursor, is_time(key));
	}
}

static void put_array(struct json *json, struct wire_cursor *cursor)
{
	uint32_t count = 0;

	wire_read_array(cursor, &count);
	json_open(json, '[');
	for (uint32_t i = 0; i < count && !wire_at_end(cursor); i++) {
		put_value(json, cursor, false);
	}
	json_close(json, ']');
}

static void put_map(struct json *json, struct wire_cursor *cursor)
{
	uint32_t count = 0;

	wire_read_map(cursor, &count);
	json_open(json, '{');
	put_pairs(json, cursor, count, NULL);
	json_close(json, '}');
}

/* Depth is bounded: what came was walked, to WIRE_MAX_DEPTH. */
static void put_value(struct json *json, struct wire_cursor *cursor, bool time)
{
	struct wire_str text;
	int64_t integer;
	bool boolean;

	if (wire_read_text(cursor, &text)) {
		json_str(json, (struct pol_str){ text.ptr, text.len });
	} else if (wire_read_int(cursor, &integer)) {
		if (time) {
			json_time(json, integer);
		} else {
			json_int(json, integer);
		}
	} else if (wire_read_bool(cursor, &boolean)) {
		json_bool(json, boolean);
	} else if (wire_peek(cursor) == WIRE_ARRAY) {
		put_array(json, cursor);
	} else if (wire_peek(cursor) == WIRE_MAP) {
		put_map(json, cursor);
	} else {
		json_text(json, NULL);
		wire_skip(cursor);
	}
}

void json_wire(struct json *json, struct wire_cursor value)
{
	put_value(json, &value, false);
}

void json_wire_pairs(struct json *json, struct wire_cursor map, const char *except)
{
	uint32_t count = 0;

	if (wire_read_map(&map, &count)) {
		put_pairs(json, &map, count, except);
	}
}
