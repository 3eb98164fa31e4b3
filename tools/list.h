/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * list: what the `… list` subcommands share: every page of a method, as a table or as the JSON
 * document {"items": […]}.
 */

#include <stddef.h>

#include "client/wire.h"
#include "tools/rpc.h"
#include "tools/table.h"

struct list {
	const char *method;
	const char *what; /* "keys" */
	const char *const *titles;
	size_t columns;
	/* Puts the filters. */
	void (*fill)(void *context, struct params *params);
	/* One record into `columns` cells, their texts in the given arena. */
	void (*row)(struct app *app, struct pol_arena *arena, struct wire_cursor item,
		struct table_cell *cells);
};

/* `context` of fill is app itself. */
int list_run(struct app *app, const struct list *list);
/* *out_count: how many records there were. */
int list_run_counted(struct app *app, const struct list *list, size_t *out_count);

/* For a record that has a list: appends to the JSON array `items`, or prints the table under a
 * blank line. `fill` gets `context`. */
int list_part(struct app *app, const struct list *list, json_t *items, void *context);

/* A status in its colour: active green, revoked and inactive red, expired yellow. */
struct table_cell list_status(struct pol_arena *arena, struct wire_cursor item);
