/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * str: functions on views of text (struct pol_str in word.h). Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/word.h"

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

/* Replaces what a terminal or a reader could misread by `?`: control characters, and every byte
 * that is not ASCII unless the whole text is UTF-8. */
void pol_str_clean(char *text);
