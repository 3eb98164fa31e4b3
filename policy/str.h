/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * str: views of bytes that somebody else owns.
 *
 * A view is never NUL-terminated and says nothing about lifetime; the header that hands one out
 * does. The zeroed view is the empty string.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pol_str {
	const char *ptr;
	size_t len;
};

/* A view of a string literal. */
#define POL_STR(literal) ((struct pol_str){ (literal), sizeof(literal) - 1 })
/* The same as a constant initialiser, for static tables. */
#define POL_STR_INIT(literal)                                                                      \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}
/* For printf's "%.*s". Text is bounded far below INT_MAX wherever it is printed. */
#define POL_STR_ARGS(str) (int)(str).len, (str).ptr != NULL ? (str).ptr : ""

/* A view of a NUL-terminated string; NULL gives the empty view. */
static inline struct pol_str pol_str_of(const char *text)
{
	return (struct pol_str){ text, text != NULL ? strlen(text) : 0 };
}

/* Inline, as is the one above: with a literal, most words cost one look at their length. */
static inline bool pol_str_equal(struct pol_str a, struct pol_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Equal but for the case of ASCII letters. */
bool pol_str_equal_fold(struct pol_str a, struct pol_str b);

bool pol_str_starts(struct pol_str str, struct pol_str prefix);

/* Byte order, as memcmp, the shorter first: negative, zero or positive. */
int pol_str_compare(struct pol_str a, struct pol_str b);

/* A multiplying hash, eight bytes at a time, good in its low bits; its value is for tables in
 * memory, as it differs from machine to machine. For text that we were given to trust (policy
 * files), never for secrets. Begin with POL_HASH_SEED. */
#define POL_HASH_SEED UINT64_C(0xcbf29ce484222325)
uint64_t pol_str_hash(struct pol_str str, uint64_t seed);

/* True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool pol_str_is_utf8(struct pol_str str);
