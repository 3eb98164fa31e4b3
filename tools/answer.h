/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * answer: a decision in one line.
 */

#include "tools/rpc.h"

/*
 * Prints "allow  key K (P)" or "deny 403 role: no role of P allows WHAT", WHAT being what was
 * asked for ("delete on api:/loans/7"). Returns EXIT_YES or EXIT_NO. A result that is no decision
 * is a denial.
 */
int answer_print(struct app *app, struct wire_cursor result, const char *what);
