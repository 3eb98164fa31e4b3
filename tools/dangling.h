/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dangling: what the store names and a policy lacks, so that it has no effect: as the daemon
 * reports it, and as the tool finds it for a policy folder that no daemon uses yet.
 */

#include "client/wire.h"
#include "tools/policy.h"
#include "tools/rpc.h"

/* Lines of them in `status` and after a reload; --json has all that the daemon gives. */
#define DANGLING_SHOWN 10

/* The answer's `dangling` ({total, items}), below a line that says what it is. Prints nothing if
 * there is none. */
void dangling_print(struct app *app, struct wire_cursor answer);

/* What is found in the store of the running daemon for `policy`. */
struct dangling_found {
	json_t *items; /* in the form of the daemon's */
	size_t total;
	size_t conflicts; /* principals of the policy that the store has too: it would be refused */
};

/* Asks the daemon for all tenants' roles, principals, assignments and keys. EXIT_YES, or another
 * status, reported. The caller decrefs out->items. */
int dangling_against(struct app *app, const struct policy *policy, struct dangling_found *out);

/* One line for each. */
void dangling_show(struct app *app, const struct dangling_found *found);
