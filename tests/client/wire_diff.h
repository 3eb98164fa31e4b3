/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * wire_diff: compares our cursor with msgpack-c's unpacker on the same bytes, for tests and fuzz
 * targets. The bytes must have been walked, because msgpack-c allocates what a header claims.
 */

#include <string.h>

#include <msgpack.h>

#include "client/wire.h"

static inline bool wire_diff_value(struct wire_cursor *cursor, const msgpack_object *object);

static inline bool wire_diff_text(struct wire_cursor *cursor, const void *ptr, size_t len)
{
	struct wire_str text;

	return wire_read_text(cursor, &text) && text.len == len &&
	       (len == 0 || memcmp(text.ptr, ptr, len) == 0);
}

static inline bool wire_diff_int(struct wire_cursor *cursor, const msgpack_object *object)
{
	int64_t value;
	bool readable = wire_read_int(cursor, &value);

	if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 > INT64_MAX) {
		return !readable && wire_peek(cursor) == WIRE_INT && wire_skip(cursor);
	}
	return readable && value == object->via.i64;
}

static inline bool wire_diff_array(struct wire_cursor *cursor, const msgpack_object_array *array)
{
	uint32_t count;

	if (!wire_read_array(cursor, &count) || count != array->size) {
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!wire_diff_value(cursor, &array->ptr[i])) {
			return false;
		}
	}
	return true;
}

static inline bool wire_diff_map(struct wire_cursor *cursor, const msgpack_object_map *map)
{
	uint32_t count;

	if (!wire_read_map(cursor, &count) || count != map->size) {
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!wire_diff_value(cursor, &map->ptr[i].key) ||
			!wire_diff_value(cursor, &map->ptr[i].val)) {
			return false;
		}
	}
	return true;
}

static inline bool wire_diff_value(struct wire_cursor *cursor, const msgpack_object *object)
{
	bool truth;

	switch (object->type) {
	case MSGPACK_OBJECT_NIL:
		return wire_read_nil(cursor);
	case MSGPACK_OBJECT_BOOLEAN:
		return wire_read_bool(cursor, &truth) && truth == object->via.boolean;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return wire_diff_int(cursor, object);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return wire_peek(cursor) == WIRE_FLOAT && wire_skip(cursor);
	case MSGPACK_OBJECT_STR:
		return wire_diff_text(cursor, object->via.str.ptr, object->via.str.size);
	case MSGPACK_OBJECT_BIN:
		return wire_diff_text(cursor, object->via.bin.ptr, object->via.bin.size);
	case MSGPACK_OBJECT_EXT:
		return wire_peek(cursor) == WIRE_EXT && wire_skip(cursor);
	case MSGPACK_OBJECT_ARRAY:
		return wire_diff_array(cursor, &object->via.array);
	case MSGPACK_OBJECT_MAP:
		return wire_diff_map(cursor, &object->via.map);
	}
	return false;
}

/* True when msgpack-c also reads these bytes as one value of len bytes, with the same content. */
static inline bool wire_diff_same(const uint8_t *bytes, size_t len)
{
	struct wire_cursor cursor = wire_cursor_of(bytes, len);
	struct wire_cursor skipper = cursor;
	msgpack_unpacked unpacked;
	size_t off = 0;
	bool same;

	msgpack_unpacked_init(&unpacked);
	same = msgpack_unpack_next(&unpacked, (const char *)bytes, len, &off) ==
		       MSGPACK_UNPACK_SUCCESS &&
	       off == len && wire_diff_value(&cursor, &unpacked.data) && wire_at_end(&cursor) &&
	       wire_skip(&skipper) && wire_at_end(&skipper);
	msgpack_unpacked_destroy(&unpacked);
	return same;
}
