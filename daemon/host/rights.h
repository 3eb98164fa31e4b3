/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rights: gives up what the process got from the program that started it and does not need.
 *
 * Both functions write a message on standard error when they fail. 0 or a negative errno.
 */

#include <sys/types.h>

/* To be called first in main, before anything is opened. Closes inherited descriptors, except the
 * three standard ones, which are opened on /dev/null if they are closed, so that no file of the
 * daemon gets their numbers. Sets the umask to 022 and forbids core files. */
int rights_begin(void);

/* If the caller is root and `user` is another one (NULL: none), becomes that user. Then, in every
 * case, root's too: no capabilities, an empty bounding set (if the caller may change it),
 * no_new_privs, so that no execve(2) can give privileges back, no core dumps (prctl(2)), and an
 * empty environment. To be called before the first thread is started. */
int rights_drop(const char *user, uid_t uid, gid_t gid);
