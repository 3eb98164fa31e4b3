/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * assignment: what assign and unassign share.
 */

#include "tools/rpc.h"

/* principal, role, at, tenant. */
void assignment_put(struct app *app, struct params *params);

/* "assigned collector to alice at api:/loans/7"; the record with --json. Returns EXIT_YES. */
int assignment_show(struct app *app, struct wire_cursor record, const char *done);
