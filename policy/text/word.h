/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * word: views of text, their positions in a policy, and the few words that every room uses: groups,
 * verdicts, addresses.
 *
 * A view is never NUL-terminated and says nothing about lifetime; whoever hands one out does. The
 * zeroed view is the empty string. These few words are part of the modules' interface, and thus
 * C17 and C++ alike.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pol_str {
	const char *ptr;
	size_t len;
};

/* A view of a string literal. */
#ifdef __cplusplus
#define POL_STR(literal) (pol_str{ (literal), sizeof(literal) - 1 })
#else
#define POL_STR(literal) ((struct pol_str){ (literal), sizeof(literal) - 1 })
#endif
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
	struct pol_str str = { text, text != NULL ? strlen(text) : 0 };

	return str;
}

/* Inline, as is the one above: with a literal, most words cost one look at their length. */
static inline bool pol_str_equal(struct pol_str a, struct pol_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytes of a source. */
struct pol_span {
	uint32_t file; /* index into the sources */
	uint32_t offset;
	uint32_t length;
};

/* A word and where it stands. Quotes and escapes are resolved in text. text.ptr NULL: absent. */
struct pol_word {
	struct pol_str text;
	struct pol_span at;
};

/* No number: of nothing that is declared. */
#define POL_NONE UINT32_MAX

/* In the order in which they run. */
enum pol_group {
	POL_GROUP_AUTHENTICATE = 0,
	POL_GROUP_ACCOUNT,
	POL_GROUP_AUTHORIZE,
	POL_GROUP_RECORD,
	POL_GROUP_COUNT
};

/* What a module answers. Zero: an error. */
enum pol_verdict { POL_ERROR = 0, POL_DENY, POL_IGNORE, POL_ALLOW };

/* An address as 16 bytes; IPv4 is IPv4-mapped (RFC 4291, 2.5.5.2). */
struct pol_ip {
	bool known;
	unsigned char bytes[16];
};

/* An address and how many of its bits count. */
struct pol_network {
	unsigned char bytes[16];
	uint8_t bits; /* of the 128 */
};

#ifdef __cplusplus
}
#endif
