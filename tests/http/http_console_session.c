/* SPDX-License-Identifier: Apache-2.0 */
/* One-time links, and the sessions that they begin. */
#include <criterion/criterion.h>
#include <string.h>

#include "client/http/console_session.h"

enum { MINUTE = 60 * 1000, AT = 1000 };

static struct http_console_sessions sessions;

static const char *use(const char *ticket, uint64_t now)
{
	return http_console_use_ticket(&sessions, ticket, strlen(ticket), now);
}

static bool has(const char *secret)
{
	return http_console_has_session(&sessions, secret, strlen(secret));
}

/* A new session's secret. */
static void begin(char out[HTTP_CONSOLE_SECRET + 1])
{
	char ticket[HTTP_CONSOLE_SECRET + 1];
	const char *secret;

	cr_assert(http_console_make_ticket(&sessions, AT));
	memcpy(ticket, sessions.ticket, sizeof ticket);
	secret = use(ticket, AT);
	cr_assert_not_null(secret);
	memcpy(out, secret, HTTP_CONSOLE_SECRET + 1);
}

Test(console_session, a_ticket_works_once)
{
	char ticket[HTTP_CONSOLE_SECRET + 1];

	cr_assert(http_console_make_ticket(&sessions, AT));
	memcpy(ticket, sessions.ticket, sizeof ticket);
	cr_expect_eq(strspn(ticket, "0123456789abcdef"), HTTP_CONSOLE_SECRET);
	cr_expect_not_null(use(ticket, AT));
	cr_expect_null(use(ticket, AT));
}

Test(console_session, a_ticket_works_for_ten_minutes)
{
	char ticket[HTTP_CONSOLE_SECRET + 1];

	cr_assert(http_console_make_ticket(&sessions, AT));
	memcpy(ticket, sessions.ticket, sizeof ticket);
	cr_expect_null(use(ticket, AT + 10 * MINUTE));
	cr_expect_not_null(use(ticket, AT + 10 * MINUTE - 1));
}

Test(console_session, a_new_ticket_voids_the_one_before)
{
	char first[HTTP_CONSOLE_SECRET + 1];

	cr_assert(http_console_make_ticket(&sessions, AT));
	memcpy(first, sessions.ticket, sizeof first);
	cr_assert(http_console_make_ticket(&sessions, AT));
	cr_expect_str_neq(first, sessions.ticket);
	cr_expect_null(use(first, AT));
}

Test(console_session, nothing_else_is_a_ticket)
{
	char text[2 * HTTP_CONSOLE_SECRET];

	cr_expect_null(use("", AT), "there is no ticket yet");
	memset(text, 0, sizeof text);
	cr_expect_null(http_console_use_ticket(&sessions, text, HTTP_CONSOLE_SECRET, AT));
	cr_assert(http_console_make_ticket(&sessions, AT));
	memcpy(text, sessions.ticket, HTTP_CONSOLE_SECRET);
	cr_expect_null(http_console_use_ticket(&sessions, text, HTTP_CONSOLE_SECRET - 1, AT));
	cr_expect_null(http_console_use_ticket(&sessions, text, HTTP_CONSOLE_SECRET + 1, AT));
	cr_expect_null(use("", AT));
	for (size_t i = 0; i < HTTP_CONSOLE_SECRET; i++) {
		text[i] ^= 1;
		cr_expect_null(http_console_use_ticket(&sessions, text, HTTP_CONSOLE_SECRET, AT),
			"digit %zu does not count", i);
		text[i] ^= 1;
	}
	cr_expect_not_null(http_console_use_ticket(&sessions, text, HTTP_CONSOLE_SECRET, AT));
}

Test(console_session, a_session_is_there_until_it_ends)
{
	char secret[HTTP_CONSOLE_SECRET + 1], other[HTTP_CONSOLE_SECRET + 1];

	begin(secret);
	begin(other);
	cr_expect(has(secret) && has(other));
	http_console_end_session(&sessions, secret, strlen(secret));
	cr_expect(!has(secret) && has(other));
	cr_expect(!has(""), "an ended session is found by nothing");
	http_console_wipe_sessions(&sessions);
	cr_expect(!has(other));
}

Test(console_session, the_oldest_one_ends_when_there_are_too_many)
{
	char secrets[HTTP_CONSOLE_SESSIONS + 2][HTTP_CONSOLE_SECRET + 1];

	for (size_t i = 0; i < HTTP_CONSOLE_SESSIONS; i++) {
		begin(secrets[i]);
	}
	for (size_t i = 0; i < HTTP_CONSOLE_SESSIONS; i++) {
		cr_expect(has(secrets[i]), "%zu", i);
	}
	begin(secrets[HTTP_CONSOLE_SESSIONS]);
	cr_expect(!has(secrets[0]) && has(secrets[1]) && has(secrets[HTTP_CONSOLE_SESSIONS]));
	http_console_end_session(&sessions, secrets[5], HTTP_CONSOLE_SECRET);
	begin(secrets[HTTP_CONSOLE_SESSIONS + 1]);
	cr_expect(has(secrets[1]), "there was room");
}
