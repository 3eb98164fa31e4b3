/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/client/authz_test.h"

/* --- malformed answers --- */

struct bad_answer {
	const char
		*bytes; /* with patch, the request's id replaces the four bytes after the third */
	size_t len;
	bool patch;
};

#define ANSWER(literal)                                                                            \
	{                                                                                          \
		"\x94\x01\xce\0\0\0\0\xc0" literal, sizeof("12345678" literal) - 1, true           \
	}
#define RAW(literal)                                                                               \
	{                                                                                          \
		literal, sizeof(literal) - 1, false                                                \
	}
#define ALLOW                                                                                      \
	"\xa5"                                                                                     \
	"allow\xc3"
#define DENY                                                                                       \
	"\xa5"                                                                                     \
	"allow\xc2"
#define S200                                                                                       \
	"\xa6"                                                                                     \
	"status\xcc\xc8"
#define S403                                                                                       \
	"\xa6"                                                                                     \
	"status\xcd\x01\x93"
#define REASON                                                                                     \
	"\xa6"                                                                                     \
	"reason\xa2ok"
#define REVISION                                                                                   \
	"\xa8"                                                                                     \
	"revision\xa1"                                                                             \
	"1"

/* Whole answers to the request, with a result that cannot be read. */
static const struct bad_answer unreadable_results[] = {
	ANSWER("\xc0"),
	ANSWER("\xc3"),
	ANSWER("\x80"),
	ANSWER("\x84" ALLOW S403 REASON REVISION),
	ANSWER("\x84" DENY S200 REASON REVISION),
	ANSWER("\x83" ALLOW S200 REASON),
	ANSWER("\x83" ALLOW S200 REVISION),
	ANSWER("\x83" ALLOW REASON REVISION),
	ANSWER("\x83" S200 REASON REVISION),
	ANSWER("\x85" DENY ALLOW S200 REASON REVISION),
	ANSWER("\x85" ALLOW ALLOW S200 REASON REVISION),
	ANSWER("\x84"
	       "\xa5"
	       "allow\x01" S200 REASON REVISION),
	ANSWER("\x84" ALLOW "\xa6status\xff" REASON REVISION),
	ANSWER("\x84" ALLOW S200 "\xa6reason\xa2\xff\xff" REVISION),
	ANSWER("\x85" ALLOW S200 REASON REVISION "\xa9principal\xa3"
	       "a\0b"),
	ANSWER("\x85" ALLOW S200 REASON REVISION "\xa5quota\x80"),
	ANSWER("\x85" ALLOW S200 REASON REVISION "\xc0\xc0"),
};

/* Bytes that are not an answer to the request. */
static const struct bad_answer bad_answers[] = {
	ANSWER("\x84" ALLOW S200 REASON REVISION "\xc0"),
	ANSWER("\xdd\xff\xff\xff\xff"),
	ANSWER("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0"),
	RAW("\xc1"),
	RAW("HTTP/1.1 200 OK\r\n\r\n"),
	RAW("\x94\x01\xc0\xc0\x84" ALLOW S200 REASON REVISION),
	RAW("\x94\x01\xc0\x80\xc0"),
	RAW("\x94\x02\x01\xc0\xc0"),
	/* Another id: equal to the request's with a probability of 1 in 2^32. */
	RAW("\x94\x01\xce\x12\x34\x56\x78\xc0\x84" ALLOW S200 REASON REVISION),
};

static void answer_badly(struct fake_server *server, int fd, unsigned number)
{
	const struct bad_answer *answer = server->data;
	uint8_t bytes[512];
	uint32_t id;

	if (number % 2 == 1) {
		fake_allow_all(server, fd, number);
		return;
	}
	if (!fake_read_id(fd, &id)) {
		return;
	}
	memcpy(bytes, answer->bytes, answer->len);
	if (answer->patch) {
		for (int i = 0; i < 4; i++) {
			bytes[3 + i] = (uint8_t)(id >> (24 - 8 * i));
		}
	}
	fake_send(fd, bytes, answer->len);
	fake_drain(fd);
}

/* Answers the first request of the connection with *data, the others with an allow. */
static void answer_unreadably(struct fake_server *server, int fd, unsigned number)
{
	const struct bad_answer *answer = server->data;
	uint8_t bytes[512];
	uint32_t id;

	if (fake_read_id(fd, &id)) {
		memcpy(bytes, answer->bytes, answer->len);
		for (int i = 0; i < 4; i++) {
			bytes[3 + i] = (uint8_t)(id >> (24 - 8 * i));
		}
		fake_send(fd, bytes, answer->len);
		fake_allow_all(server, fd, number);
	}
}

/* The first request is denied and the second one allowed; `connections`: in all. */
static void expect_refused(
	const struct bad_answer *answer, fake_script serve, unsigned connections, size_t number)
{
	struct fake_server server;
	struct authz_decision decision = allowed();
	struct bad_answer copy = *answer;
	struct authz *authz;

	fake_start(&server, serve);
	server.data = &copy;
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EPROTO, "case %zu", number);
	cr_expect(is_denial(&decision), "case %zu", number);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK, "case %zu", number);
	cr_expect_eq(decision.verdict, AUTHZ_ALLOW, "case %zu", number);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, connections, "case %zu", number);
}

Test(authz_answer, a_result_that_cannot_be_read_denies_and_keeps_the_connection)
{
	for (size_t i = 0; i < sizeof unreadable_results / sizeof unreadable_results[0]; i++) {
		expect_refused(&unreadable_results[i], answer_unreadably, 1, i);
	}
}

Test(authz_answer, a_malformed_answer_denies_and_ends_the_connection)
{
	for (size_t i = 0; i < sizeof bad_answers / sizeof bad_answers[0]; i++) {
		expect_refused(&bad_answers[i], answer_badly, 2, i);
	}
}

/* Answers with a reason, and a field, that this library does not know. */
static void answer_newly(struct fake_server *server, int fd, unsigned number)
{
	static const struct bad_answer newer = ANSWER("\x85" DENY S403 "\xa6reason\xa5"
						      "lunar" REVISION "\xa5phase\x93\1\2\3");

	server->data = (void *)(uintptr_t)&newer;
	answer_unreadably(server, fd, number);
}

Test(authz_answer, an_unknown_reason_is_an_answer)
{
	struct authz_decision decision = allowed();
	struct fake_server server;
	struct authz *authz;

	fake_start(&server, answer_newly);
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_expect_eq(decision.verdict, AUTHZ_DENY);
	cr_expect_eq(decision.status, 403);
	cr_expect_str_eq(decision.reason, "lunar");
	authz_destroy(authz);
	fake_stop(&server);
}

static void answer_twice(struct fake_server *server, int fd, unsigned number)
{
	struct wire_buf buf;
	uint32_t id;

	(void)server;
	(void)number;
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	if (fake_read_id(fd, &id)) {
		fake_put_decision(&buf, id, true, "alice");
		fake_put_decision(&buf, id + 1, true, "alice");
		fake_send(fd, buf.data, buf.len);
		fake_drain(fd);
	}
	wire_buf_finish(&buf);
}

Test(authz_answer, an_answer_before_its_request_is_refused)
{
	struct fake_server server;
	struct authz_decision decision = allowed();
	struct authz *authz;

	fake_start(&server, answer_twice);
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EPROTO);
	cr_expect(is_denial(&decision));
	authz_destroy(authz);
	fake_stop(&server);
}

/* Answers with a principal's name that is one byte too long, then with one that just fits. */
static void answer_long_name(struct fake_server *server, int fd, unsigned number)
{
	char name[AUTHZ_NAME_SIZE + 1];
	struct wire_buf buf;
	uint32_t id;

	(void)server;
	(void)number;
	memset(name, 'n', sizeof name);
	name[AUTHZ_NAME_SIZE] = '\0';
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	while (fake_read_id(fd, &id)) {
		wire_buf_wipe(&buf);
		fake_put_decision(&buf, id, true, name);
		fake_send(fd, buf.data, buf.len);
		name[AUTHZ_NAME_SIZE - 1] = '\0';
	}
	wire_buf_finish(&buf);
}

Test(authz_answer, a_name_is_never_truncated)
{
	struct fake_server server;
	struct authz_decision decision = allowed();
	struct authz *authz;

	fake_start(&server, answer_long_name);
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EPROTO);
	cr_expect(is_denial(&decision));
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_expect_eq(strlen(decision.principal), AUTHZ_NAME_SIZE - 1);
	authz_destroy(authz);
	fake_stop(&server);
}

/* --- many --- */

/* One of several results cannot be read. */
static void answer_one_unreadably(struct fake_server *server, int fd, unsigned number)
{
	struct wire_buf buf;
	uint32_t id;

	(void)server;
	(void)number;
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	if (fake_read_id(fd, &id)) {
		wire_put_result(&buf, id);
		wire_put_map(&buf, 2);
		wire_put_cstr(&buf, "revision");
		wire_put_cstr(&buf, "0123456789abcdef");
		wire_put_cstr(&buf, "results");
		wire_put_array(&buf, 3);
		wire_put_raw(&buf, "\x83" ALLOW S200 REASON, sizeof("\x83" ALLOW S200 REASON) - 1);
		wire_put_raw(&buf, "\x82" ALLOW S200, sizeof("\x82" ALLOW S200) - 1);
		wire_put_raw(&buf, "\x83" ALLOW S200 REASON, sizeof("\x83" ALLOW S200 REASON) - 1);
		fake_send(fd, buf.data, buf.len);
		fake_drain(fd);
	}
	wire_buf_finish(&buf);
}

Test(authz_answer, of_many_only_the_one_that_cannot_be_read_is_denied)
{
	const struct authz_request requests[] = { question, question, question };
	struct authz_decision decisions[] = { allowed(), allowed(), allowed() };
	struct fake_server server;
	struct authz *authz;

	fake_start(&server, answer_one_unreadably);
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_check_many(authz, NULL, requests, 3, decisions), AUTHZ_OK);
	cr_expect_eq(decisions[0].verdict, AUTHZ_ALLOW);
	cr_expect(is_denial(&decisions[1]));
	cr_expect_str_empty(decisions[1].revision);
	cr_expect_eq(decisions[2].verdict, AUTHZ_ALLOW);
	cr_expect_str_eq(decisions[2].revision, "0123456789abcdef");
	authz_destroy(authz);
	fake_stop(&server);
}

/* Answers with *data results: the first is an allow, the others are denials. */
static void answer_many(struct fake_server *server, int fd, unsigned number)
{
	unsigned count = *(const unsigned *)server->data;
	struct wire_buf buf;
	uint32_t id;

	(void)number;
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	while (fake_read_id(fd, &id)) {
		wire_buf_wipe(&buf);
		wire_put_result(&buf, id);
		wire_put_map(&buf, 2);
		wire_put_cstr(&buf, "results");
		wire_put_array(&buf, count);
		for (unsigned i = 0; i < count; i++) {
			wire_put_map(&buf, 3);
			wire_put_cstr(&buf, "allow");
			wire_put_bool(&buf, i == 0);
			wire_put_cstr(&buf, "status");
			wire_put_int(&buf, i == 0 ? 200 : 403);
			wire_put_cstr(&buf, "reason");
			wire_put_cstr(&buf, i == 0 ? "ok" : "role");
		}
		wire_put_cstr(&buf, "revision");
		wire_put_cstr(&buf, "0123456789abcdef");
		fake_send(fd, buf.data, buf.len);
	}
	wire_buf_finish(&buf);
}

static void check_many(unsigned asked, unsigned answered, int expected)
{
	static struct authz_request requests[AUTHZ_MAX_REQUESTS + 1];
	static struct authz_decision decisions[AUTHZ_MAX_REQUESTS + 1];
	const struct authz_request shared = { .principal = "alice", .method = "GET" };
	struct fake_server server;
	struct authz *authz;

	for (unsigned i = 0; i < asked; i++) {
		requests[i] = (struct authz_request){ .path = "/x" };
		decisions[i] = allowed();
	}
	fake_start(&server, answer_many);
	server.data = &answered;
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_check_many(authz, &shared, requests, asked, decisions), expected,
		"%u asked, %u answered", asked, answered);
	for (unsigned i = 0; i < asked; i++) {
		if (expected != AUTHZ_OK) {
			cr_expect(is_denial(&decisions[i]));
		} else {
			cr_expect_eq(decisions[i].verdict, i == 0 ? AUTHZ_ALLOW : AUTHZ_DENY);
			cr_expect_str_eq(decisions[i].revision, "0123456789abcdef");
		}
	}
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_answer, many_are_answered_in_order_or_all_denied)
{
	check_many(1, 1, AUTHZ_OK);
	check_many(3, 3, AUTHZ_OK);
	check_many(3, 2, AUTHZ_EPROTO);
	check_many(3, 4, AUTHZ_EPROTO);
	check_many(AUTHZ_MAX_REQUESTS, AUTHZ_MAX_REQUESTS, AUTHZ_OK);
	check_many(AUTHZ_MAX_REQUESTS + 1, AUTHZ_MAX_REQUESTS + 1, AUTHZ_ELIMIT);
	check_many(0, 0, AUTHZ_EINVAL);
}

Test(authz_answer, shared_and_own_fields_together_make_the_request)
{
	const struct authz_options options = { .socket = "/nonexistent/authz.sock" };
	const struct authz_request shared = { .token = "t", .method = "GET" };
	const struct authz_request good = { .path = "/" };
	const struct authz_request bad[] = { { .method = "PUT" }, { .path = "/", .principal = "p" },
		{ .path = "/", .action = "read" } };
	struct authz_decision decision;
	struct authz *authz;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_expect_eq(authz_check_many(authz, &shared, &good, 1, &decision), AUTHZ_ECONNECT);
	cr_expect_eq(authz_check_many(authz, NULL, &good, 1, &decision), AUTHZ_EINVAL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_expect_eq(authz_check_many(authz, &shared, &bad[i], 1, &decision), AUTHZ_EINVAL);
	}
	authz_destroy(authz);
}

/* A denial because the facts `f00`, `f01` and so on are missing; server->data is how many. */
static void answer_missing(struct fake_server *server, int fd, unsigned number)
{
	unsigned count = *(const unsigned *)server->data;
	struct wire_buf buf;
	char name[16];
	uint32_t id;

	(void)number;
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	while (fake_read_id(fd, &id)) {
		wire_buf_wipe(&buf);
		wire_put_result(&buf, id);
		wire_put_map(&buf, 5);
		wire_put_raw(&buf, DENY S403 REVISION,
			sizeof(DENY) + sizeof(S403) + sizeof(REVISION) - 3);
		wire_put_cstr(&buf, "reason");
		wire_put_cstr(&buf, "missing_fact");
		wire_put_cstr(&buf, "missing");
		wire_put_array(&buf, count);
		for (unsigned i = 0; i < count; i++) {
			snprintf(name, sizeof name, "f%02u", i);
			wire_put_cstr(&buf, name);
		}
		fake_send(fd, buf.data, buf.len);
	}
	wire_buf_finish(&buf);
}

Test(authz_answer, the_missing_facts_that_fit_are_named_and_all_are_counted)
{
	/* 64 names of three bytes take 255 with the blanks between them. */
	for (unsigned count = 0; count <= 65; count++) {
		struct authz_decision decision = allowed();
		struct fake_server server;
		struct authz *authz;
		size_t fits = count < 64 ? count : 64;

		fake_start(&server, answer_missing);
		server.data = &count;
		authz = client_of(&server, LONG_MS);
		cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
		cr_expect_eq(decision.verdict, AUTHZ_DENY);
		cr_expect_eq(decision.missing_count, count);
		cr_expect_eq(strlen(decision.missing), fits > 0 ? 4 * fits - 1 : 0, "%u", count);
		cr_expect_eq(strncmp(decision.missing, "f00 f01", fits > 1 ? 7 : 0), 0);
		authz_destroy(authz);
		fake_stop(&server);
		count += count == 2 ? 60 : 0;
	}
}
