/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * unicode: decoding of UTF-8, the characters that a policy or a name may not contain, and letters
 * without regard to case. Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/str.h"

/* Decodes the first character. Returns its length in bytes and sets *out to its code point. 0: the
 * text is empty or does not begin with well-formed UTF-8. */
size_t pol_unicode_decode(struct pol_str text, uint32_t *out);

/* Writes a code point in UTF-8 to `out`, which has room for four bytes. Returns its length. */
size_t pol_unicode_encode(uint32_t character, char *out);

/* Why the character may not be in a policy or be shown on a terminal: a phrase such as "a control
 * character". NULL: it may. Tab and line feed are control characters. Bidirectional controls and
 * characters without width are refused, because a reader can be misled about the text (Boucher and
 * Anderson, "Trojan Source", 2021; Unicode TR 36). */
const char *pol_unicode_refused(uint32_t character);

/* True for what cannot be seen, or only as a gap: Default_Ignorable_Code_Point and White_Space of
 * Unicode, and the empty braille pattern. No name or id may contain it, because it would look like
 * another one. */
bool pol_unicode_is_invisible(uint32_t character);

/* --- unicode_fold.c --------------------------------------------------------------------------- */

/* Simple case folding: equal for characters that differ in case alone. */
uint32_t pol_unicode_fold(uint32_t character);
/* Are the texts equal except for case? */
bool pol_unicode_equal_fold(struct pol_str a, struct pol_str b);
/* Equal for texts that are equal except for case. */
uint64_t pol_unicode_hash_fold(struct pol_str text);
