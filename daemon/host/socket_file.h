/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * socket_file: the file that a Unix socket is bound to.
 *
 * fstat(2) of the socket says nothing of that file, and the path may lead to another one by now:
 * a user who can write a folder of the path can put another file in its place. The kernel
 * gives the file itself to a process with CAP_NET_ADMIN (SIOCUNIXFILE, Linux 4.13), as authzd has
 * when it is started as root. Without that right the file at the path is taken for it.
 */

#include <sys/stat.h>

/*
 * Opens the file that the socket `fd` is bound to, whose path is `path`, for fstat(2) and
 * fchownat(2) alone (O_PATH). The caller closes it. Fills *out with what it is now. Negative errno:
 * -ESTALE: another file is at the path, so no client reaches the socket; -ENOTSOCK: no socket is;
 * -EMLINK: the file has another name too, by which it may be another process's.
 */
int socket_file_open(int fd, const char *path, struct stat *out);
