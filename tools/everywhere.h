/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * everywhere: what --everywhere and --as-of add to calls, for a store that several hosts share.
 */

#include <stdbool.h>

#include "client/wire.h"
#include "tools/app.h"
#include "tools/rpc.h"

/* Does the method change what is shared? */
bool everywhere_changes(const char *method);

/* --everywhere is for commands that change something. EXIT_YES; or EXIT_USAGE, reported. */
int everywhere_check(struct app *app);

/* Puts `as_of`, and for a change `everywhere`, if the options are given. */
void everywhere_put(struct app *app, const char *method, struct params *params);

/* The first change that some hosts did not report names them on standard error, and makes the run's
 * exit status that of `unavailable`. */
void everywhere_read(struct app *app, struct wire_cursor result);
