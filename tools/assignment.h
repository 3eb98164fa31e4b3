/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * assignment: what assign and unassign share.
 */

#include "tools/rpc.h"

/* principal, role, at, tenant. */
void assignment_put(struct app *app, struct params *params);

/* "assigned: alice, role viewer, at api:/loans/7". */
void assignment_print(struct app *app, struct wire_cursor record, const char *done);
