/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * json: values of the wire as JSON, and the other way. authzcheck uses it, too.
 */

#include <jansson.h>

#include "client/wire.h"

/* Nested arrays and objects of a value that is sent. */
enum { HTTP_JSON_MAX_DEPTH = 8 };

/* Packs a value. NULL, or what is wrong with it ("has a number that is not an integer"). */
const char *http_json_to_wire(const json_t *value, struct wire_buf *out);

/* Writes one value of the wire as compact JSON text, without a tree of values between: what is
 * written lies in the buffer alone, which wipes it. Bytes that are not UTF-8 become U+FFFD, and
 * what JSON has no value for becomes null. The buffer's status says whether it fits. */
void http_json_write(struct wire_cursor value, struct wire_buf *out);

/* The same for a text, in quotes. */
void http_json_write_text(struct wire_str text, struct wire_buf *out);
