/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * large: the text of a large policy, written line by line, and what compiling it says.
 */

#include <stddef.h>

struct large {
	char *bytes; /* ends with a NUL; NULL: nothing was written yet */
	size_t len;
};

/* As much as a file may have. */
#define LARGE_ROOM ((size_t)8 * 1024 * 1024)

/* Writes at the end of the text. A text that does not fit ends the test. */
__attribute__((format(printf, 2, 3))) void large_add(struct large *text, const char *format, ...);

/* Adds one text for each number i below count. */
#define LARGE_ADD_EACH(text, count, ...)                                                           \
	for (int i = 0; i < (count); i++) {                                                        \
		large_add((text), __VA_ARGS__);                                                    \
	}

/* Compiles the text, and frees it. `wanted` must be in the messages; NULL: it must compile. */
void large_ends_with(struct large *text, const char *wanted);
