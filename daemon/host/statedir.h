/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * statedir: creates the folder of the store, checks its owner and mode, and locks it for one
 * process. Any thread.
 */

#include <stdbool.h>
#include <sys/types.h>

#define STATEDIR_WHY 8192 /* bytes of a message: a path of any length and text around it */

struct statedir {
	const char *path;
	bool make_parents; /* create missing parents too */
	uid_t uid;         /* the daemon's user, which must own it */
	gid_t gid;
	const char *user; /* the name of uid; NULL: it was not named */
};

/* Creates the folder if it is missing, and refuses one that another user may write, or with files
 * that the daemon's user cannot open. If root calls it, a folder of root's that is empty is given
 * to the daemon's user. 0, or a negative errno and a message in `why`. */
int statedir_prepare(const struct statedir *dir, char why[static STATEDIR_WHY]);

/* Creates the folder of a socket, with its parents. Returns as statedir_prepare does. */
int statedir_prepare_socket(const char *socket, char why[static STATEDIR_WHY]);

/* Locks the folder until the caller closes *out_fd. Refuses a lock file with a second name (a hard
 * link), and gives none to the daemon's user but one that it made. 0, or a negative errno and a
 * message in `why`; -EBUSY: another process holds the lock, and `why` names it. */
int statedir_lock(const struct statedir *dir, int *out_fd, char why[static STATEDIR_WHY]);
