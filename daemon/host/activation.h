/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * activation: the listening sockets that a supervisor opened and passed on, by the protocol of
 * sd_listen_fds(3): $LISTEN_FDS descriptors from 3 on, with names in $LISTEN_FDNAMES, if
 * $LISTEN_PID is this process. To clients the kernel shows the user who listened, not the one who
 * serves.
 */

#include <sys/un.h>

#define ACTIVATION_FIRST   3   /* the first descriptor, as the protocol says */
#define ACTIVATION_SOCKETS 16  /* as many as a configuration has lines for them */
#define ACTIVATION_NAME    256 /* systemd allows 255 bytes */

struct activation_socket {
	int fd;
	char path[sizeof((struct sockaddr_un *)0)->sun_path + 1]; /* that it is bound to */
	char name[ACTIVATION_NAME]; /* FileDescriptorName= of its unit; empty: none */
};

struct activation {
	struct activation_socket sockets[ACTIVATION_SOCKETS];
	unsigned count;
};

/* Reads the environment, opens nothing. *out may have no sockets. 0; or a negative errno, after a
 * message on standard error: a passed descriptor is no listening stream socket with a path. */
int activation_read(struct activation *out);
