/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * statedir: the folder of the store: made, judged, and held by one process.
 */

#include <stddef.h>

#include "daemon/config/config.h"

#define STATEDIR_WHY 8192 /* a path of any length, and words around it */

/* Makes the default folder with its parents when it is missing, one that was named without them;
 * refuses one that somebody else may write. As root it is given to the daemon's user. 0, or a
 * negative errno and `why`, for people. */
int statedir_prepare(const struct config *config, char why[static STATEDIR_WHY]);

/* The same for the folder of the default socket. */
int statedir_prepare_socket(const struct config *config, char why[static STATEDIR_WHY]);

/* Holds the folder until the descriptor is closed. -EBUSY: another process does, `why` names it. */
int statedir_lock(const struct config *config, int *out_fd, char why[static STATEDIR_WHY]);
