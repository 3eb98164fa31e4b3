/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * diagnostics: what is wrong with a policy, as the daemon tells it.
 */

#include <stdio.h>

#include "client/wire.h"
#include "tools/app.h"

/* Prints the array `diagnostics` of a map, if there is one: FILE:LINE:COLUMN: error: MESSAGE, the
 * notes behind each. */
void diagnostics_print(struct app *app, struct wire_cursor map, FILE *file);
