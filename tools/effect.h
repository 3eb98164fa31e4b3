/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * effect: what a role would allow more and less, as a dry run of a change answers.
 */

#include "client/wire.h"
#include "tools/app.h"

/* Prints the effect; or the role, if the answer is that of a change. Returns EXIT_YES. */
int effect_show(struct app *app, struct wire_cursor record);
