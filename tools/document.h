/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * document: the JSON document that --json prints, as a tree of jansson's values. It is printed at
 * the end of the run, so that a run that fails half-way prints one whole document too. A list is
 * printed as its pages come instead, and no more of it than one item is in memory: see struct
 * document_list.
 *
 * A function that returns a value returns NULL when there is no memory; jansson's functions that
 * take a value over accept that NULL, free what else they were given and fail.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/wire.h"
#include "policy/text/str.h"

/* A string; bytes that are not UTF-8 become U+FFFD. */
json_t *document_str(struct pol_str str);
json_t *document_text(const char *text);
/* "PUT PATCH" as ["PUT", "PATCH"]. */
json_t *document_words(struct pol_str words);

/* A value of the wire with everything in it. Times (created_at, until and so on, at any depth) are
 * written in RFC 3339, or as the number where that is impossible; a `day` as a date. */
json_t *document_wire(struct wire_cursor value);

/* Prints it and a new line. Control characters are escaped, so that the text cannot act on a
 * terminal. False: no memory, or the file failed. */
bool document_print(const json_t *document, FILE *file);

/*
 * An object that is printed in parts: the members before an array, the array's items one by one,
 * and the members after it. The bytes are those of document_print. Zero before _begin; there is
 * nothing to free. Each function returns false when there is no memory; then it has printed
 * nothing. Errors of the file show in ferror.
 */
struct document_list {
	FILE *file;  /* NULL before _begin */
	bool filled; /* there is an item */
};

bool document_list_begin(
	struct document_list *list, FILE *file, const json_t *before, const char *array);
bool document_list_item(struct document_list *list, const json_t *item);
/* after: an object, or NULL for no members. The rest is printed even when this returns false. */
bool document_list_end(struct document_list *list, const json_t *after);
