/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * table: rows in aligned columns, printed a page at a time so that a list of any length needs
 * little memory. A column never gets narrower from one page to the next; an empty table prints
 * nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/text/arena.h"
#include "tools/text.h"

#define TABLE_MAX_COLUMNS 12

/* Text must be fit to show (text_escape); NULL and "" show as "-". */
struct table_cell {
	const char *text;
	enum colour colour;
};

struct table_row;

struct table {
	struct pol_arena rows; /* of the page at hand */
	const char *const *titles;
	size_t columns;
	size_t widths[TABLE_MAX_COLUMNS];
	struct table_row *first;
	struct table_row *last;
	bool colour;
	bool titled; /* the header was printed */
	bool used[TABLE_MAX_COLUMNS];
};

/* titles: `columns` of them, borrowed until finish. */
void table_init(struct table *table, const char *const *titles, size_t columns, bool colour);
void table_finish(struct table *table);

/* For the texts of the page's cells. */
struct pol_arena *table_arena(struct table *table);

/* Copies `columns` cells; their texts must live until the page is printed. False: no memory. */
bool table_add(struct table *table, const struct table_cell *cells);

/* Prints the page and forgets its rows. A column that was empty all through the first page is left
 * out, except the first. */
void table_print(struct table *table, FILE *file);
