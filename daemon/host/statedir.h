/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * statedir: makes the folder of the store, checks its owner and mode, and locks it for one process.
 */

#include <stdbool.h>
#include <sys/types.h>

#define STATEDIR_WHY 8192 /* a path of any length, and words around it */

struct statedir {
	const char *path;
	bool make_parents; /* when it is missing */
	uid_t uid;         /* the daemon's user, who must own it */
	gid_t gid;
};

/* Makes the folder when it is missing; refuses one that another user may write. Root gives it to
 * the daemon's user. 0, or a negative errno and a message in `why`. */
int statedir_prepare(const struct statedir *dir, char why[static STATEDIR_WHY]);

/* Makes the folder of a socket, with its parents. */
int statedir_prepare_socket(const char *socket, char why[static STATEDIR_WHY]);

/* Locks the folder until the descriptor is closed. -EBUSY: another process holds the lock, and
 * `why` names it. */
int statedir_lock(const struct statedir *dir, int *out_fd, char why[static STATEDIR_WHY]);
