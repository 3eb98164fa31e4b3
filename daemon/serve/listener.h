/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * listener: a listening socket and the connections that come in by it. main's thread.
 *
 * A socket that a process serves is never replaced, a dead one is. Until listener_listen
 * the socket refuses, so that no client waits for a daemon that fails to start.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "daemon/config/config.h"

struct server;

#define LISTENER_WHY     1024
#define LISTENER_BACKLOG 1024
#define LISTENER_PAUSE   100 /* ms, when descriptors are exhausted */

struct listener {
	struct server *server;
	const struct config_listener *config;
	int fd;
	int lock;  /* held until it listens: two daemons must not replace one dead socket at once */
	int spare; /* given up for a moment when descriptors are exhausted */
	bool bound;
	dev_t dev; /* of the socket's file: it is removed only if it is still ours */
	ino_t ino;
	bool polling;
	uv_poll_t poll;
	uv_timer_t pause;
};

/* Binds listeners[index]; those before it are open, and may hold its lock already. 0, or a
 * negative errno and `why`, for people. A failed one is to be closed too. */
int listener_open(struct listener *listeners, size_t index, const struct config_listener *config,
	char why[static LISTENER_WHY]);

/* Lets go of the lock: all that share it listen. */
void listener_unlock(struct listener *listener);

/* Begins to accept on the server's loop. */
int listener_listen(struct listener *listener, struct server *server);

/* Accepts no more; removes the file. Its handles are closed by the loop. */
void listener_stop(struct listener *listener);

/* Closes what listener_stop left. One that was only set to LISTENER_NONE is well. */
void listener_close(struct listener *listener);

#define LISTENER_NONE ((struct listener){ .fd = -1, .lock = -1, .spare = -1 })
