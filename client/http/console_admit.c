/* SPDX-License-Identifier: Apache-2.0 */
/* console_admit: whose requests the console takes, and who calls by them. */
#include <string.h>
#include <strings.h>

#include "client/http/console_internal.h"

/* Cookies are sent to every port of an address, and the port may be another user's after this
 * program has ended. So a program of another user is refused, whatever it knows. */
static bool is_own_peer(
	const struct http_console *console, const struct http_connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection->handle, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	uid_t uid;

	return info != NULL &&
	       http_peers_find(&console->peers, info->client_addr,
		       (const struct sockaddr *)&console->address, &uid) &&
	       (uid == 0 || uid == console->own || uid == console->starter);
}

void http_console_begin_connection(struct http_console *console, struct http_connection *connection)
{
	if (!console->is_local) {
		return;
	}
	connection->peer = is_own_peer(console, connection) ? HTTP_PEER_OWN : HTTP_PEER_FOREIGN;
	if (connection->peer == HTTP_PEER_FOREIGN && ++console->foreign > HTTP_CONSOLE_FOREIGN) {
		http_connection_shut(connection);
	}
}

void http_console_end_connection(
	struct http_console *console, const struct http_connection *connection)
{
	if (connection->peer == HTTP_PEER_FOREIGN) {
		console->foreign--;
	}
}

bool http_console_admit(struct http_exchange *exchange, enum http_console_kind kind)
{
	const struct http_console *console = exchange->door->console;
	const struct http_console_refusal *refusal;

	if (console->is_local && exchange->own->peer != HTTP_PEER_OWN) {
		exchange->close = true;
		http_console_refuse(exchange, "forbidden", "this console is another user's");
		return false;
	}
	refusal = http_console_guard(&exchange->head, console->origins, kind);
	if (refusal != NULL) {
		http_console_refuse(exchange, refusal->code, refusal->message);
	}
	return refusal == NULL;
}

/* The next value of a cookie of that name; moves `*at` after it. */
static bool next_cookie(const char **at, const char *end, const char *name, struct wire_str *out)
{
	size_t len = strlen(name);

	while (*at < end) {
		const char *begin = *at, *next = memchr(begin, ';', (size_t)(end - begin));
		const char *stop = next != NULL ? next : end;

		*at = next != NULL ? next + 1 : end;
		while (begin < stop && *begin == ' ') {
			begin++;
		}
		if ((size_t)(stop - begin) > len && begin[len] == '=' &&
			memcmp(begin, name, len) == 0) {
			*out = (struct wire_str){ begin + len + 1,
				(size_t)(stop - begin) - len - 1 };
			return true;
		}
	}
	return false;
}

bool http_console_find_session(const struct http_exchange *exchange, struct wire_str *out)
{
	const struct http_console *console = exchange->door->console;

	for (size_t i = 0; i < exchange->head.count; i++) {
		const struct http_field *field = &exchange->head.fields[i];
		const char *at = field->value, *end = at + field->len;

		if (strcasecmp(field->name, "Cookie") != 0) {
			continue;
		}
		while (next_cookie(&at, end, console->cookie, out)) {
			if (http_console_has_session(&console->sessions, out->ptr, out->len)) {
				return true;
			}
		}
	}
	return false;
}

static void refuse_caller(struct http_exchange *exchange, const struct http_question *question)
{
	if (question->status == 400) {
		http_console_refuse(exchange, "invalid_request",
			"the header with the user is there twice, is empty or not text, or has "
			"another spelling");
	} else if (question->has_token) {
		http_console_refuse(exchange, "unauthenticated",
			"the request has two tokens that differ, one that is malformed, or a token "
			"and a user whom the web server names");
	} else {
		http_console_refuse(exchange, "unauthenticated", "sign in with a key");
	}
}

bool http_console_find_caller(struct http_exchange *exchange, struct http_console_caller *out)
{
	const struct http_console *console = exchange->door->console;
	struct http_question *question = &exchange->question;
	struct wire_str session;

	*out = (struct http_console_caller){ .token = console->token };
	if (console->is_local) {
		if (!http_console_find_session(exchange, &session)) {
			http_console_refuse(exchange, "unauthenticated",
				"open a new link: press Enter in the terminal where `authzcheck "
				"console` runs");
			return false;
		}
		return true;
	}
	if (!http_request_read_caller(exchange->door->listener, &exchange->head, question)) {
		refuse_caller(exchange, question);
		return false;
	}
	if (question->request.token != NULL) {
		out->token = (struct wire_str){ question->token, strlen(question->token) };
	} else {
		out->impersonate = (struct wire_str){ question->request.principal,
			strlen(question->request.principal) };
	}
	return true;
}
