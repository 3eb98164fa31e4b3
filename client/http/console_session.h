/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_session: who has opened a console's one-time link, and may go on.
 *
 * A ticket is in the link; the page exchanges it, once, for a session, whose secret is a cookie.
 * Both are 256 random bits of the kernel, in hex digits. Times are milliseconds of a clock that
 * never goes back and counts while the machine sleeps.
 *
 * Pure, except for the random bytes. http_console_wipe_sessions ends all of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_CONSOLE_SESSIONS = 16, /* the oldest one ends when there is one more */
	HTTP_CONSOLE_SECRET = 64,   /* hex digits */
	HTTP_CONSOLE_TICKET_MS = 10 * 60 * 1000,
};

struct http_console_session {
	char secret[HTTP_CONSOLE_SECRET + 1]; /* empty: there is none */
	uint64_t number;                      /* in the order in which they began */
};

/* A zeroed one has no ticket and no session. */
struct http_console_sessions {
	char ticket[HTTP_CONSOLE_SECRET + 1]; /* empty: it was used, or none was made */
	uint64_t made_at;
	struct http_console_session items[HTTP_CONSOLE_SESSIONS];
	uint64_t count; /* since the start */
};

/* Makes a new ticket, which voids the one before. False: the kernel gives no random bytes. */
bool http_console_make_ticket(struct http_console_sessions *sessions, uint64_t now);

/* Exchanges the ticket for a session, whose secret is returned, good until it ends; NULL: it is not
 * the ticket, or too old. */
const char *http_console_use_ticket(
	struct http_console_sessions *sessions, const char *ticket, size_t len, uint64_t now);

/* Is it the secret of a session? */
bool http_console_has_session(
	const struct http_console_sessions *sessions, const char *secret, size_t len);

void http_console_end_session(
	struct http_console_sessions *sessions, const char *secret, size_t len);

void http_console_wipe_sessions(struct http_console_sessions *sessions);
