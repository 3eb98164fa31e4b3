/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * hint: what may help after `check` was denied: the tree or action that was meant, the options that
 * state facts which are not known, and names that the principal or key holds and the policy lacks.
 */

#include "client/wire.h"
#include "tools/app.h"

/* Prints lines on standard error. Asks the daemon, and leaves out what this caller may not
 * see. Results of calls before, `result` among them, are gone. */
void hint_print(struct app *app, struct wire_cursor result);
