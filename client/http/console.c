/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/console.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/http/console_internal.h"
#include "client/http/console_page.h"

uint64_t http_console_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool http_console_is_target(const struct http_exchange *exchange)
{
	static const char prefix[] = "/console";
	const struct http_console *console = exchange->door->console;
	char after;

	if (console == NULL || console->is_local) {
		return console != NULL;
	}
	if (strncmp(exchange->target, prefix, sizeof prefix - 1) != 0) {
		return false;
	}
	after = exchange->target[sizeof prefix - 1];
	return after == '\0' || after == '/' || after == '?';
}

const char *const *http_console_headers(void)
{
	static const char *const headers[] = { "X-Content-Type-Options", "nosniff",
		"X-Frame-Options", "DENY", "Referrer-Policy", "no-referrer",
		"Cross-Origin-Opener-Policy", "same-origin", "Cross-Origin-Resource-Policy",
		"same-origin", NULL };

	return headers;
}

/* --- sessions --------------------------------------------------------------------------------- */

/* `secret` NULL: the cookie ends. */
static void answer_cookie(struct http_exchange *exchange, const char *secret)
{
	char cookie[HTTP_CONSOLE_COOKIE + HTTP_CONSOLE_SECRET + 64];
	const char *headers[] = { "Set-Cookie", cookie, NULL };

	snprintf(cookie, sizeof cookie, "%s=%s; Path=/console; HttpOnly; SameSite=Strict%s",
		exchange->door->console->cookie, secret != NULL ? secret : "",
		secret != NULL ? "" : "; Max-Age=0");
	http_exchange_reply(exchange, 204, NULL, NULL, 0, headers);
	wire_wipe(cookie, sizeof cookie);
}

static void on_session_post(struct http_exchange *exchange)
{
	struct http_console *console = exchange->door->console;
	struct http_console_error error;
	const json_t *ticket;
	const char *secret;
	json_t *body;

	if (!http_console_admit(exchange, HTTP_CONSOLE_CHANGE)) {
		return;
	}
	body = http_console_read_ticket(exchange->body, exchange->body_len, &error);
	if (body == NULL) {
		http_console_answer_error(
			exchange, http_console_status_of(error.code), error.code, &error.text);
		return;
	}
	ticket = json_object_get(body, "ticket");
	secret = http_console_use_ticket(&console->sessions, json_string_value(ticket),
		json_string_length(ticket), http_console_now());
	if (secret != NULL) {
		answer_cookie(exchange, secret);
	} else {
		http_console_refuse(exchange, "unauthenticated",
			"this link was used already, or is older than 10 minutes: press Enter in "
			"the terminal where `authzcheck console` runs, and open the new one");
	}
	json_decref(body);
}

static void on_session_delete(struct http_exchange *exchange)
{
	struct http_console *console = exchange->door->console;
	struct wire_str session = { NULL, 0 };

	if (!http_console_admit(exchange, HTTP_CONSOLE_CHANGE)) {
		return;
	}
	if (http_console_find_session(exchange, &session)) {
		http_console_end_session(&console->sessions, session.ptr, session.len);
	}
	answer_cookie(exchange, NULL);
}

/* --- the page --------------------------------------------------------------------------------- */

static void on_page(struct http_exchange *exchange)
{
	const char *headers[] = { "Content-Encoding", "gzip", "Content-Security-Policy",
		http_console_page.policy, NULL };

	if (http_console_admit(exchange, HTTP_CONSOLE_PAGE)) {
		http_exchange_show(exchange, "text/html; charset=utf-8", http_console_page.bytes,
			http_console_page.len, headers);
	}
}

/* Relative, for a web server that has it below a path of its own. */
static void on_no_slash(struct http_exchange *exchange)
{
	static const char *const headers[] = { "Location", "console/", NULL };

	if (http_console_admit(exchange, HTTP_CONSOLE_PAGE)) {
		http_exchange_reply(exchange, 303, NULL, NULL, 0, headers);
	}
}

static void on_root(struct http_exchange *exchange)
{
	static const char *const headers[] = { "Location", "/console/", NULL };

	if (http_console_admit(exchange, HTTP_CONSOLE_PAGE)) {
		http_exchange_reply(exchange, 303, NULL, NULL, 0, headers);
	}
}

void http_console_routes(bool is_local, struct http_route out[static HTTP_CONSOLE_ROUTES])
{
	static const struct http_route both[] = {
		{ "/console/", "GET", 0, on_page },
		{ "/console", "GET", 0, on_no_slash },
		{ "/console/session", "GET", 0, http_console_on_session_get },
		{ "/console/call", "POST", HTTP_CONSOLE_MAX_CALL, http_console_on_call },
	};
	static const struct http_route local[] = {
		{ "/", "GET", 0, on_root },
		{ "/console/session", "POST", HTTP_CONSOLE_MAX_TICKET, on_session_post },
		{ "/console/session", "DELETE", HTTP_CONSOLE_MAX_TICKET, on_session_delete },
	};

	memset(out, 0, HTTP_CONSOLE_ROUTES * sizeof *out);
	memcpy(out, both, sizeof both);
	if (is_local) {
		memcpy(out + sizeof both / sizeof both[0], local, sizeof local);
	}
}
