/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * question: asks the daemon about a request, for `check` and `plan`.
 */

#include "tools/rpc.h"

/* Asks `method` with the command's words, token and options. "GET /loans/7" is a request as a web
 * server saw it, "read api:/loans/7" names the resource. EXIT_YES: *out is the result, and
 * *out_what the question as text for people. Any other status is reported. */
int question_ask(
	struct app *app, const char *method, struct wire_cursor *out, const char **out_what);
