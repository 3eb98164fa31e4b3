/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * str: what policy/ does with views of bytes that somebody else owns (word.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/word.h"

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
