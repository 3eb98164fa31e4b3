/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * unicode: characters of UTF-8 text, and those that a policy may not hold.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/text/str.h"

/* The first character of the text: its length in bytes, its number in *out. 0 when the bytes are
 * not well-formed UTF-8 or there are none. */
size_t pol_unicode_decode(struct pol_str text, uint32_t *out);

/* Why the character may not stand in a policy, or be shown on a terminal: a phrase such as
 * "a control character". NULL when it may. Tab and line feed count as control characters.
 * Bidirectional controls and characters without width let a text be read as another one than it
 * is (Boucher and Anderson, "Trojan Source", 2021; Unicode TR 36). */
const char *pol_unicode_refused(uint32_t character);
