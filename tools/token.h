/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * token: where a secret comes from. --token-file FILE, --token - (standard input), --token T
 * (warned about when standard error is a terminal: others can read it), or $AUTHZ_TOKEN.
 */

#include <stdbool.h>

#include "tools/rpc.h"

/*
 * Puts the parameter `token`, if there is one, and wipes every copy but that. EXIT_YES and
 * *out_given; or EXIT_USAGE, reported. $AUTHZ_TOKEN does not count where --principal is given.
 */
int token_put(struct app *app, struct params *params, bool *out_given);

/* Reads the token into the app. For a command that manages (by_token) rpc puts it into every call;
 * without one the calls are the peer's own. EXIT_YES, or reported. $AUTHZ_TOKEN always counts. */
int token_manage(struct app *app);
/* For a part of such a command that tokens may not call: refuses the options and drops
 * $AUTHZ_TOKEN. */
int token_leave(struct app *app, const char *what);
