/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rights: drops the privileges of a daemon that root started.
 */

#include <sys/types.h>

/* Becomes the user, if root calls it and names another (NULL: none). After it nothing can give
 * privileges back, and the kernel writes no core. 0, or a negative errno and a message on standard
 * error. */
int rights_drop(const char *user, uid_t uid, gid_t gid);
