/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * route_path: the path of a route, in the style of any framework, as paths with `{name}` and
 * `{name...}`. For tools/import/routes.c alone.
 */

#include <string.h>

#include "tools/import/import.h"

/* Paths that the optional parts of one route can make. */
#define IMPORT_ROUTE_VARIANTS 16

/* Bytes of a line; a request's path has 4,096. */
#define IMPORT_ROUTE_LINE ((size_t)8 * 1024)

/* The text after its first `count` bytes. */
static inline struct pol_str import_after(struct pol_str text, size_t count)
{
	count = count < text.len ? count : text.len;
	return (struct pol_str){ text.ptr + count, text.len - count };
}

/* Does the text have the part in it? */
static inline bool import_contains(struct pol_str text, const char *part)
{
	size_t len = strlen(part);

	for (size_t i = 0; i + len <= text.len; i++) {
		if (memcmp(text.ptr + i, part, len) == 0) {
			return true;
		}
	}
	return false;
}

struct import_route {
	struct import *import;
	size_t line;
	const char *variants[IMPORT_ROUTE_VARIANTS]; /* paths, written again */
	size_t count;
	size_t depth; /* of optional parts that are being decided */
	bool too_many;
	bool format; /* an optional `.:format` was left out */
};

/* Reads a path of at most IMPORT_ROUTE_LINE bytes. Sets import->error where there is no memory or
 * it is too long when it is written again, and too_many. */
void import_route_read(struct import_route *route, struct pol_str path);
