/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * answer: a decision in one line.
 */

#include "tools/rpc.h"

/*
 * Prints "allow  key K (P)" or "deny 403 role: no role of P allows WHAT", WHAT being what was
 * asked for ("delete on api:/loans/7"). Returns EXIT_YES or EXIT_NO. A result that is not a
 * decision is a denial.
 */
int answer_print(struct app *app, struct wire_cursor result, const char *what);

/* What a reason says, where the rest of the decision is not known: "no role of the caller allows
 * WHAT". */
const char *answer_reason(struct app *app, const char *reason, const char *what);
