/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pager: a long table on a terminal is read through $PAGER, or through less where that is there.
 */

#include "tools/app.h"

/* Begins, before the first line of a table, to send standard output through the pager. Nothing
 * happens when it has begun, when standard output is no terminal, and with --no-pager, an empty
 * $PAGER or `cat`; a $PAGER that cannot be started gets a warning. The reader may leave early,
 * which is not a failure: ferror(stdout) then says that no more are wanted. */
void pager_begin(struct app *app);

/* Waits until the reader has left the pager, and warns if that failed. Standard output is the
 * terminal again. */
void pager_end(struct app *app);
