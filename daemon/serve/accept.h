/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * accept: gives an accepted connection to a worker, or turns it away with the reason. main's
 * thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct config_listener;
struct server;

/* What the log has of refused connections. */
struct accept_refusals {
	bool logged;
	uint64_t logged_at; /* uv_hrtime */
	uint64_t since;     /* refused since then */
};

/* Takes over fd. */
void accept_connection(struct server *server, const struct config_listener *listener, int fd);

/* Sends one error without an id, as far as the peer takes it at once, and closes. */
void accept_refuse(int fd, const char *message);

/* Every second, and when a connection found no room among the shared ones: while connections are
 * scarce, the workers close idle ones. */
void accept_make_room(struct server *server);
