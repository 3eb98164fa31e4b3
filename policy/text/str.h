/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * str: functions on views of text (struct pol_str in word.h). Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "policy/text/word.h"

/* Are 8 to 16 bytes equal? Inline, since a call of memcmp costs more than the comparison. */
static inline bool pol_str_same_words(const char *a, const char *b, size_t len)
{
	uint64_t begins[2], ends[2];

	memcpy(&begins[0], a, sizeof begins[0]);
	memcpy(&begins[1], b, sizeof begins[1]);
	memcpy(&ends[0], a + len - sizeof ends[0], sizeof ends[0]);
	memcpy(&ends[1], b + len - sizeof ends[1], sizeof ends[1]);
	return begins[0] == begins[1] && ends[0] == ends[1];
}

/* pol_str_equal, where most texts are equal and have 8 to 16 bytes. */
static inline bool pol_str_equal_short(struct pol_str a, struct pol_str b)
{
	if (a.len != b.len || a.len - sizeof(uint64_t) > sizeof(uint64_t)) {
		return pol_str_equal(a, b);
	}
	return pol_str_same_words(a.ptr, b.ptr, a.len);
}

/* Equality that ignores the case of ASCII letters. */
bool pol_str_equal_fold(struct pol_str a, struct pol_str b);

bool pol_str_starts(struct pol_str str, struct pol_str prefix);

/* Compares as memcmp does; a prefix comes before the longer text. Negative, zero or positive. */
int pol_str_compare(struct pol_str a, struct pol_str b);

/* A multiplicative hash, eight bytes at a time, whose low bits are good. For tables in memory: the
 * value depends on the byte order of the machine. It does not resist chosen collisions, so it is
 * for trusted text (policy files) and never for secrets. The first seed is POL_HASH_SEED. */
#define POL_HASH_SEED UINT64_C(0xcbf29ce484222325)
uint64_t pol_str_hash(struct pol_str str, uint64_t seed);

/* True if the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool pol_str_is_utf8(struct pol_str str);

/* True only of ASCII; false of some ASCII: of text that is empty or longer than 16 bytes. */
static inline bool pol_str_is_short_ascii(struct pol_str str)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	uint64_t words[2];
	uint32_t halves[2];

	if (str.len - sizeof words[0] <= sizeof words[0]) {
		memcpy(&words[0], str.ptr, sizeof words[0]);
		memcpy(&words[1], str.ptr + str.len - sizeof words[0], sizeof words[0]);
		return ((words[0] | words[1]) & high) == 0;
	}
	if (str.len - sizeof halves[0] < sizeof halves[0]) {
		memcpy(&halves[0], str.ptr, sizeof halves[0]);
		memcpy(&halves[1], str.ptr + str.len - sizeof halves[0], sizeof halves[0]);
		return ((halves[0] | halves[1]) & (uint32_t)high) == 0;
	}
	return str.len - 1 < 3 &&
	       ((str.ptr[0] | str.ptr[str.len / 2] | str.ptr[str.len - 1]) & 0x80) == 0;
}

/* Replaces what a terminal or a reader could misread by `?`: control characters, and every byte
 * that is not ASCII unless the whole text is UTF-8. */
void pol_str_clean(char *text);
