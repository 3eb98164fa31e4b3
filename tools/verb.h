/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * verb: what the subcommands do that are one call. Their row in the table names the method; the
 * words and the options become its parameters.
 */

#include "tools/rpc.h"

/* For the row's `run`. */
int verb_run(struct app *app);

/* The second half, for commands that put more parameters: calls the row's method, finishes params
 * in any case and shows the answer, or with --json prints it. */
int verb_call(struct app *app, struct params *params);

/* Shows an answer as the row says, or with --json prints it. */
int verb_show(struct app *app, struct wire_cursor answer);
