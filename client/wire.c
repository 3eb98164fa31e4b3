/* SPDX-License-Identifier: Apache-2.0 */
#include "client/wire.h"

#include <string.h>

#include "client/wire_head.h"

bool wire_str_equal(struct wire_str a, struct wire_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The size of the character at ptr, which is not ASCII; 0 when it is not well-formed (RFC 3629,
 * section 4). */
static size_t utf8_char(const uint8_t *ptr, size_t len)
{
	uint8_t first = ptr[0];
	uint8_t low = 0x80, high = 0xbf;
	size_t size;

	if (first >= 0xc2 && first <= 0xdf) {
		size = 2;
	} else if (first >= 0xe0 && first <= 0xef) {
		size = 3;
		low = first == 0xe0 ? 0xa0 : 0x80;
		high = first == 0xed ? 0x9f : 0xbf;
	} else if (first >= 0xf0 && first <= 0xf4) {
		size = 4;
		low = first == 0xf0 ? 0x90 : 0x80;
		high = first == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (len < size || ptr[1] < low || ptr[1] > high) {
		return 0;
	}
	for (size_t i = 2; i < size; i++) {
		if ((ptr[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return size;
}

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Is text of one to seven bytes ASCII? */
static bool is_ascii_brief(struct wire_str str)
{
	uint32_t first, last;

	if (str.len < sizeof first) {
		return ((str.ptr[0] | str.ptr[str.len / 2] | str.ptr[str.len - 1]) & 0x80) == 0;
	}
	memcpy(&first, str.ptr, sizeof first);
	memcpy(&last, str.ptr + str.len - sizeof last, sizeof last);
	return ((first | last) & (uint32_t)HIGH_BITS) == 0;
}

/* The number of ASCII bytes at the beginning, counted in steps of eight: str.len, or less, up to a
 * step that holds another byte; of shorter text str.len or 0. */
static size_t ascii_len(struct wire_str str)
{
	size_t i = 0;
	uint64_t bits = 0;

	if (str.len < sizeof bits) {
		return str.len == 0 || is_ascii_brief(str) ? str.len : 0;
	}
	for (; str.len - i >= sizeof bits; i += sizeof bits) {
		memcpy(&bits, str.ptr + i, sizeof bits);
		if ((bits & HIGH_BITS) != 0) {
			return i;
		}
	}
	if (i < str.len) {
		/* The rest, as part of the last eight bytes. */
		memcpy(&bits, str.ptr + str.len - sizeof bits, sizeof bits);
		return (bits & HIGH_BITS) == 0 ? str.len : i;
	}
	return i;
}

bool wire_is_utf8(struct wire_str str)
{
	const uint8_t *ptr = (const uint8_t *)str.ptr;
	size_t i = ascii_len(str);

	while (i < str.len) {
		size_t size;

		if (ptr[i] < 0x80) {
			i++;
			continue;
		}
		size = utf8_char(ptr + i, str.len - i);
		if (size == 0) {
			return false;
		}
		i += size;
	}
	return true;
}

void wire_walk_init(struct wire_walk *walk, uint32_t max)
{
	/* left[] above its depth is written before it is read. */
	walk->max = max;
	walk->off = 0;
	walk->pending = 1;
	walk->depth = 0;
	walk->left[0] = 1;
}

/* Enters one header in the walk; false with the reason in *out when it exceeds a bound. */
static bool walk_head(struct wire_walk *walk, const struct wire_head *head, enum wire_progress *out)
{
	uint32_t room;

	if (head->size > walk->max - walk->off) {
		*out = WIRE_TOO_LARGE;
		return false;
	}
	walk->off += head->size;
	walk->left[walk->depth]--;
	walk->pending--;
	room = walk->max - walk->off;
	if (head->skip > room || head->kids > room) {
		*out = WIRE_TOO_LARGE;
		return false;
	}
	walk->off += (uint32_t)head->skip;
	walk->pending += (uint32_t)head->kids;
	/* Each announced value needs at least one byte: refuse now what cannot fit. */
	if (walk->pending > walk->max - walk->off) {
		*out = WIRE_TOO_LARGE;
		return false;
	}
	if (head->type == WIRE_ARRAY || head->type == WIRE_MAP) {
		if (walk->depth == WIRE_MAX_DEPTH) {
			*out = WIRE_TOO_DEEP;
			return false;
		}
		walk->left[++walk->depth] = (uint32_t)head->kids;
	}
	return true;
}

/* Walks one value of any kind; false with the reason to stop in *out. */
static bool walk_value(
	struct wire_walk *walk, const uint8_t *buf, size_t len, enum wire_progress *out)
{
	struct wire_head head;
	int size = wire_head_read(buf + walk->off, len - walk->off, &head);

	if (size > 0) {
		return walk_head(walk, &head, out);
	}
	if (size < 0) {
		*out = WIRE_MALFORMED;
	} else {
		/* The header is incomplete: at the bound, the rest of it would be too large. */
		*out = walk->off < walk->max ? WIRE_NEED_MORE : WIRE_TOO_LARGE;
	}
	return false;
}

/* Repetitions for the table: C17 has no range designators. */
#define FOUR(value)    (value), (value), (value), (value)
#define SIXTEEN(value) FOUR(value), FOUR(value), FOUR(value), FOUR(value)

/* By the first byte: the size of a number or of short text; 0 when the byte alone does not
 * determine it, and for arrays and maps. */
static const uint8_t brief_sizes[256] = {
	/* 0x00 */ SIXTEEN(1), SIXTEEN(1), SIXTEEN(1), SIXTEEN(1),
	/* 0x40 */ SIXTEEN(1), SIXTEEN(1), SIXTEEN(1), SIXTEEN(1),
	/* 0x80: map, array */ SIXTEEN(0), SIXTEEN(0),
	/* 0xa0: text */ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	/* 0xb0 */ 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	/* 0xc0: nil, false, true */ 1, 0, 1, 1,
	/* 0xc4: their length follows */ 0, 0, 0, 0, 0, 0,
	/* 0xca: float 32, 64 */ 5, 9,
	/* 0xcc: unsigned 8, 16, 32, 64 */ 2, 3, 5, 9,
	/* 0xd0: signed */ 2, 3, 5, 9,
	/* 0xd4: fixed ext 1, 2, 4, 8, 16 */ 3, 4, 6, 10, 18,
	/* 0xd9: their length follows */ 0, 0, 0, 0, 0, 0, 0,
	/* 0xe0 */ SIXTEEN(1), SIXTEEN(1)
};

/* By the first byte of a short array or map: how many values it has; 0 of all else. */
#define COUNTS(each)                                                                               \
	0, 1 * (each), 2 * (each), 3 * (each), 4 * (each), 5 * (each), 6 * (each), 7 * (each),     \
		8 * (each), 9 * (each), 10 * (each), 11 * (each), 12 * (each), 13 * (each),        \
		14 * (each), 15 * (each)
static const uint8_t brief_kids[256] = { [0x80] = /* map */ COUNTS(2), /* array */ COUNTS(1) };

/* The first byte of an array or a map of less than 16 items. */
static inline bool is_brief_list(uint8_t first)
{
	return (first & 0xe0) == 0x80;
}

/* The values that are announced and not yet walked. */
static uint32_t count_pending(const struct wire_walk *walk)
{
	uint32_t pending = 0;

	for (uint32_t i = 0; i <= walk->depth; i++) {
		pending += walk->left[i];
	}
	return pending;
}

/* Values whose first byte determines their size, short arrays and maps included, as far as `end`.
 * At least one is left. No bound is looked at, except that of the depth. */
static void walk_far(struct wire_walk *walk, const uint8_t *buf, size_t end)
{
	uint32_t depth = walk->depth;
	uint32_t left = walk->left[depth];
	size_t off = walk->off;

	while (off < end) {
		uint8_t first = buf[off];
		size_t size = brief_sizes[first];

		if (size > 0) {
			off += size;
			if (--left > 0) {
				continue;
			}
		} else if (is_brief_list(first) && depth < WIRE_MAX_DEPTH) {
			walk->left[depth++] = left - 1;
			left = brief_kids[first];
			off++;
		} else {
			break;
		}
		while (left == 0 && depth > 0) {
			left = walk->left[--depth];
		}
		if (left == 0) {
			break;
		}
	}
	walk->depth = depth;
	walk->left[depth] = left;
	walk->off = (uint32_t)off;
	walk->pending = count_pending(walk);
}

/* The same near the bound: stops before a value that exceeds it; walk_value then determines which
 * bound that is. */
static void walk_near(struct wire_walk *walk, const uint8_t *buf, uint32_t end)
{
	uint32_t depth = walk->depth;
	uint32_t left = walk->left[depth];
	uint32_t off = walk->off;
	/* Bytes beyond the one that each value needs which is still to come. */
	uint32_t slack = walk->max - off - walk->pending;

	while (left > 0 && off < end) {
		uint8_t first = buf[off];
		uint32_t size = brief_sizes[first];

		if (is_brief_list(first)) {
			uint32_t kids = brief_kids[first];

			if (depth == WIRE_MAX_DEPTH || kids > slack) {
				break;
			}
			slack -= kids;
			walk->left[depth++] = left - 1;
			left = kids;
			off++;
		} else if (size - 1 > slack) {
			break; /* also for size 0: slack is below UINT32_MAX */
		} else {
			slack -= size - 1;
			left--;
			off += size;
		}
		while (left == 0 && depth > 0) {
			left = walk->left[--depth];
		}
	}
	walk->pending = walk->max - off - slack;
	walk->depth = depth;
	walk->left[depth] = left;
	walk->off = off;
}

/* A byte takes or announces at most 31 bytes more: short text, or the 30 values of a short map. */
#define BRIEF_MOST 32

/* Walks values whose first byte determines their size. Most of a request consists of these, and the
 * walk stays in registers. */
static void walk_brief(struct wire_walk *walk, const uint8_t *buf, size_t len)
{
	uint32_t end = len < walk->max ? (uint32_t)len : walk->max;
	uint32_t slack = walk->max - walk->off - walk->pending;

	if (walk->off >= end || walk->left[walk->depth] == 0) {
		return;
	}
	if (slack / BRIEF_MOST > end - walk->off) {
		walk_far(walk, buf, end);
	} else {
		walk_near(walk, buf, end);
	}
}

enum wire_progress wire_walk(
	struct wire_walk *walk, const uint8_t *buf, size_t len, size_t *out_len)
{
	enum wire_progress stop = WIRE_MALFORMED;

	if (len == 0) {
		return WIRE_NEED_MORE;
	}
	for (;;) {
		walk_brief(walk, buf, len);
		if (walk->off > len) {
			return WIRE_NEED_MORE;
		}
		while (walk->left[walk->depth] == 0) {
			if (walk->depth == 0) {
				*out_len = walk->off;
				wire_walk_init(walk, walk->max);
				return WIRE_COMPLETE;
			}
			walk->depth--;
		}
		if (!walk_value(walk, buf, len, &stop)) {
			return stop;
		}
		if (walk->off > len) {
			return WIRE_NEED_MORE;
		}
	}
}

static bool peek_head(const struct wire_cursor *cursor, struct wire_head *out)
{
	return wire_head_read(cursor->ptr, (size_t)(cursor->end - cursor->ptr), out) > 0;
}

enum wire_type wire_peek(const struct wire_cursor *cursor)
{
	return wire_head_peek(cursor);
}

bool wire_read_nil(struct wire_cursor *cursor)
{
	struct wire_head head;

	if (!peek_head(cursor, &head) || head.type != WIRE_NIL) {
		return false;
	}
	cursor->ptr += head.size;
	return true;
}

bool wire_read_bool(struct wire_cursor *cursor, bool *out)
{
	if (wire_head_peek(cursor) != WIRE_BOOL) {
		return false;
	}
	*out = (*cursor->ptr++ & 1) != 0;
	return true;
}

bool wire_read_int(struct wire_cursor *cursor, int64_t *out)
{
	return wire_head_int(cursor, out);
}

bool wire_read_text(struct wire_cursor *cursor, struct wire_str *out)
{
	size_t len = (size_t)(cursor->end - cursor->ptr);
	struct wire_head head;
	int size = wire_head_read(cursor->ptr, len, &head);

	if (size <= 0 || head.type != WIRE_TEXT || head.skip > len - (size_t)size) {
		return false;
	}
	out->ptr = (const char *)cursor->ptr + size;
	out->len = (size_t)head.skip;
	cursor->ptr += (size_t)size + out->len;
	return true;
}

bool wire_read_array(struct wire_cursor *cursor, uint32_t *out_count)
{
	struct wire_head head;

	if (cursor->ptr != cursor->end && (*cursor->ptr & 0xf0) == 0x90) {
		*out_count = *cursor->ptr++ & 15U;
		return true;
	}
	if (!peek_head(cursor, &head) || head.type != WIRE_ARRAY) {
		return false;
	}
	cursor->ptr += head.size;
	*out_count = (uint32_t)head.kids;
	return true;
}

bool wire_read_map(struct wire_cursor *cursor, uint32_t *out_count)
{
	struct wire_head head;

	if (!peek_head(cursor, &head) ||
		!(head.type == WIRE_MAP || (head.type == WIRE_ARRAY && head.kids == 0))) {
		return false;
	}
	cursor->ptr += head.size;
	*out_count = (uint32_t)(head.kids / 2);
	return true;
}

/* Skips values whose first byte determines their size; *pending is how many are left. */
static inline const uint8_t *skip_brief(const uint8_t *ptr, const uint8_t *end, uint64_t *pending)
{
	uint64_t left = *pending;

	while (left > 0 && ptr < end) {
		uint8_t first = *ptr;
		uint32_t size = is_brief_list(first) ? 1 : brief_sizes[first];

		if (size == 0 || size > (size_t)(end - ptr)) {
			break;
		}
		ptr += size;
		left += brief_kids[first];
		left--;
	}
	*pending = left;
	return ptr;
}

bool wire_skip(struct wire_cursor *cursor)
{
	const uint8_t *ptr = cursor->ptr;
	uint64_t pending = 1;

	for (;;) {
		struct wire_head head;
		size_t len;
		int size;

		ptr = skip_brief(ptr, cursor->end, &pending);
		len = (size_t)(cursor->end - ptr);
		if (pending == 0 || pending > len) {
			break;
		}
		size = wire_head_read(ptr, len, &head);
		if (size <= 0 || head.skip > len - (size_t)size) {
			return false;
		}
		ptr += (size_t)size + (size_t)head.skip;
		pending += head.kids - 1;
	}
	if (pending > 0) {
		return false;
	}
	cursor->ptr = ptr;
	return true;
}

bool wire_take(struct wire_cursor *cursor, struct wire_cursor *out)
{
	const uint8_t *begin = cursor->ptr;

	if (!wire_skip(cursor)) {
		return false;
	}
	*out = (struct wire_cursor){ begin, cursor->ptr };
	return true;
}
