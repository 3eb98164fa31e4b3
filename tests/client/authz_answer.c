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

static const struct bad_answer bad_answers[] = {
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

Test(authz_answer, a_malformed_answer_denies_and_ends_the_connection)
{
	for (size_t i = 0; i < sizeof bad_answers / sizeof bad_answers[0]; i++) {
		struct fake_server server;
		struct authz_decision decision = allowed();
		struct bad_answer answer = bad_answers[i];
		struct authz *authz;

		fake_start(&server, answer_badly);
		server.data = &answer;
		authz = client_of(&server, LONG_MS);
		cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EPROTO, "case %zu", i);
		cr_expect(is_denial(&decision), "case %zu", i);
		cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK, "case %zu", i);
		cr_expect_eq(decision.verdict, AUTHZ_ALLOW, "case %zu", i);
		authz_destroy(authz);
		fake_stop(&server);
		cr_expect_eq(server.connections, 2, "case %zu", i);
	}
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
	memset(name, 'n', sizeof name);
	name[number == 0 ? AUTHZ_NAME_SIZE : AUTHZ_NAME_SIZE - 1] = '\0';
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	if (fake_read_id(fd, &id)) {
		fake_put_decision(&buf, id, true, name);
		fake_send(fd, buf.data, buf.len);
		fake_drain(fd);
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
