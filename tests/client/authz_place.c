/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include "tests/client/authz_test.h"

/*
 * Places of a shared store: what goes out with each question, and what a change says.
 */

#define PLACE "4711-9f86d081884c7d65"

/* What the server has read. */
struct seen {
	char bytes[4096];
	size_t len;
};

static void note(struct fake_server *server, int fd, unsigned number)
{
	struct seen *seen = server->data;
	ssize_t n;

	(void)number;
	while ((n = recv(fd, seen->bytes, sizeof seen->bytes, 0)) > 0) {
		struct wire_cursor cursor = wire_cursor_of(seen->bytes, (size_t)n);
		uint32_t count;
		int64_t id = 0;

		seen->len = (size_t)n;
		cr_assert(wire_read_array(&cursor, &count) && wire_skip(&cursor) &&
			  wire_read_int(&cursor, &id));
		fake_answer(fd, (uint32_t)id, true);
	}
}

static size_t count_of(const struct seen *seen, const char *text)
{
	size_t len = strlen(text), found = 0;

	for (size_t at = 0; at + len <= seen->len; at++) {
		found += memcmp(seen->bytes + at, text, len) == 0;
	}
	return found;
}

Test(authz_place, goes_with_each_question_until_it_is_taken_away)
{
	struct seen seen = { .len = 0 };
	struct fake_server server;
	struct authz_decision decision;
	struct authz *authz;

	fake_start(&server, note);
	server.data = &seen;
	authz = client_of(&server, LONG_MS);
	cr_assert_eq(authz_set_as_of(authz, PLACE), AUTHZ_OK);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
		cr_assert_eq(decision.verdict, AUTHZ_ALLOW);
		cr_assert_eq(count_of(&seen, "\xa5"
					     "as_of"
					     "\xb5" PLACE),
			1);
	}
	cr_assert_eq(authz_set_as_of(authz, NULL), AUTHZ_OK);
	cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_assert_eq(count_of(&seen, "as_of"), 0);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_place, stands_once_beside_many_requests)
{
	const struct authz_request both[] = { question, question };
	struct authz_decision decisions[2];
	struct seen seen = { .len = 0 };
	struct fake_server server;
	struct authz *authz;

	fake_start(&server, note);
	server.data = &seen;
	authz = client_of(&server, LONG_MS);
	cr_assert_eq(authz_set_as_of(authz, PLACE), AUTHZ_OK);
	/* The answer is that of one question, so that all are denied. */
	cr_assert_eq(authz_check_many(authz, NULL, both, 2, decisions), AUTHZ_EPROTO);
	cr_assert_eq(count_of(&seen, "as_of"), 1);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_place, one_that_is_too_long_is_refused)
{
	char place[AUTHZ_PLACE_SIZE + 1];
	struct authz *authz = NULL;
	const struct authz_options options = { .socket = "/nonexistent" };

	memset(place, '1', sizeof place);
	place[AUTHZ_PLACE_SIZE] = '\0';
	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_assert_eq(authz_set_as_of(authz, place), AUTHZ_EINVAL);
	place[AUTHZ_PLACE_SIZE - 1] = '\0';
	cr_assert_eq(authz_set_as_of(authz, place), AUTHZ_OK);
	cr_assert_eq(authz_set_as_of(NULL, PLACE), AUTHZ_EINVAL);
	authz_destroy(authz);
}

Test(authz_place, of_a_change_is_in_its_reply)
{
	static const char with[] = "\x82\xa2id\xa1"
				   "1"
				   "\xa5"
				   "as_of\xb5" PLACE;
	static const char without[] = "\x81\xa2id\xa1"
				      "1";
	static const char wrong[] = "\x81\xa5"
				    "as_of\x01";
	struct authz_reply reply = { .data = with, .len = sizeof with - 1 };
	char place[AUTHZ_PLACE_SIZE];

	cr_assert_eq(authz_reply_as_of(&reply, place, sizeof place), AUTHZ_OK);
	cr_assert_str_eq(place, PLACE);
	cr_assert_eq(authz_reply_as_of(&reply, place, 8), AUTHZ_EPROTO);
	cr_assert_str_eq(place, "");
	reply = (struct authz_reply){ .data = without, .len = sizeof without - 1 };
	cr_assert_eq(authz_reply_as_of(&reply, place, sizeof place), AUTHZ_EINVAL);
	reply = (struct authz_reply){ .data = wrong, .len = sizeof wrong - 1 };
	cr_assert_eq(authz_reply_as_of(&reply, place, sizeof place), AUTHZ_EPROTO);
	cr_assert_str_eq(place, "");
}
