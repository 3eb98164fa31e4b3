/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/console_session.h"

#include <string.h>
#include <sys/random.h>

#include "client/wire.h"

enum { RANDOM_BYTES = HTTP_CONSOLE_SECRET / 2 };

static bool draw(char out[HTTP_CONSOLE_SECRET + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[RANDOM_BYTES];
	bool good = getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes;

	for (size_t i = 0; good && i < sizeof bytes; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[good ? HTTP_CONSOLE_SECRET : 0] = '\0';
	wire_wipe(bytes, sizeof bytes);
	return good;
}

/* Takes as long wherever the first difference is. An empty `own` is equal to nothing. */
static bool is_same(const char own[HTTP_CONSOLE_SECRET + 1], const char *text, size_t len)
{
	unsigned char difference = len != HTTP_CONSOLE_SECRET || own[0] == '\0';

	for (size_t i = 0; i < HTTP_CONSOLE_SECRET && len == HTTP_CONSOLE_SECRET; i++) {
		difference |= (unsigned char)(own[i] ^ text[i]);
	}
	return difference == 0;
}

bool http_console_make_ticket(struct http_console_sessions *sessions, uint64_t now)
{
	sessions->made_at = now;
	return draw(sessions->ticket);
}

static struct http_console_session *oldest(struct http_console_sessions *sessions)
{
	struct http_console_session *found = &sessions->items[0];

	for (size_t i = 1; i < HTTP_CONSOLE_SESSIONS; i++) {
		struct http_console_session *item = &sessions->items[i];

		if (found->secret[0] != '\0' &&
			(item->secret[0] == '\0' || item->number < found->number)) {
			found = item;
		}
	}
	return found;
}

const char *http_console_use_ticket(
	struct http_console_sessions *sessions, const char *ticket, size_t len, uint64_t now)
{
	struct http_console_session *session;

	if (!is_same(sessions->ticket, ticket, len) ||
		now - sessions->made_at >= HTTP_CONSOLE_TICKET_MS) {
		return NULL;
	}
	wire_wipe(sessions->ticket, sizeof sessions->ticket);
	session = oldest(sessions);
	session->number = sessions->count++;
	return draw(session->secret) ? session->secret : NULL;
}

static size_t find(const struct http_console_sessions *sessions, const char *secret, size_t len)
{
	size_t found = HTTP_CONSOLE_SESSIONS;

	for (size_t i = 0; i < HTTP_CONSOLE_SESSIONS; i++) {
		found = is_same(sessions->items[i].secret, secret, len) ? i : found;
	}
	return found;
}

bool http_console_has_session(
	const struct http_console_sessions *sessions, const char *secret, size_t len)
{
	return find(sessions, secret, len) < HTTP_CONSOLE_SESSIONS;
}

void http_console_end_session(
	struct http_console_sessions *sessions, const char *secret, size_t len)
{
	size_t found = find(sessions, secret, len);

	if (found < HTTP_CONSOLE_SESSIONS) {
		wire_wipe(&sessions->items[found], sizeof sessions->items[found]);
	}
}

void http_console_wipe_sessions(struct http_console_sessions *sessions)
{
	wire_wipe(sessions, sizeof *sessions);
}
