/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * draw: lines at depths, drawn as a tree with its branches.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/text/arena.h"

/* Deeper lines hang where this depth hangs: paths have at most 64 segments. */
#define DRAW_MAX_DEPTH 80

struct draw_line {
	unsigned depth;   /* 0: a root, without a branch */
	const char *text; /* of one line or several */
	bool last;        /* of its siblings; worked out by draw_print */
};

/* Zeroed, it is empty. */
struct draw {
	struct draw_line *lines;
	size_t count;
	size_t capacity;
};

/* Adds a line, in order; its text is borrowed. False: no memory. */
bool draw_add(struct draw *draw, struct pol_arena *arena, unsigned depth, const char *text);

/* The columns before the text at a depth; further lines of one text begin DRAW_STEP to the right.
 */
#define DRAW_STEP 4
size_t draw_indent(unsigned depth);

void draw_print(struct draw *draw, FILE *file);
