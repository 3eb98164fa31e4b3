/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * model_print: what the files that write a policy share. They write to a stream, and abort when
 * there is no memory.
 */

#include <stdio.h>

#include "model.h"

enum { STATEMENTS = 2 * NODES + ROLES + SCOPES + 5 };

struct printer {
	struct dice *dice;
	const struct policy *policy;
	bool one_line;
	char *statements[STATEMENTS];
	unsigned count;
	unsigned apart[NODES]; /* nodes that are declared in another statement */
	unsigned apart_count;
};

void shuffle(struct dice *dice, unsigned *items, unsigned count);
FILE *open_text(char **text, size_t *size);

/* model_print_path.c */
void put_segment(FILE *out, const struct segment *segment);
void put_route(FILE *out, const struct route *route);
void put_chain(FILE *out, const struct policy *policy, int node);
/* " at api:/a, ui:/b", or nothing. */
void put_places(
	FILE *out, const struct policy *policy, const struct concrete *places, unsigned count);

/* model_print_tree.c: adds the statements that declare the node and all below it. */
void add_tree(struct printer *printer, unsigned node);
