/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * position: bytes of a text as the positions of the Language Server Protocol 3.17, which are lines
 * and UTF-16 code units, both from 0; and files as URIs (RFC 8089). Pure, any thread.
 */

#include <jansson.h>
#include <stddef.h>

#include "policy/text/arena.h"
#include "policy/text/str.h"

/* The offset of a position; one past the end of its line or of the text is that end. */
size_t lsp_position_offset(struct pol_str text, json_int_t line, json_int_t character);
/* Where the lines of a text were counted to: many positions of one text, in their order, are one
 * pass over it. Zeroed except text it is at the beginning. */
struct lsp_lines {
	struct pol_str text;
	size_t at; /* the beginning of `line` */
	json_int_t line;
};
/* {start, end} of the bytes [begin, end). */
json_t *lsp_position_range(struct lsp_lines *lines, size_t begin, size_t end);

/* The path of a file: URI. What is none comes back as it is. Never NULL, except without memory. */
const char *lsp_position_path(struct pol_arena *arena, const char *uri);
/* The URI of an absolute path; of anything else, itself. */
const char *lsp_position_uri(struct pol_arena *arena, struct pol_str path);
