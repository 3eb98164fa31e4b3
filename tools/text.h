/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * text: output for people. Free text is shown so that it cannot act on a terminal; widths are those
 * of a terminal's columns; colours are the eight that every terminal has.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/text/arena.h"
#include "policy/text/str.h"

enum colour { COLOUR_NONE = 0, COLOUR_GREEN, COLOUR_RED, COLOUR_YELLOW, COLOUR_BOLD, COLOUR_DIM };

/* Should `file` get colour? Only a terminal, and neither NO_COLOR nor TERM=dumb is set. */
bool text_wants_colour(FILE *file);

/* The escape sequences around coloured text; empty strings without `on` or for COLOUR_NONE. */
const char *text_begin(bool on, enum colour colour);
const char *text_end(bool on, enum colour colour);

/* One character at the beginning of a non-empty str: its code point, and its bytes; U+FFFD and one
 * byte where there is no well-formed UTF-8. */
uint32_t text_decode(struct pol_str str, size_t *out_len);

/* A copy in which control characters, bidirectional and zero-width controls, line separators and
 * bytes that are no UTF-8 stand as \n, \t, \x1b or \u{202e}. NUL-terminated, never NULL: when
 * memory is out an empty string, and the arena's status says so. */
const char *text_escape(struct pol_arena *arena, struct pol_str str);

/* The same straight to a file, with no memory needed. */
void text_put(FILE *file, struct pol_str str);

/* The columns that well-formed UTF-8 takes: combining marks none, East Asian wide characters and
 * emoji two. */
size_t text_width(struct pol_str str);
