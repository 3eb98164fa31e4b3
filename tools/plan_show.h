/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plan_show: a plan, as text, as the WHERE of --sql, or as a document.
 */

#include "client/wire.h"
#include "tools/app.h"

/* Prints the result of `plan`; `what` is what was asked for: "list on bookings:/…". EXIT_YES,
 * EXIT_NO if it is never allowed, or another status, reported. */
int plan_show(struct app *app, struct wire_cursor result, const char *what);
