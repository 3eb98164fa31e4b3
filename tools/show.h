/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * show: the daemon's records for people, and which of their fields a list has as columns.
 */

#include "client/wire.h"
#include "tools/app.h"
#include "tools/list.h"

/* Each prints a record and returns EXIT_YES. */
int show_key(struct app *app, struct wire_cursor record);
int show_principal(struct app *app, struct wire_cursor record);
int show_role(struct app *app, struct wire_cursor record);
int show_tenant(struct app *app, struct wire_cursor record);

/* A key with its secret, which is there. A pipe or a file gets the secret and nothing else. */
int show_secret(struct app *app, struct wire_cursor record);

extern const struct list show_keys;
extern const struct list show_audit;
extern const struct list show_principals;
extern const struct list show_assignments;
extern const struct list show_roles;
extern const struct list show_tenants;
