/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * document: the JSON document that --json prints, as a tree of jansson's values. It is printed at
 * the end of the run, so that a run that fails half-way prints one whole document too.
 *
 * A function that returns a value returns NULL when memory is out; jansson's functions that take a
 * value over accept that NULL, free what else they were given and fail.
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

/* A value of the wire with everything in it. Times (created_at, until and so on, at any depth) are
 * written in RFC 3339, or as the number where that is impossible. */
json_t *document_wire(struct wire_cursor value);

/* The other way: NULL, or what is wrong with the value ("has a number that is no integer"). */
const char *document_to_wire(json_t *value, struct wire_buf *out);

/* Prints it and a new line. Control characters are escaped, so that the text cannot act on a
 * terminal. False: no memory, or the file failed. */
bool document_print(const json_t *document, FILE *file);
