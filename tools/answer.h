/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * answer: who is asking, put into a request, and a decision told in one line.
 */

#include "tools/rpc.h"

/* token or principal, service, environment, tenant, ip, mfa_at, time: what the options say. */
int answer_subject(struct app *app, struct params *params);

/*
 * Prints "allow  key K (P)" or "deny 403 role: no role of P allows WHAT", WHAT being what was
 * asked for ("delete on api:/loans/7"). Returns EXIT_YES or EXIT_NO. A result that is no decision
 * is a denial.
 */
int answer_print(struct app *app, struct wire_cursor result, const char *what);
