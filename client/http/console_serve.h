/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_serve: the console of one user, on loopback, until its terminal ends.
 *
 * Messages go to standard error, with the name of the program that uses it, authzcheck.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/http/console_local.h"
#include "client/wire.h"

enum { HTTP_CONSOLE_LINK = 160 }; /* bytes of a link, with the NUL */

struct http_console_options {
	bool ip6;      /* listen at ::1, else at 127.0.0.1 */
	uint16_t port; /* 0: a free one */

	const char *socket;    /* of the daemon */
	uid_t server;          /* a user whose daemon is trusted, too; 0: none */
	struct wire_str token; /* that each call has; NULL: the process itself calls */
	const struct http_console_local *local; /* NULL: none */
	const char *folder;  /* that `local` reads; it may be missing, or not for this user */
	const char *modules; /* a folder that `local` loads code from; NULL: none */
	uid_t starter;       /* another user whose browser may connect: who started this by sudo */
	bool watches_terminal; /* standard input: a new link for each line, and its end ends it */

	/* There is a link, which voids the one before. Called before the process is confined if
	 * `first`, and may start a browser then. */
	void (*on_link)(void *context, const char *link, bool first);
	void *context;
};

/* Serves until a signal, or the end of the terminal. 0, or -1 after a message. */
int http_console_serve(const struct http_console_options *options);
