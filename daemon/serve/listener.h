/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * listener: a listening socket and the connections that come in by it. main's thread.
 *
 * The daemon opens the socket, or a supervisor has (host/activation). One that a process serves is
 * never replaced, a dead one is. The kernel shows clients the user who called listen(2), so that is
 * done before the daemon changes its user, and never for a socket that was passed. Connections wait
 * in the kernel until listener_accept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "daemon/config/config.h"

struct activation_socket;
struct server;

#define LISTENER_WHY     1024
#define LISTENER_BACKLOG 1024
#define LISTENER_PAUSE   100 /* ms, when descriptors are exhausted */

struct listener {
	struct server *server;
	const struct config_listener *config;
	const char *path; /* that it is bound to */
	int fd;
	int spare;  /* given up for a moment when descriptors are exhausted */
	bool bound; /* by us: a supervisor's socket stays when the daemon ends */
	dev_t dev;  /* of the socket's file: it is removed only if it is still ours */
	ino_t ino;
	bool polling;
	uv_poll_t poll;
	uv_timer_t pause;
};

/* Binds it, with the owner, group and mode of its line, and listens. 0, or a negative errno and
 * `why`, for people. A failed one is to be closed too. */
int listener_open(struct listener *listener, const struct config_listener *config,
	char why[static LISTENER_WHY]);

/* Takes a supervisor's socket, which must outlive it. The file that it is bound to (as far as this
 * process may ask for that: host/socket_file) must be the one at its path, have no other name and
 * the owner of the line, and let the same users connect. Returns as listener_open does. */
int listener_adopt(struct listener *listener, const struct config_listener *config,
	const struct activation_socket *socket, char why[static LISTENER_WHY]);

/* Begins to accept on the server's loop. */
int listener_accept(struct listener *listener, struct server *server);

/* Accepts no more; removes the file that it made. Its handles are closed by the loop. */
void listener_stop(struct listener *listener);

/* Closes what listener_stop left. One that was only set to LISTENER_NONE is well. */
void listener_close(struct listener *listener);

#define LISTENER_NONE ((struct listener){ .fd = -1, .spare = -1 })
