/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * json: one JSON document (RFC 8259), indented, into memory; so that a run which fails in its
 * middle prints one whole document too. Bytes that are no UTF-8 become U+FFFD. The caller keeps
 * to the grammar: a key before each value of an object, as many closings as openings.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/wire.h"
#include "policy/text/str.h"

#define JSON_MAX_DEPTH 32

struct json {
	FILE *file; /* over text */
	char *text;
	size_t len;
	unsigned depth;
	bool filled[JSON_MAX_DEPTH]; /* has a value at this depth */
	bool keyed;                  /* a key was written, its value comes next */
};

/* False: no memory. */
bool json_init(struct json *json);
void json_finish(struct json *json);

/* Forgets what was written: for the error that replaces it. False: no memory. */
bool json_reset(struct json *json);

/* Prints the document and a new line, if anything was written. False: memory or the file failed. */
bool json_print(struct json *json, FILE *file);

void json_open(struct json *json, char bracket);  /* '{' or '[' */
void json_close(struct json *json, char bracket); /* '}' or ']' */
void json_key(struct json *json, const char *key);
void json_str(struct json *json, struct pol_str str);
void json_text(struct json *json, const char *text); /* NULL is null */
void json_int(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);
void json_time(struct json *json, int64_t time); /* RFC 3339, or the number where it cannot */

/* Key and value in one. */
void json_pair(struct json *json, const char *key, const char *text);
void json_pair_int(struct json *json, const char *key, int64_t value);

/* One value of the wire with all that is in it; times (created_at, until and so on, wherever
 * they stand) as RFC 3339. */
void json_wire(struct json *json, struct wire_cursor value);

/* The same for the pairs of a map, inside an object that is open. `except` (may be NULL) is left
 * out. */
void json_wire_pairs(struct json *json, struct wire_cursor map, const char *except);
