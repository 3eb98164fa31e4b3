/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console: the routes under /console/: the page, who is signed in, and calls of the daemon.
 *
 * Two programs serve it. `authzcheck console` serves one user on loopback: who opened the one-time
 * link has a session, and each call is that of the user who started the program. authz-http serves
 * a team after a web server: each request brings a token of its own, or the user whom the web
 * server has authenticated, and the daemon decides what that one may do.
 *
 * Only methods of console_methods.h are passed on. Answers may hold a new secret, so they are wiped
 * when they were sent. Every answer has headers that keep other pages out.
 */

#include <stdbool.h>
#include <sys/socket.h>

#include "client/http/console_guard.h"
#include "client/http/console_local.h"
#include "client/http/console_session.h"
#include "client/http/door.h"
#include "client/http/peer.h"
#include "client/wire.h"

enum {
	HTTP_CONSOLE_ROUTES = 7,
	HTTP_CONSOLE_MAX_ANSWER = 8 * 1024 * 1024, /* bytes */
	HTTP_CONSOLE_COOKIE = 32,                  /* bytes of its name, with the NUL */
	HTTP_CONSOLE_FOREIGN = 8,                  /* connections of other users */
};

/* A zeroed one is for a team, and takes any host. */
struct http_console {
	const struct http_origins *origins;
	const char *service; /* as the page shows it; NULL: none */
	/* From here on for one user. */
	bool is_local;
	struct wire_str token;                  /* that each call has; NULL: none */
	const struct http_console_local *local; /* NULL: no calls of the program itself */
	struct http_console_sessions sessions;
	char cookie[HTTP_CONSOLE_COOKIE]; /* its name has the port, since ports share cookies */
	struct sockaddr_storage address;  /* that it listens at */
	struct http_peers peers;
	/* Users whose programs may connect, beside root. */
	uid_t own, starter;
	unsigned foreign; /* connections of others */
};

/* Is the request for the console of this door? */
bool http_console_is_target(const struct http_exchange *exchange);

/* The rows of its paths. */
void http_console_routes(bool is_local, struct http_route out[static HTTP_CONSOLE_ROUTES]);

/* Notes which user a connection is from, for the console of one user. Some connections of other
 * users are kept, to be refused with an answer; further ones are ended at once, so that they take
 * no room from the user's own. */
void http_console_begin_connection(
	struct http_console *console, struct http_connection *connection);
void http_console_end_connection(
	struct http_console *console, const struct http_connection *connection);

/* Answers in JSON to a request that no handler gets; `reason` as in answer.h. */
void http_console_problem(struct http_exchange *exchange, int status, const char *reason);

/* The headers that every answer has: pairs of name and value up to NULL. */
const char *const *http_console_headers(void);

/* The Content-Security-Policy of answers that are not pages. */
#define HTTP_CONSOLE_POLICY "default-src 'none'; frame-ancestors 'none'"

/* Milliseconds of the clock that sessions go by. */
uint64_t http_console_now(void);
