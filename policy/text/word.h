/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * word: types that all of policy/ and the module interface share: views of text, positions in a
 * policy, groups, verdicts, addresses. Valid as C17 and as C++.
 *
 * A view is not NUL-terminated and owns nothing. How long its bytes live is documented where the
 * view comes from. A zeroed view is the empty string.
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
/* Arguments for "%.*s" of printf. The text must be shorter than INT_MAX bytes. */
#define POL_STR_ARGS(str) (int)(str).len, (str).ptr != NULL ? (str).ptr : ""

/* A view of a NUL-terminated string; NULL gives the empty view. */
static inline struct pol_str pol_str_of(const char *text)
{
	struct pol_str str = { text, text != NULL ? strlen(text) : 0 };

	return str;
}

/* Inline, so that comparing with a literal costs one comparison of lengths for most words. */
static inline bool pol_str_equal(struct pol_str a, struct pol_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* A range of bytes in a source. */
struct pol_span {
	uint32_t file; /* index into the sources */
	uint32_t offset;
	uint32_t length;
};

/* A word and its position. In `text`, quotes and escapes are resolved. text.ptr NULL: absent. */
struct pol_word {
	struct pol_str text;
	struct pol_span at;
};

/* The number that nothing has: "not declared", "not found". */
#define POL_NONE UINT32_MAX

/* The groups of a stack, in the order in which they run. */
enum pol_group {
	POL_GROUP_AUTHENTICATE = 0,
	POL_GROUP_ACCOUNT,
	POL_GROUP_AUTHORIZE,
	POL_GROUP_RECORD,
	POL_GROUP_COUNT
};

/* The answer of a module. */
enum pol_verdict { POL_ERROR = 0, POL_DENY, POL_IGNORE, POL_ALLOW };

/* An IP address, 16 bytes in network order; IPv4 is IPv4-mapped (RFC 4291, 2.5.5.2). */
struct pol_ip {
	bool known; /* false: there is no address */
	unsigned char bytes[16];
};

/* A network: an address and the length of its prefix. */
struct pol_network {
	unsigned char bytes[16];
	uint8_t bits; /* of the prefix, 0 to 128; for IPv4, 96 more than written */
};

#ifdef __cplusplus
}
#endif
