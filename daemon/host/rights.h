/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rights: drops the privileges of a daemon that root started.
 */

#include <sys/types.h>

/* If the caller is root and `user` is another one (NULL: none), becomes that user. Then sets
 * no_new_privs, so that no exec(2) can give privileges back, and forbids core dumps (prctl(2)).
 * 0, or a negative errno and a message on standard error. */
int rights_drop(const char *user, uid_t uid, gid_t gid);
