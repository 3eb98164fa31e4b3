/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "client/authz.h"
#include "tests/client/fake_server.h"

/* A deadline that a test is meant to reach, and one that it is not. */
enum { SHORT_MS = 150, LONG_MS = 20000 };

static const struct authz_request question = {
	.principal = "alice", .method = "GET", .path = "/loans/7"
};

static struct authz *client_of(const struct fake_server *server, int timeout_ms)
{
	const struct authz_options options = { .socket = server->path, .timeout_ms = timeout_ms };
	struct authz *authz = NULL;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	return authz;
}

static bool is_denial(const struct authz_decision *decision)
{
	return decision->verdict == AUTHZ_DENY && decision->status == 503 &&
	       strcmp(decision->reason, "unavailable") == 0 && decision->principal[0] == '\0';
}

/* A decision as an attacker would like it to have been left. */
static struct authz_decision allowed(void)
{
	struct authz_decision decision;

	memset(&decision, 1, sizeof decision);
	decision.verdict = AUTHZ_ALLOW;
	return decision;
}

static void alternate(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;
	bool allow = true;

	(void)server;
	(void)number;
	while (fake_read_id(fd, &id)) {
		fake_answer(fd, id, allow);
		allow = !allow;
	}
}

Test(authz_call, an_allow_is_an_allow_and_a_deny_a_deny)
{
	struct fake_server server;
	struct authz_decision decision = allowed();
	struct authz *authz;

	fake_start(&server, alternate);
	authz = client_of(&server, LONG_MS);
	cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_expect_eq(decision.verdict, AUTHZ_ALLOW);
	cr_expect_eq(decision.status, 200);
	cr_expect_str_eq(decision.reason, "ok");
	cr_expect_str_eq(decision.revision, "0123456789abcdef");
	cr_expect_str_eq(decision.principal, "alice");
	cr_expect_str_eq(decision.key, "");
	cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_expect_eq(decision.verdict, AUTHZ_DENY);
	cr_expect_eq(decision.status, 403);
	cr_expect_str_eq(decision.reason, "role");
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_call, without_a_daemon_everything_is_denied)
{
	const struct authz_options options = { .socket = "/nonexistent/authz.sock" };
	struct authz_decision decision = allowed();
	struct authz *authz;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_ECONNECT);
	cr_expect(is_denial(&decision));
	cr_expect_eq(authz_errno(authz), ENOENT);
	cr_expect_str_eq(authz_socket(authz), "/nonexistent/authz.sock");
	decision = allowed();
	cr_expect_eq(authz_check(NULL, &question, &decision), AUTHZ_EINVAL);
	cr_expect(is_denial(&decision));
	decision = allowed();
	cr_expect_eq(authz_check(authz, NULL, &decision), AUTHZ_EINVAL);
	cr_expect(is_denial(&decision));
	authz_destroy(authz);
	authz_destroy(NULL);
}

Test(authz_call, questions_that_make_no_sense_are_not_sent)
{
	static const struct authz_request cases[] = {
		{ .token = "t", .principal = "p", .method = "GET", .path = "/" },
		{ .token = "t" },
		{ .token = "t", .method = "GET" },
		{ .token = "t", .path = "/" },
		{ .token = "t", .action = "read" },
		{ .token = "t", .resource = "api:/" },
		{ .token = "t", .method = "GET", .path = "/", .action = "read" },
		{ .token = "t", .action = "read", .resource = "api:/", .path = "/" },
		{ .token = "t", .action = "read", .resource = "api:/", .tree = "api" },
		{ .token = "t", .method = "GET", .path = "/", .mfa_at = -1 },
		{ .token = "t", .method = "GET", .path = "/", .time = -1 },
	};
	const struct authz_options options = { .socket = "/nonexistent/authz.sock" };
	struct authz *authz;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct authz_decision decision = allowed();

		cr_expect_eq(authz_check(authz, &cases[i], &decision), AUTHZ_EINVAL, "case %zu", i);
		cr_expect(is_denial(&decision), "case %zu", i);
	}
	authz_destroy(authz);
}

Test(authz_call, options_that_make_no_sense_are_refused)
{
	char path[AUTHZ_PATH_SIZE + 1];
	struct authz_options options = { .socket = path };
	struct authz *authz = NULL;

	memset(path, 'x', sizeof path);
	path[AUTHZ_PATH_SIZE] = '\0';
	cr_expect_eq(authz_create(&options, &authz), AUTHZ_EINVAL);
	path[0] = '\0';
	cr_expect_eq(authz_create(&options, &authz), AUTHZ_EINVAL);
	options = (struct authz_options){ .socket = "/s", .timeout_ms = -1 };
	cr_expect_eq(authz_create(&options, &authz), AUTHZ_EINVAL);
	cr_expect_null(authz);
	memset(path, 'x', sizeof path);
	path[AUTHZ_PATH_SIZE - 1] = '\0';
	options = (struct authz_options){ .socket = path };
	cr_expect_eq(authz_create(&options, &authz), AUTHZ_OK);
	authz_destroy(authz);
}

/* --- answers that are none --- */

struct bad_answer {
	const char *bytes; /* the id, 0, is replaced behind the first two bytes when patch is set */
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
	/* To an id that was not asked: a chance of one in four thousand million to be ours. */
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

Test(authz_call, an_answer_that_is_none_denies_and_ends_the_connection)
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

Test(authz_call, an_answer_before_its_question_is_none)
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

/* A principal whose name is one byte too long to be kept whole, or just fits. */
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

Test(authz_call, a_name_is_never_cut)
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

/* --- time --- */

/* The first connection hears nothing, the second half an answer, the third all of it. */
static void answer_late(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	if (number == 1 && fake_read_id(fd, &id)) {
		fake_send(fd, "\x94\x01\xce", 3);
	}
	if (number < 2) {
		fake_drain(fd);
	} else {
		fake_allow_all(server, fd, number);
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Test(authz_call, a_missed_deadline_denies_and_ends_the_connection)
{
	struct fake_server server;
	struct authz *authz;

	fake_start(&server, answer_late);
	authz = client_of(&server, SHORT_MS);
	for (int i = 0; i < 2; i++) {
		struct authz_decision decision = allowed();
		int64_t begun = now_ms();

		cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_ETIMEOUT, "%d", i);
		cr_expect(is_denial(&decision));
		cr_expect_geq(now_ms() - begun, SHORT_MS - 1);
		cr_expect_lt(now_ms() - begun, 20 * SHORT_MS);
	}
	authz_destroy(authz);
	authz = client_of(&server, LONG_MS);
	{
		struct authz_decision decision;

		cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	}
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 3);
}

/* Lets most of the client's time go by and closes; then says nothing at all. */
static void close_late(struct fake_server *server, int fd, unsigned number)
{
	const struct timespec most = { .tv_nsec = 700000000 };
	uint32_t id;

	(void)server;
	if (number == 0 && fake_read_id(fd, &id)) {
		nanosleep(&most, NULL);
	} else {
		fake_drain(fd);
	}
}

Test(authz_call, asking_once_more_has_no_more_time)
{
	enum { TIMEOUT_MS = 1000, MUCH_LONGER_MS = 1500 };
	struct fake_server server;
	struct authz_decision decision = allowed();
	struct authz *authz;
	int64_t begun;

	fake_start(&server, close_late);
	authz = client_of(&server, TIMEOUT_MS);
	begun = now_ms();
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_ETIMEOUT);
	cr_expect(is_denial(&decision));
	cr_expect_lt(now_ms() - begun, MUCH_LONGER_MS);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 2);
}

static void on_signal(int number)
{
	(void)number;
}

static void interrupt_and_answer(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	(void)number;
	while (fake_read_id(fd, &id)) {
		for (int i = 0; i < 200; i++) {
			pthread_kill(server->client, SIGUSR1);
		}
		fake_answer(fd, id, true);
	}
}

Test(authz_call, signals_do_not_disturb_a_wait)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct fake_server server;
	struct authz *authz;

	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	fake_start(&server, interrupt_and_answer);
	authz = client_of(&server, LONG_MS);
	for (int i = 0; i < 20; i++) {
		struct authz_decision decision;

		cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
		cr_assert_eq(decision.verdict, AUTHZ_ALLOW);
	}
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

static void answer_in_bytes(struct fake_server *server, int fd, unsigned number)
{
	struct wire_buf buf;
	uint32_t id;

	(void)server;
	(void)number;
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	while (fake_read_id(fd, &id)) {
		wire_buf_wipe(&buf);
		fake_put_decision(&buf, id, true, "alice");
		for (size_t i = 0; i < buf.len; i++) {
			fake_send(fd, buf.data + i, 1);
			sched_yield();
		}
	}
	wire_buf_finish(&buf);
}

Test(authz_call, an_answer_may_come_in_pieces)
{
	struct fake_server server;
	struct authz *authz;

	fake_start(&server, answer_in_bytes);
	authz = client_of(&server, LONG_MS);
	for (int i = 0; i < 20; i++) {
		struct authz_decision decision;

		cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
		cr_assert_eq(decision.verdict, AUTHZ_ALLOW);
	}
	authz_destroy(authz);
	fake_stop(&server);
}

/* --- a connection that breaks --- */

/* Breaks in the middle of an answer on the first connections, as many as data says. */
static void break_in_answer(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	if (number >= *(const unsigned *)server->data) {
		fake_allow_all(server, fd, number);
	} else if (fake_read_id(fd, &id)) {
		fake_send(fd, "\x94\x01\xce\x00", 4);
	}
}

Test(authz_call, a_question_is_asked_once_more_when_the_connection_breaks)
{
	for (unsigned broken = 0; broken < 4; broken++) {
		struct fake_server server;
		struct authz_decision decision = allowed();
		struct authz *authz;
		bool enough = broken > 1;

		fake_start(&server, break_in_answer);
		server.data = &broken;
		authz = client_of(&server, LONG_MS);
		cr_expect_eq(authz_check(authz, &question, &decision),
			enough ? AUTHZ_ECLOSED : AUTHZ_OK, "%u", broken);
		cr_expect_eq(is_denial(&decision), enough);
		authz_destroy(authz);
		fake_stop(&server);
		cr_expect_eq(server.connections, broken == 0 ? 1 : 2);
	}
}

static void hear_and_close(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	(void)server;
	(void)number;
	(void)fake_read_id(fd, &id);
}

Test(authz_call, a_change_is_never_sent_twice)
{
	static const struct {
		const char *method;
		unsigned connections;
	} cases[] = {
		{ "keys.create", 1 },
		{ "keys.revoke", 1 },
		{ "policy.reload", 1 },
		{ "get", 1 },
		{ "keys.get", 2 },
		{ "keys.list", 2 },
		{ "status", 2 },
		{ "policy.status", 2 },
		{ "permissions", 2 },
		{ "authorize", 2 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fake_server server;
		struct authz_reply reply = { .len = 7 };
		struct authz *authz;

		fake_start(&server, hear_and_close);
		authz = client_of(&server, LONG_MS);
		cr_expect_eq(authz_call(authz, cases[i].method, NULL, 0, &reply), AUTHZ_ECLOSED);
		cr_expect_null(reply.data);
		cr_expect_eq(reply.len, 0);
		authz_destroy(authz);
		fake_stop(&server);
		cr_expect_eq(server.connections, cases[i].connections, "%s", cases[i].method);
	}
}

static void answer_once(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	(void)server;
	(void)number;
	if (fake_read_id(fd, &id)) {
		fake_answer(fd, id, true);
	}
}

Test(authz_call, a_daemon_that_was_started_anew_is_found_by_changes_too)
{
	struct fake_server server;
	struct authz_reply reply;
	struct authz *authz;

	fake_start(&server, answer_once);
	authz = client_of(&server, LONG_MS);
	for (int i = 0; i < 3; i++) {
		struct pollfd gone = { .fd = -1, .events = 0 };

		cr_assert_eq(authz_call(authz, "keys.create", NULL, 0, &reply), AUTHZ_OK);
		/* Nothing is sent before the other end has closed. */
		gone.fd = authz_fd(authz);
		cr_assert_eq(poll(&gone, 1, LONG_MS), 1);
	}
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 3);
}

/* --- replies --- */

static void answer_by_method(struct fake_server *server, int fd, unsigned number)
{
	struct wire_buf buf;
	struct wire_error err;
	char method[64];
	uint32_t id;

	(void)server;
	(void)number;
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	while (fake_read(fd, &id, method, sizeof method)) {
		wire_buf_wipe(&buf);
		if (strcmp(method, "status") == 0) {
			wire_put_result(&buf, id);
			wire_put_cstr(&buf, "fine");
		} else if (strcmp(method, "large") == 0) {
			static const char bytes[1000000];

			wire_put_result(&buf, id);
			wire_put_str(&buf, (struct wire_str){ bytes, sizeof bytes });
		} else {
			wire_error_set(&err, WIRE_NOT_FOUND, WIRE_STR("id"), "no such key");
			wire_put_error(&buf, &id, &err);
		}
		fake_send(fd, buf.data, buf.len);
	}
	wire_buf_finish(&buf);
}

Test(authz_call, a_reply_is_the_result_or_the_error_as_it_came)
{
	struct fake_server server;
	struct authz_decision decision = allowed();
	struct authz_reply reply;
	struct authz *authz;

	fake_start(&server, answer_by_method);
	authz = client_of(&server, LONG_MS);
	authz_refusal(authz, &reply);
	cr_expect_null(reply.code);
	cr_assert_eq(authz_call(authz, "status", "\x81\xa1x\x01", 4, &reply), AUTHZ_OK);
	cr_expect_eq(reply.len, 5);
	cr_expect_arr_eq(reply.data,
		"\xa4"
		"fine",
		5);
	cr_expect_null(reply.code);
	cr_assert_eq(authz_call(authz, "large", NULL, 0, &reply), AUTHZ_OK);
	cr_expect_eq(reply.len, 1000005);
	cr_assert_eq(authz_call(authz, "keys.get", NULL, 0, &reply), AUTHZ_EREFUSED);
	cr_expect_str_eq(reply.code, "not_found");
	cr_expect_str_eq(reply.message, "no such key");
	cr_expect_str_eq(reply.param, "id");
	cr_expect_gt(reply.len, 0);
	cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_EREFUSED);
	cr_expect(is_denial(&decision));
	authz_refusal(authz, &reply);
	cr_expect_str_eq(reply.code, "not_found");
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_call, parameters_that_are_no_map_are_not_sent)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = { { "\x91\x01", 2 }, { "\x80\x80", 2 }, { "\x81\x01", 2 }, { "\xc1", 1 },
		{ NULL, 1 } };
	const struct authz_options options = { .socket = "/nonexistent/authz.sock" };
	struct authz_reply reply;
	struct authz *authz;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_expect_eq(authz_call(authz, "status", cases[i].bytes, cases[i].len, &reply),
			AUTHZ_EINVAL, "case %zu", i);
	}
	cr_expect_eq(authz_call(authz, NULL, NULL, 0, &reply), AUTHZ_EINVAL);
	cr_expect_eq(authz_call(authz, "status", "\x80", 1, &reply), AUTHZ_ECONNECT);
	authz_destroy(authz);
}

Test(authz_call, a_request_beyond_the_daemons_bound_is_not_sent)
{
	static char path[AUTHZ_MAX_REQUEST + 1];
	struct authz_request large = { .token = "t", .method = "GET", .path = path };
	struct fake_server server;
	struct authz_decision decision = allowed();
	struct authz *authz;

	memset(path, '/', sizeof path - 1);
	fake_start(&server, fake_allow_all);
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_check(authz, &large, &decision), AUTHZ_ELIMIT);
	cr_expect(is_denial(&decision));
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
}

/* --- many --- */

/* Answers with as many results as data says, the first allowed, the others not. */
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

Test(authz_call, many_are_answered_in_order_or_all_denied)
{
	check_many(1, 1, AUTHZ_OK);
	check_many(3, 3, AUTHZ_OK);
	check_many(3, 2, AUTHZ_EPROTO);
	check_many(3, 4, AUTHZ_EPROTO);
	check_many(AUTHZ_MAX_REQUESTS, AUTHZ_MAX_REQUESTS, AUTHZ_OK);
	check_many(AUTHZ_MAX_REQUESTS + 1, AUTHZ_MAX_REQUESTS + 1, AUTHZ_ELIMIT);
	check_many(0, 0, AUTHZ_EINVAL);
}

Test(authz_call, shared_and_own_fields_together_make_the_question)
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

/* --- processes and users --- */

Test(authz_call, a_forks_child_has_a_connection_of_its_own)
{
	struct fake_server server;
	struct authz_decision decision;
	struct authz *authz;
	int status = -1;
	pid_t child;

	fake_start(&server, fake_allow_all);
	authz = client_of(&server, LONG_MS);
	cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	child = fork();
	if (child == 0) {
		bool good = authz_fd(authz) == -1 && authz_events(authz) == 0 &&
			    authz_check(authz, &question, &decision) == AUTHZ_OK &&
			    decision.verdict == AUTHZ_ALLOW && authz_fd(authz) >= 0;

		authz_destroy(authz);
		_exit(good ? 0 : 1);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 2);
}

static void note_ids(struct fake_server *server, int fd, unsigned number)
{
	uint32_t *ids = server->data;

	if (fake_read_id(fd, &ids[number])) {
		fake_answer(fd, ids[number], true);
		fake_drain(fd);
	}
}

Test(authz_call, ids_begin_at_random)
{
	enum { HANDLES = 8 };
	uint32_t ids[HANDLES] = { 0 };
	struct fake_server server;
	unsigned near = 0;

	fake_start(&server, note_ids);
	server.data = ids;
	for (int i = 0; i < HANDLES; i++) {
		struct authz *authz = client_of(&server, LONG_MS);
		struct authz_decision decision;

		cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
		authz_destroy(authz);
	}
	fake_stop(&server);
	for (int i = 1; i < HANDLES; i++) {
		near += ids[i] - ids[0] + 1000 < 2000;
	}
	cr_expect_eq(near, 0);
}

/* Listens as nobody, which is what counts for SO_PEERCRED, until the test ends. */
static pid_t serve_as_nobody(const char *path, int ready)
{
	pid_t child = fork();

	if (child == 0) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		memcpy(address.sun_path, path, strlen(path) + 1);
		if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
			setuid(65534) < 0 || listen(fd, 4) < 0 || write(ready, "", 1) != 1) {
			_exit(1);
		}
		for (;;) {
			int peer = accept(fd, NULL, NULL);

			fake_allow_all(NULL, peer, 0);
			close(peer);
		}
	}
	return child;
}

Test(authz_call, a_stranger_at_the_socket_is_told_nothing)
{
	char folder[] = "/tmp/authz-test-XXXXXX", path[64], byte;
	struct authz_options options = { .socket = path, .timeout_ms = LONG_MS };
	struct authz_decision decision = allowed();
	struct authz *authz;
	int ready[2];
	pid_t child;

	if (geteuid() != 0) {
		cr_skip_test("only root can serve as somebody else");
	}
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/s", folder);
	cr_assert_eq(pipe(ready), 0);
	child = serve_as_nobody(path, ready[1]);
	cr_assert_gt(child, 0);
	cr_assert_eq(read(ready[0], &byte, 1), 1);

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_expect_eq(authz_connect(authz), AUTHZ_EPEER);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EPEER);
	cr_expect(is_denial(&decision));
	authz_destroy(authz);
	options.server_uid = 65534;
	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	authz_destroy(authz);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(path);
	rmdir(folder);
}

/* --- where the socket is --- */

Test(authz_call, the_socket_is_looked_for_where_the_daemon_puts_it)
{
	static const struct {
		const char *socket, *runtime, *state, *home;
		const char *expected; /* NULL: none can be named */
	} cases[] = {
		{ "/a/b.sock", "/r", "/st", "/h", "/a/b.sock" },
		{ NULL, "/r", "/st", "/h", "/r/authz/authz.sock" },
		{ NULL, NULL, "/st", "/h", "/st/authz/authz.sock" },
		{ NULL, NULL, NULL, "/h", "/h/.local/state/authz/authz.sock" },
		{ "", "", "", "/h", "/h/.local/state/authz/authz.sock" },
		{ NULL, NULL, NULL, NULL, NULL },
		{ NULL,
			"/123456789012345678901234567890123456789012345678901234567890"
			"123456789012345678901234567890123456789012345678901234567890",
			NULL, NULL, NULL },
	};
	char path[AUTHZ_PATH_SIZE];

	unsetenv("AUTHZ_SOCKET");
	if (geteuid() == 0) {
		setenv("XDG_RUNTIME_DIR", "/r", 1);
		cr_expect_eq(authz_default_socket(path, sizeof path), AUTHZ_OK);
		cr_expect_str_eq(path, "/run/authz/authz.sock");
		cr_expect_eq(authz_default_socket(path, 5), AUTHZ_EINVAL);
		cr_assert_eq(setgid(65534), 0);
		cr_assert_eq(setuid(65534), 0);
	}
	if (access("/run/authz/authz.sock", F_OK) == 0) {
		cr_skip_test("a daemon of the system is in the way");
	}
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *names[] = { "AUTHZ_SOCKET", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
			"HOME" };
		const char *values[] = { cases[i].socket, cases[i].runtime, cases[i].state,
			cases[i].home };

		for (size_t k = 0; k < 4; k++) {
			if (values[k] != NULL) {
				setenv(names[k], values[k], 1);
			} else {
				unsetenv(names[k]);
			}
		}
		cr_expect_eq(authz_default_socket(path, sizeof path),
			cases[i].expected != NULL ? AUTHZ_OK : AUTHZ_EINVAL, "case %zu", i);
		if (cases[i].expected != NULL) {
			cr_expect_str_eq(path, cases[i].expected, "case %zu", i);
		}
	}
}

Test(authz_call, every_error_has_its_words)
{
	for (int error = AUTHZ_OK; error >= AUTHZ_EBUSY; error--) {
		cr_expect_str_neq(authz_strerror(error), "unknown error", "%d", error);
	}
	cr_expect_str_eq(authz_strerror(AUTHZ_EBUSY - 1), "unknown error");
	cr_expect_str_eq(authz_strerror(1), "unknown error");
}
