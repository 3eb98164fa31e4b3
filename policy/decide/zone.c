/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/zone.h"

#include <string.h>

#include "policy/decide/zone_rule.h"

#define HEADER     44
#define MAX_TYPES  256
#define FIRST_EAST (-25 * 3600 + 1) /* RFC 8536, 3.2: more than -25 and less than 26 hours */
#define LAST_EAST  (26 * 3600 - 1)

struct transition {
	int64_t at;
	int32_t offset; /* after it */
};

struct pol_zone {
	struct transition *transitions; /* by ascending time */
	uint32_t count;
	int32_t before; /* the offset before the first transition */
	bool has_rule;
	struct pol_zone_rule rule; /* after the last transition */
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool pol_zone_is_name(struct pol_str name)
{
	bool begins = true;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (c == '/' && !begins) {
			begins = true;
		} else if (is_letter(c)) {
			begins = false;
		} else if (begins ||
			   !((c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-')) {
			return false;
		}
	}
	return !begins && name.len <= POL_ZONE_NAME_MAX;
}

/* --- the file --------------------------------------------------------------------------------- */

/* The counts of a header and the data block after it (RFC 8536, 3.1 and 3.2). */
struct block {
	uint32_t is_ut, is_std, leaps, times, types, chars;
	const unsigned char *at;
	size_t time_size;
};

static uint64_t read_big(const unsigned char *bytes, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++) {
		value = value << 8 | bytes[i];
	}
	return value;
}

static size_t block_size(const struct block *block)
{
	/* Six products of 32-bit counts and factors up to 12: no overflow in 64 bits. */
	return (size_t)block->times * (block->time_size + 1) + (size_t)block->types * 6 +
	       block->chars + (size_t)block->leaps * (block->time_size + 4) + block->is_std +
	       block->is_ut;
}

/* Takes a header and its data block off the front. *out_version becomes the header's version. */
static bool take_block(
	struct pol_str *left, size_t time_size, struct block *out, unsigned char *out_version)
{
	const unsigned char *bytes = (const unsigned char *)left->ptr;
	size_t size;

	if (left->len < HEADER || memcmp(bytes, "TZif", 4) != 0) {
		return false;
	}
	*out_version = bytes[4];
	*out = (struct block){
		.is_ut = (uint32_t)read_big(bytes + 20, 4),
		.is_std = (uint32_t)read_big(bytes + 24, 4),
		.leaps = (uint32_t)read_big(bytes + 28, 4),
		.times = (uint32_t)read_big(bytes + 32, 4),
		.types = (uint32_t)read_big(bytes + 36, 4),
		.chars = (uint32_t)read_big(bytes + 40, 4),
		.at = bytes + HEADER,
		.time_size = time_size,
	};
	size = block_size(out);
	if (size > left->len - HEADER) {
		return false;
	}
	left->ptr += HEADER + size;
	left->len -= HEADER + size;
	return true;
}

/* The offset of a local time type. False: there is no such type, or its offset is out of range. */
static bool read_type(const struct block *block, uint32_t type, int32_t *out)
{
	const unsigned char *types = block->at + (size_t)block->times * (block->time_size + 1);

	if (type >= block->types) {
		return false;
	}
	*out = (int32_t)(uint32_t)read_big(types + (size_t)type * 6, 4);
	return *out >= FIRST_EAST && *out <= LAST_EAST;
}

static bool read_transitions(const struct block *block, struct pol_zone *zone)
{
	const unsigned char *types = block->at + (size_t)block->times * block->time_size;

	for (uint32_t i = 0; i < block->times; i++) {
		const unsigned char *at = block->at + (size_t)i * block->time_size;
		struct transition *transition = &zone->transitions[i];

		transition->at = block->time_size == 8 ? (int64_t)read_big(at, 8)
						       : (int32_t)(uint32_t)read_big(at, 4);
		if (!read_type(block, types[i], &transition->offset) ||
			(i > 0 && transition->at <= zone->transitions[i - 1].at)) {
			return false;
		}
	}
	zone->count = block->times;
	return true;
}

/* Reads "\n" TZ "\n"; the TZ string is empty if the file has no rule. */
static bool read_footer(struct pol_str left, struct pol_zone *zone)
{
	const char *end;

	if (left.len < 2 || left.ptr[0] != '\n') {
		return false;
	}
	left.ptr++;
	left.len--;
	end = memchr(left.ptr, '\n', left.len);
	if (end == NULL) {
		return false;
	}
	left.len = (size_t)(end - left.ptr);
	zone->has_rule = left.len > 0;
	return !zone->has_rule || pol_zone_rule_read(left, &zone->rule);
}

enum pol_status pol_zone_read(
	struct pol_str bytes, struct pol_arena *arena, const struct pol_zone **out)
{
	struct pol_zone *zone;
	struct block block;
	unsigned char version, again;

	if (!take_block(&bytes, 4, &block, &version)) {
		return POL_EINVALID;
	}
	/* From version 2 on a second header and block follow, with 64-bit times. */
	if (version != 0 && (version < '2' || !take_block(&bytes, 8, &block, &again))) {
		return POL_EINVALID;
	}
	if (block.types == 0 || block.types > MAX_TYPES || block.leaps > 0) {
		return POL_EINVALID;
	}
	zone = pol_arena_alloc(arena, 1, sizeof *zone);
	if (zone == NULL) {
		return arena->status;
	}
	zone->transitions = pol_arena_alloc(arena, block.times, sizeof *zone->transitions);
	if (zone->transitions == NULL) {
		return arena->status;
	}
	if (!read_type(&block, 0, &zone->before) || !read_transitions(&block, zone) ||
		(version != 0 && !read_footer(bytes, zone))) {
		return POL_EINVALID;
	}
	*out = zone;
	return POL_OK;
}

/* --- look-up ---------------------------------------------------------------------------------- */

int32_t pol_zone_offset(const struct pol_zone *zone, int64_t time)
{
	uint32_t low = 0;
	uint32_t high = zone->count;

	if (zone->has_rule && (high == 0 || time >= zone->transitions[high - 1].at)) {
		return pol_zone_rule_offset(&zone->rule, time);
	}
	/* The number of transitions up to the time. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (zone->transitions[middle].at <= time) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low == 0 ? zone->before : zone->transitions[low - 1].offset;
}
