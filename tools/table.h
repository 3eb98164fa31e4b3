/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * table: rows in aligned columns, printed a page at a time so that a list of any length needs
 * little memory. A column never gets narrower from one page to the next; an empty table prints
 * nothing.
 *
 * With a width, lines are made to fit: the widest cells are cut and end in "…", and when that is
 * not enough, the columns of `spare` are left out, the first one first. A first column and those
 * that are `whole` are never cut, so the lines of a very narrow terminal may still be too long.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/text/arena.h"
#include "tools/text.h"

#define TABLE_MAX_COLUMNS 16

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
	bool colour;
	/* What a caller may set between table_init and table_add: */
	size_t width;             /* of a line; 0: any */
	const char *const *spare; /* titles, up to NULL; NULL: none */
	bool whole[TABLE_MAX_COLUMNS];
	bool all;  /* empty columns, too */
	bool fold; /* the last column is not cut, but goes on in lines below, or begins there */
	/* The table's own: */
	size_t widths[TABLE_MAX_COLUMNS]; /* of the widest cell of all pages so far */
	size_t shown[TABLE_MAX_COLUMNS];  /* as it is printed */
	bool used[TABLE_MAX_COLUMNS];
	bool left[TABLE_MAX_COLUMNS]; /* out, since the line is too narrow */
	struct table_row *first;
	struct table_row *last;
	bool titled; /* the header was printed */
	bool cut;    /* the first column is cut, for the line has no room for it */
	bool below;  /* the last column begins below, for there is no room beside the others */
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
