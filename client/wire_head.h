/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * wire_head: reads one MessagePack header. Inline, because reading spends most of its time here:
 * for the files of wire, and for what reads the facts of a request.
 */

#include "client/wire.h"

struct wire_head {
	enum wire_type type;
	bool overflow;  /* WIRE_INT: beyond int64_t */
	uint32_t size;  /* bytes of the header, an integer's or float's value included */
	uint64_t skip;  /* bytes of content that follow it */
	uint64_t kids;  /* values that follow it as items of an array or map */
	uint64_t value; /* of an integer (two's complement) or bool */
};

/* For first bytes from 0xc0 to 0xdf: the type, and how many bytes of length or value follow. */
static const uint8_t wire_head_type[32] = {
	WIRE_NIL, WIRE_NONE, WIRE_BOOL, WIRE_BOOL,        /* c0 */
	WIRE_TEXT, WIRE_TEXT, WIRE_TEXT, WIRE_EXT,        /* c4: bin 8, 16, 32; c7: ext 8 */
	WIRE_EXT, WIRE_EXT, WIRE_FLOAT, WIRE_FLOAT,       /* c8: ext 16, 32 */
	WIRE_INT, WIRE_INT, WIRE_INT, WIRE_INT,           /* cc: unsigned 8, 16, 32, 64 */
	WIRE_INT, WIRE_INT, WIRE_INT, WIRE_INT,           /* d0: signed */
	WIRE_EXT, WIRE_EXT, WIRE_EXT, WIRE_EXT, WIRE_EXT, /* d4: fixed ext 1, 2, 4, 8, 16 */
	WIRE_TEXT, WIRE_TEXT, WIRE_TEXT,                  /* d9: str 8, 16, 32 */
	WIRE_ARRAY, WIRE_ARRAY, WIRE_MAP, WIRE_MAP,       /* dc: array, map 16, 32 */
};
static const uint8_t wire_head_width[32] = {
	[0x04] = 1,
	[0x05] = 2,
	[0x06] = 4,
	[0x07] = 1,
	[0x08] = 2,
	[0x09] = 4,
	[0x0a] = 4,
	[0x0b] = 8,
	[0x0c] = 1,
	[0x0d] = 2,
	[0x0e] = 4,
	[0x0f] = 8,
	[0x10] = 1,
	[0x11] = 2,
	[0x12] = 4,
	[0x13] = 8,
	[0x19] = 1,
	[0x1a] = 2,
	[0x1b] = 4,
	[0x1c] = 2,
	[0x1d] = 4,
	[0x1e] = 2,
	[0x1f] = 4,
};

static inline void wire_head_wide(uint8_t first, uint64_t value, struct wire_head *out)
{
	if (out->type == WIRE_TEXT) {
		out->skip = value;
	} else if (out->type == WIRE_ARRAY) {
		out->kids = value;
	} else if (out->type == WIRE_MAP) {
		out->kids = 2 * value;
	} else if (out->type == WIRE_EXT) {
		out->skip = first >= 0xd4 ? 1 + (UINT64_C(1) << (first - 0xd4)) : value + 1;
	} else if (out->type == WIRE_BOOL) {
		out->value = first & 1;
	} else if (out->type == WIRE_INT) {
		out->overflow = first == 0xcf && value > INT64_MAX;
		if (first >= 0xd0) {
			/* Sign-extend an integer of 1, 2, 4 or 8 bytes. */
			uint64_t sign = UINT64_C(1) << (8 * (1U << (first - 0xd0)) - 1);

			value = (value ^ sign) - sign;
		}
		out->value = value;
	}
}

/* Reads the header at ptr, which has len bytes. Returns the header's size, 0 when it is incomplete,
 * or -1 when it is not MessagePack. */
static inline int wire_head_read(const uint8_t *ptr, size_t len, struct wire_head *out)
{
	uint8_t first;
	unsigned width;
	uint64_t value = 0;

	if (len == 0) {
		return 0;
	}
	first = *ptr;
	*out = (struct wire_head){ .size = 1 };
	if (first >= 0xa0 && first <= 0xbf) {
		out->type = WIRE_TEXT;
		out->skip = first & 31U;
		return 1;
	}
	if (first <= 0x7f || first >= 0xe0) {
		out->type = WIRE_INT;
		out->value = first <= 0x7f ? first : UINT64_C(0xffffffffffffff00) | first;
		return 1;
	}
	if (first <= 0x9f) {
		bool is_map = first <= 0x8f;

		out->type = is_map ? WIRE_MAP : WIRE_ARRAY;
		out->kids = is_map ? 2 * (first & 15U) : first & 15U;
		return 1;
	}
	out->type = (enum wire_type)wire_head_type[first - 0xc0];
	if (out->type == WIRE_NONE) {
		return -1;
	}
	width = wire_head_width[first - 0xc0];
	if (len - 1 < width) {
		return 0;
	}
	for (unsigned i = 1; i <= width; i++) {
		value = value << 8 | ptr[i];
	}
	out->size = 1 + width;
	wire_head_wide(first, value, out);
	return (int)out->size;
}

/* wire_read_text, inline for text of less than 32 bytes. */
static inline bool wire_head_text(struct wire_cursor *cursor, struct wire_str *out)
{
	const uint8_t *ptr = cursor->ptr;
	size_t len = (size_t)(cursor->end - ptr);
	/* The length of short text; more than 31 for anything else. */
	unsigned brief = len > 0 ? *ptr ^ 0xa0U : 32;

	if (brief < 32 && brief < len) {
		out->len = brief;
		out->ptr = (const char *)ptr + 1;
		cursor->ptr = ptr + 1 + brief;
		return true;
	}
	return wire_read_text(cursor, out);
}

/* wire_peek, inline. */
static inline enum wire_type wire_head_peek(const struct wire_cursor *cursor)
{
	size_t len = (size_t)(cursor->end - cursor->ptr);
	uint8_t first = len > 0 ? *cursor->ptr : 0xc1;

	if (first <= 0x7f || first >= 0xe0) {
		return WIRE_INT;
	}
	if (first <= 0xbf) {
		return first >= 0xa0 ? WIRE_TEXT : first >= 0x90 ? WIRE_ARRAY : WIRE_MAP;
	}
	/* Only a whole header is one. */
	return len > wire_head_width[first - 0xc0] ? (enum wire_type)wire_head_type[first - 0xc0]
						   : WIRE_NONE;
}

/* wire_read_int, inline for small positive integers and for 32-bit ids. */
static inline bool wire_head_int(struct wire_cursor *cursor, int64_t *out)
{
	const uint8_t *ptr = cursor->ptr;
	struct wire_head head;

	if (ptr != cursor->end && *ptr <= 0x7f) {
		*out = *ptr;
		cursor->ptr++;
		return true;
	}
	if (cursor->end - ptr >= 5 && *ptr == 0xce) {
		*out = (int64_t)ptr[1] << 24 | (int64_t)ptr[2] << 16 | (int64_t)ptr[3] << 8 |
		       ptr[4];
		cursor->ptr += 5;
		return true;
	}
	if (wire_head_read(ptr, (size_t)(cursor->end - ptr), &head) <= 0 || head.type != WIRE_INT ||
		head.overflow) {
		return false;
	}
	cursor->ptr += head.size;
	*out = (int64_t)head.value;
	return true;
}

/* wire_read_array and wire_read_map, inline for counts below 16. */
static inline bool wire_head_array(struct wire_cursor *cursor, uint32_t *out_count)
{
	if (cursor->ptr != cursor->end && (*cursor->ptr & 0xf0) == 0x90) {
		*out_count = *cursor->ptr++ & 15U;
		return true;
	}
	return wire_read_array(cursor, out_count);
}

static inline bool wire_head_map(struct wire_cursor *cursor, uint32_t *out_pairs)
{
	if (cursor->ptr != cursor->end && (*cursor->ptr & 0xf0) == 0x80) {
		*out_pairs = *cursor->ptr++ & 15U;
		return true;
	}
	return wire_read_map(cursor, out_pairs);
}
