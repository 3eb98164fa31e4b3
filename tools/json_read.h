/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * json_read: one JSON value (RFC 8259) from text in memory to the wire, for files of JSON lines.
 *
 * Numbers must be integers; nesting is bounded. What is wrong is told in words, and where by the
 * caller, who knows the line.
 */

#include <stdbool.h>

#include "client/wire.h"
#include "policy/text/arena.h"
#include "policy/text/str.h"

#define JSON_READ_DEPTH 8

struct json_read {
	const char *at;
	const char *end;
	struct pol_arena *arena; /* texts with escapes are written out here */
	const char *wrong;       /* NULL: nothing so far */
};

void json_read_init(struct json_read *read, struct pol_str text, struct pol_arena *arena);

/* The object's opening; then each key until false; then what is behind it. wrong says whether it
 * ended for a mistake. */
bool json_read_open(struct json_read *read);
bool json_read_key(struct json_read *read, bool first, struct pol_str *out);
bool json_read_end(struct json_read *read);

/* Is the next value a string? Then it can be taken with json_read_str. */
bool json_read_is_str(struct json_read *read);
bool json_read_str(struct json_read *read, struct pol_str *out);
/* Any value, into the buffer. */
bool json_read_value(struct json_read *read, struct wire_buf *out);
