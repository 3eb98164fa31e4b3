/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * question: the two words of a question about a request, for `check` and `plan`.
 */

#include "tools/rpc.h"

/* Is the second word a path or a resource? False: reported. */
bool question_check(struct app *app);

/* Puts what is asked: "GET /loans/7" is a request as a web server saw it, "read api:/loans/7" names
 * the resource. Returns it as text for people. */
const char *question_put(struct app *app, struct params *params);
