/* SPDX-License-Identifier: Apache-2.0 */
#include "client/wire.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "client/wire_head.h"

/* No parameter's name is longer, and every token is. */
enum { NAME_MAX_SHOWN = 24 };

/* The kinds as messages name them. */
static const char *const kind_names[] = {
	[WIRE_KIND_NONE] = "absent",
	[WIRE_KIND_TEXT] = "text in UTF-8",
	[WIRE_KIND_INT] = "an integer",
	[WIRE_KIND_BOOL] = "true or false",
	[WIRE_KIND_TIME] = "a time: an integer of Unix seconds, at most the year 9999",
	[WIRE_KIND_DURATION] = "a duration: seconds above 0, or text such as 90s, 15m, 12h or 30d",
	[WIRE_KIND_TEXTS] = "an array of text in UTF-8",
	[WIRE_KIND_MAPS] = "an array of maps",
	[WIRE_KIND_TEXT_MAP] = "a map of text to text in UTF-8, at most 64 names, each once",
	[WIRE_KIND_MAP] = "a map",
	[WIRE_KIND_BYTES] = "bytes",
};

bool wire_parse_duration(struct wire_str text, int64_t *out_seconds)
{
	int64_t unit, seconds = 0;

	if (text.len < 2) {
		return false;
	}
	switch (text.ptr[text.len - 1]) {
	case 's':
		unit = 1;
		break;
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	default:
		return false;
	}
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return false;
		}
		seconds = seconds * 10 + (text.ptr[i] - '0');
		if (seconds > WIRE_MAX_DURATION / unit) {
			return false;
		}
	}
	if (seconds == 0) {
		return false;
	}
	*out_seconds = seconds * unit;
	return true;
}

static inline bool decode_text(struct wire_cursor *cursor, struct wire_str *out)
{
	return wire_head_text(cursor, out) && wire_is_utf8(*out);
}

static bool decode_duration(struct wire_cursor *cursor, int64_t *out)
{
	struct wire_str text;

	if (wire_read_text(cursor, &text)) {
		return wire_parse_duration(text, out);
	}
	return wire_read_int(cursor, out) && *out > 0 && *out <= WIRE_MAX_DURATION;
}

/* Checks all items of a list, so that reading them later cannot fail. */
static bool decode_list(struct wire_cursor *cursor, enum wire_kind kind, struct wire_value *value)
{
	struct wire_cursor map;
	struct wire_str text;
	uint32_t pairs;

	if (!wire_read_array(cursor, &value->count)) {
		return false;
	}
	value->items.ptr = cursor->ptr;
	for (uint32_t i = 0; i < value->count; i++) {
		if (kind == WIRE_KIND_TEXTS
				? !decode_text(cursor, &text)
				: !wire_take(cursor, &map) || !wire_head_map(&map, &pairs)) {
			value->count = i;
			return false;
		}
	}
	value->items.end = cursor->ptr;
	return true;
}

/* True when one of the first count names is the same. There are at most WIRE_MAX_PAIRS. */
static bool name_seen(struct wire_cursor items, uint32_t count, struct wire_str name)
{
	struct wire_str key, text;

	for (uint32_t i = 0; i < count && wire_next_pair(&items, &key, &text); i++) {
		if (wire_str_equal(key, name)) {
			return true;
		}
	}
	return false;
}

static bool decode_text_map(struct wire_cursor *cursor, struct wire_value *value)
{
	struct wire_str key, text;

	if (!wire_read_map(cursor, &value->count) || value->count > WIRE_MAX_PAIRS) {
		return false;
	}
	value->items = *cursor;
	for (uint32_t i = 0; i < value->count; i++) {
		if (!decode_text(cursor, &key) || !decode_text(cursor, &text) ||
			name_seen(value->items, i, key)) {
			return false;
		}
	}
	value->items.end = cursor->ptr;
	return true;
}

/* The last value of all ends with them, and need not be skipped to find its end. */
static bool decode_map(struct wire_cursor *cursor, bool last, struct wire_value *value)
{
	if (last) {
		value->items = *cursor;
		cursor->ptr = cursor->end;
	} else if (!wire_take(cursor, &value->items)) {
		return false;
	}
	return wire_head_map(&value->items, &value->count);
}

/* last: no other value follows in the cursor. */
static bool decode_other(struct wire_cursor *cursor, const struct wire_field *field, bool last,
	struct wire_value *value)
{
	if ((field->flags & WIRE_OR_NIL) != 0 && wire_read_nil(cursor)) {
		value->nil = true;
		return true;
	}
	switch (field->kind) {
	case WIRE_KIND_TEXT:
		return decode_text(cursor, &value->text);
	case WIRE_KIND_INT:
		return wire_read_int(cursor, &value->integer);
	case WIRE_KIND_BOOL:
		return wire_read_bool(cursor, &value->boolean);
	case WIRE_KIND_TIME:
		return wire_read_int(cursor, &value->integer) && value->integer >= 0 &&
		       value->integer <= WIRE_MAX_TIME;
	case WIRE_KIND_DURATION:
		return decode_duration(cursor, &value->integer);
	case WIRE_KIND_TEXTS:
	case WIRE_KIND_MAPS:
		return decode_list(cursor, field->kind, value);
	case WIRE_KIND_TEXT_MAP:
		return decode_text_map(cursor, value);
	case WIRE_KIND_MAP:
		return decode_map(cursor, last, value);
	case WIRE_KIND_BYTES:
		return wire_head_text(cursor, &value->text);
	case WIRE_KIND_NONE:
		break;
	}
	return false;
}

/* Most values are text. */
static inline bool decode_value(struct wire_cursor *cursor, const struct wire_field *field,
	bool last, struct wire_value *value)
{
	*value = (struct wire_value){ .given = true };
	return field->kind == WIRE_KIND_TEXT && (field->flags & WIRE_OR_NIL) == 0
		       ? decode_text(cursor, &value->text)
		       : decode_other(cursor, field, last, value);
}

/* The index of the field of that name, searched from `from` to the end and then from the beginning;
 * count when there is none. */
static size_t find_field(
	const struct wire_field *fields, size_t count, size_t from, struct wire_str name)
{
	for (size_t i = from; i < count; i++) {
		if (fields[i].name.len == name.len &&
			memcmp(fields[i].name.ptr, name.ptr, name.len) == 0) {
			return i;
		}
	}
	for (size_t i = 0; i < from; i++) {
		if (fields[i].name.len == name.len &&
			memcmp(fields[i].name.ptr, name.ptr, name.len) == 0) {
			return i;
		}
	}
	return count;
}

static int bad_name(struct wire_error *err, struct wire_str name, const char *what)
{
	wire_error_set(err, WIRE_INVALID_REQUEST, name, "%s", what);
	return WIRE_EPARAM;
}

/* A token given as a parameter's name must not appear in the answer. Only text that could be the
 * name of a parameter is repeated. */
static bool looks_like_name(struct wire_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_') {
			return false;
		}
	}
	return name.len > 0 && name.len <= NAME_MAX_SHOWN;
}

static int unknown_name(struct wire_error *err, struct wire_str name)
{
	if (looks_like_name(name)) {
		return bad_name(err, name, "unknown parameter");
	}
	return bad_name(err, (struct wire_str){ NULL, 0 },
		"unknown parameter: names consist of a-z and _, at most 24 bytes");
}

/* Fills the error of a bad value; in a list, value->count is the index of the bad item. */
static int bad_value(
	struct wire_error *err, const struct wire_field *field, const struct wire_value *value)
{
	bool maps = field->kind == WIRE_KIND_MAPS;
	char name[WIRE_PARAM_SIZE];
	int len;

	if ((!maps && field->kind != WIRE_KIND_TEXTS) || value->items.ptr == NULL) {
		wire_error_set(err, WIRE_INVALID_REQUEST, field->name, "must be %s",
			kind_names[field->kind]);
		return WIRE_EPARAM;
	}
	len = snprintf(name, sizeof name, "%.*s[%u]", (int)field->name.len, field->name.ptr,
		(unsigned)value->count);
	wire_error_set(err, WIRE_INVALID_REQUEST, (struct wire_str){ name, (size_t)len },
		"must be %s", maps ? "a map" : kind_names[WIRE_KIND_TEXT]);
	return WIRE_EPARAM;
}

/* Reads the map at the cursor into overlay->values, and which of them it gave into overlay->own.
 * alone: the cursor ends with the map. */
static inline __attribute__((always_inline)) int read_params(struct wire_cursor *params, bool alone,
	struct wire_overlay *overlay, struct wire_error *err)
{
	const struct wire_field *fields = overlay->fields;
	struct wire_value *values = overlay->values;
	size_t count = overlay->count, next = 0;
	uint64_t seen = 0;
	uint32_t pairs = 0;

	if (!wire_at_end(params) && !wire_head_map(params, &pairs)) {
		return bad_name(err, (struct wire_str){ NULL, 0 }, "parameters are not a map");
	}
	for (uint32_t i = 0; i < pairs; i++) {
		struct wire_str name;
		size_t at;

		if (!wire_head_text(params, &name)) {
			return bad_name(err, (struct wire_str){ NULL, 0 },
				"a parameter's name is not text");
		}
		at = find_field(fields, count, next, name);
		if (at == count) {
			return unknown_name(err, name);
		}
		if ((seen >> at & 1) != 0) {
			return bad_name(err, name, "the parameter is given twice");
		}
		seen |= UINT64_C(1) << at;
		next = at + 1;
		if (!decode_value(params, &fields[at], alone && i + 1 == pairs, &values[at])) {
			return bad_value(err, &fields[at], &values[at]);
		}
	}
	overlay->own = seen;
	return WIRE_OK;
}

static int missing_name(struct wire_error *err, struct wire_str name)
{
	return bad_name(err, name, "a required parameter is missing");
}

int wire_decode_params(struct wire_cursor params, const struct wire_field *fields, size_t count,
	struct wire_value *values, struct wire_error *err)
{
	struct wire_overlay overlay = { .fields = fields, .values = values, .count = count };
	int r;

	assert(count <= WIRE_MAX_FIELDS);
	memset(values, 0, count * sizeof *values);
	r = read_params(&params, true, &overlay, err);
	if (r != WIRE_OK) {
		return r;
	}
	for (size_t i = 0; i < count; i++) {
		if ((fields[i].flags & WIRE_REQUIRED) != 0 && !values[i].given) {
			return missing_name(err, fields[i].name);
		}
	}
	return WIRE_OK;
}

void wire_overlay_init(struct wire_overlay *overlay, const struct wire_field *fields, size_t count,
	const struct wire_value *shared, struct wire_value *values)
{
	assert(count <= WIRE_MAX_FIELDS);
	*overlay = (struct wire_overlay){
		.fields = fields, .shared = shared, .values = values, .count = count
	};
	memcpy(values, shared, count * sizeof *values);
	for (size_t i = 0; i < count; i++) {
		if ((fields[i].flags & WIRE_REQUIRED) != 0 && !shared[i].given) {
			overlay->required |= UINT64_C(1) << i;
		}
	}
}

/* The number of the lowest bit that is set. */
static inline unsigned lowest(uint64_t bits)
{
	return (unsigned)__builtin_ctzll(bits);
}

int wire_overlay_next(
	struct wire_overlay *overlay, struct wire_cursor *items, struct wire_error *err)
{
	int r;

	/* Those that the entry before gave are the shared ones again. */
	for (uint64_t own = overlay->own; own != 0; own &= own - 1) {
		overlay->values[lowest(own)] = overlay->shared[lowest(own)];
	}
	r = read_params(items, false, overlay, err);
	if (r == WIRE_OK && (overlay->required & ~overlay->own) != 0) {
		r = missing_name(
			err, overlay->fields[lowest(overlay->required & ~overlay->own)].name);
	}
	return r;
}

bool wire_next_text(struct wire_cursor *items, struct wire_str *out)
{
	return wire_head_text(items, out);
}

bool wire_next_map(struct wire_cursor *items, struct wire_cursor *out)
{
	return wire_take(items, out);
}

bool wire_next_pair(struct wire_cursor *items, struct wire_str *out_key, struct wire_str *out_text)
{
	return wire_head_text(items, out_key) && wire_head_text(items, out_text);
}
