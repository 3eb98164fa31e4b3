/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * sql: the WHERE of a plan, for `plan --sql`. The clients have the same for programs. No value of
 * the plan is in the text: they are parameters. Strings are compared by bytes, whatever the
 * collation of a column, and no comparison is true where a column is NULL.
 */

#include "tools/app.h"

/* Writes the condition of a plan, "always", "never" or "when" with its tree. *out_text lives as
 * long as the run; *out_parameters is an array, to be given to json_decref. The columns are those
 * of --column, the dialect is that of --sql. EXIT_YES, or another status, reported. */
int sql_where(struct app *app, const json_t *plan, const char **out_text, json_t **out_parameters);

/* The placeholder of a parameter, from 0: `$1`, or `?1` where the text has `?` alone. */
const char *sql_placeholder(struct app *app, size_t parameter);

/* Are --sql and --column right? EXIT_YES, or another status, reported. */
int sql_check(struct app *app);
