/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * tenant: what the subcommands of tenants share.
 */

#include "tools/rpc.h"

/* Calls `method` with the first word as id and shows the record that it answers. */
int tenant_show_by_id(struct app *app, const char *method);
