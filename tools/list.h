/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * list: what the `… list` subcommands share: every page of a method, as a table or as the JSON
 * document {"items": […]}. On a terminal the table is as wide as that and goes through a pager.
 * When there is nothing to show, a line on standard error says so.
 */

#include <stddef.h>

#include "client/wire.h"
#include "tools/record.h"
#include "tools/rpc.h"

struct list {
	const char *method;
	const char *what; /* "keys" */
	const struct record_field *columns;
	size_t count;
	bool finds; /* exit status 1 when there is any */
	/* The titles of columns that a narrow terminal leaves out, the first one first, up to NULL;
	 * NULL: none. */
	const char *const *spare;
};

/* Options of a command that prints a table. */
#define LIST_FLAGS FLAG_COLUMNS, FLAG_WIDE

/* For the `run` of a row: the options of the command become parameters. */
int list_run(struct app *app);

/* The name of a column of the list as --columns takes it: "last-used". */
const char *list_column_word(struct app *app, const struct list *list, size_t column);

/* The list of a record. The first word becomes the parameter `word`. With --json the document is
 * the members of `before`, and then the array of this name. */
struct list_part {
	const struct list *list;
	const char *word;
	json_t *before;
	const char *array;
};

/* Prints the table under a blank line, or the document. */
int list_part(struct app *app, const struct list_part *part);
