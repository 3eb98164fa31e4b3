/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * socket: by which socket a run talks to the daemon, and why it may not.
 */

#include "client/authz.h"
#include "tools/app.h"

/* Where authz_default_socket looks for a daemon of the system. */
#define SOCKET_SYSTEM "/run/authz/authz.sock"

struct socket {
	char path[AUTHZ_PATH_SIZE];
	/* The one for managing beside it, when this run manages and does not use it, because
	 * another was named or it may not be opened; empty: none. */
	char managing[AUTHZ_PATH_SIZE];
};

/* Chooses: --socket, or the default for managing, or, for a decision or by a token, that for
 * decisions. Sets socket and user of the options. EXIT_YES, or another status, reported. */
int socket_choose(struct app *app, struct socket *socket, struct authz_options *options);

/* What keeps this user from opening the socket, as in "it belongs to …"; "" when nothing is known
 * to. In the arena. */
const char *socket_obstacle(struct app *app, const char *path);
