/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * diagnostics: the diagnostics of a policy, as the daemon answers them.
 */

#include <stdio.h>

#include "client/wire.h"
#include "tools/app.h"

/* Prints the array `diagnostics` of a map, if there is one: FILE:LINE:COLUMN: error: MESSAGE, each
 * followed by its notes. */
void diagnostics_print(struct app *app, struct wire_cursor map, FILE *file);
