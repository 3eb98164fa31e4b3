/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * role: what the subcommands of roles share.
 */

#include "tools/rpc.h"

/* name, tenant, description, inherits, grants: as far as they were given; with `edit` an empty one
 * takes what it names away. */
void role_put(struct app *app, struct params *params, bool edit);

/* The record, for people or, with --json, as it came. EXIT_YES. */
int role_show(struct app *app, struct wire_cursor record);

/* Calls `method` with the first word as name (and --tenant, if given) and shows what it answers. */
int role_show_by_name(struct app *app, const char *method);
