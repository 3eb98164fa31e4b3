/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rights: gives up what the process got from the program that started it and does not need.
 *
 * rights_begin and rights_drop write a message on standard error when they fail. 0 or a negative
 * errno.
 */

#include <sys/types.h>

/* To be called in main before anything is opened. Closes inherited descriptors, except `sockets`
 * that a supervisor passed (activation.h) and the three standard ones, which are opened on
 * /dev/null if they are closed, so that no file of the daemon gets their numbers. Sets the umask to
 * 022 and forbids core files. */
int rights_begin(unsigned sockets);

/* If the caller is root and `user` is another one (NULL: none), becomes that user. Then, in every
 * case, root's too: no capabilities, an empty bounding set (if the caller may change it),
 * no_new_privs, so that no execve(2) can give privileges back, no core dumps (prctl(2)), and an
 * empty environment. To be called before the first thread is started. */
int rights_drop(const char *user, uid_t uid, gid_t gid);

/* Raises the limit of descriptors, if it is lower, to `want`, or to the hard limit if that is lower
 * still. 0; -EMFILE if the hard limit, which goes to *out_hard, is below `need`; or another
 * negative errno. Writes no message. */
int rights_raise_descriptors(
	unsigned long long need, unsigned long long want, unsigned long long *out_hard);
