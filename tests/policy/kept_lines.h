/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * kept_lines: lines of stored roles, kept and read back as a host does, for tests. Zeroed: none.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/str.h"

struct kept_lines {
	char items[32][1024];
	size_t count;
	size_t next; /* to be read */
	/* Those that were reported as missing, one below the other, and how many they are. */
	char missing[4096];
	size_t missing_count;
};

/* For pol_stored_lines_write. */
static inline bool kept_lines_keep(void *context, struct pol_str line)
{
	struct kept_lines *lines = context;

	cr_assert(lines->count < 32 && line.len < sizeof lines->items[0]);
	snprintf(lines->items[lines->count++], sizeof lines->items[0], "%.*s", POL_STR_ARGS(line));
	return true;
}

/* For pol_stored_lines_read, as kept_lines_missing. */
static inline bool kept_lines_next(void *context, struct pol_str *out)
{
	struct kept_lines *lines = context;

	if (lines->next == lines->count) {
		return false;
	}
	*out = pol_str_of(lines->items[lines->next++]);
	return true;
}

static inline void kept_lines_missing(void *context, struct pol_str line)
{
	struct kept_lines *lines = context;
	size_t used = strlen(lines->missing);

	snprintf(lines->missing + used, sizeof lines->missing - used, "%.*s\n", POL_STR_ARGS(line));
	lines->missing_count++;
}
