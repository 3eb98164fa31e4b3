/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * log_verify: `log --verify`, slice by slice, with progress on a terminal.
 */

#include "tools/app.h"

/* EXIT_YES: nothing is wrong. EXIT_NO: problems were found and printed. */
int log_verify(struct app *app);
