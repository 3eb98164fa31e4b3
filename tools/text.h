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

#include "client/wire.h"
#include "policy/text/arena.h"
#include "policy/text/str.h"

/* The same bytes, as a message has them. */
static inline struct wire_str text_wire(struct pol_str str)
{
	return (struct wire_str){ str.ptr, str.len };
}

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
 * bytes that are not UTF-8 stand as \n, \t, \x1b or \u{202e}. NUL-terminated, never NULL: when
 * there is no memory an empty string, and the arena's status says so. */
const char *text_escape(struct pol_arena *arena, struct pol_str str);

/* The same straight to a file, with no memory needed. */
void text_put(FILE *file, struct pol_str str);

/* The columns that well-formed UTF-8 takes: combining marks none, East Asian wide characters and
 * emoji two. */
size_t text_width(struct pol_str str);

/* The bytes of the longest beginning of str that takes at most `width` columns. */
size_t text_fit(struct pol_str str, size_t width);

/* The bytes of text that go into a line of `width` columns: up to a blank, if there is one. Where
 * they are not all, blanks follow, or the rest of a word that is longer than a line. What
 * text_begin and text_end return takes no column, here and in text_fold. */
size_t text_fold_at(struct pol_str text, size_t width);

/* Where text_fold puts a text. */
struct text_lines {
	size_t width;  /* of a line; 0: any, so that nothing is folded */
	size_t begin;  /* the column at which the text begins */
	size_t indent; /* the column at which its other lines begin */
};

/* Prints a text in lines that fit, without a new line at its end; returns the column that it ends
 * at. Where fewer than 20 columns are left beside the indent, it is not folded. */
size_t text_fold(FILE *file, const char *text, const struct text_lines *lines);

/* The columns of a terminal; $COLUMNS takes precedence over what the terminal says. 0: `file` is
 * not a terminal, or its width is unknown. */
size_t text_columns(FILE *file);
