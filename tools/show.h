/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * show: a key's and a principal's record, for people or, with --json, as it came.
 */

#include "client/wire.h"
#include "tools/rpc.h"

/* Print and return EXIT_YES. */
int show_key(struct app *app, struct wire_cursor record);
/* A record with its secret: a pipe or a file gets the secret and nothing else. */
int show_secret(struct app *app, struct wire_cursor record);
int show_principal(struct app *app, struct wire_cursor record);

/* The fields alone, inside nothing: show_principal's without its JSON. */
void show_principal_fields(struct app *app, struct wire_cursor record);

/* Calls `method` with the first word as id (and --tenant, if given) and shows what it answers. */
int show_key_by_id(struct app *app, const char *method);
int show_principal_by_id(struct app *app, const char *method);
