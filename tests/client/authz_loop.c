/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "client/authz.h"
#include "tests/client/fake_server.h"

/* A deadline that a test is meant to reach, and one that it is not. */
enum { SHORT_MS = 150, LONG_MS = 20000 };

static const struct authz_request question = {
	.principal = "alice", .method = "GET", .path = "/loans/7"
};

/* What callbacks note. */
struct log {
	struct authz *authz;
	int heard;
	int allowed;
	int last_error;
	int again;        /* questions that callbacks have yet to start */
	bool only_errors; /* those alone that hear of an error do */
	int result;       /* of what a callback tried */
	int disconnects;
	int gone_fd;
};

static void on_disconnect(void *data, int fd)
{
	struct log *log = data;

	log->disconnects++;
	log->gone_fd = fd;
}

static void on_decision(void *data, int error, const struct authz_decision *decision)
{
	struct log *log = data;

	log->heard++;
	log->last_error = error;
	log->allowed += decision->verdict == AUTHZ_ALLOW;
	if (error != AUTHZ_OK) {
		cr_expect_eq(decision->verdict, AUTHZ_DENY);
		cr_expect_str_eq(decision->reason, "unavailable");
	}
	if (log->again > 0 && (error != AUTHZ_OK || !log->only_errors)) {
		log->again--;
		log->result = authz_check_start(log->authz, &question, on_decision, log);
	}
}

static struct authz *client_of(const struct fake_server *server, int timeout_ms, struct log *log)
{
	const struct authz_options options = { .socket = server->path,
		.timeout_ms = timeout_ms,
		.on_disconnect = on_disconnect,
		.data = log };
	struct authz *authz = NULL;

	*log = (struct log){ .gone_fd = -1 };
	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	log->authz = authz;
	return authz;
}

static void start(struct authz *authz, struct log *log, int count)
{
	for (int i = 0; i < count; i++) {
		cr_assert_eq(authz_check_start(authz, &question, on_decision, log), AUTHZ_OK);
	}
}

/* Turns the loop until so many were heard; the last result of process. */
static int run(struct authz *authz, const struct log *log, int heard)
{
	int r = AUTHZ_OK;

	while (log->heard < heard) {
		struct pollfd wait = { .fd = authz_fd(authz), .events = authz_events(authz) };
		int timeout = authz_timeout(authz);

		cr_assert_geq(wait.fd, 0);
		cr_assert_geq(timeout, 0);
		cr_assert_geq(poll(&wait, 1, timeout), 0);
		r = authz_process(authz);
	}
	return r;
}

/* Answers the number of requests that data says in reverse, all at once. */
static void answer_in_reverse(struct fake_server *server, int fd, unsigned number)
{
	unsigned count = *(const unsigned *)server->data;
	uint32_t *ids = calloc(count, sizeof *ids);
	struct wire_buf buf;

	(void)number;
	cr_assert_not_null(ids);
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	for (;;) {
		unsigned have = 0;

		while (have < count && fake_read_id(fd, &ids[have])) {
			have++;
		}
		if (have < count) {
			break;
		}
		wire_buf_wipe(&buf);
		while (have > 0) {
			have--;
			fake_put_decision(&buf, ids[have], have % 2 == 0, "alice");
		}
		fake_send(fd, buf.data, buf.len);
	}
	wire_buf_finish(&buf);
	free(ids);
}

struct place {
	struct log *log;
	int index;
};

static void on_placed(void *data, int error, const struct authz_decision *decision)
{
	const struct place *place = data;

	cr_expect_eq(error, AUTHZ_OK);
	cr_expect_eq(decision->verdict, place->index % 2 == 0 ? AUTHZ_ALLOW : AUTHZ_DENY, "%d",
		place->index);
	place->log->heard++;
}

Test(authz_loop, answers_in_any_order_reach_their_own_callbacks)
{
	enum { COUNT = 64 };
	const unsigned count = COUNT;
	struct place places[COUNT];
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, answer_in_reverse);
	server.data = (void *)(uintptr_t)&count;
	authz = client_of(&server, LONG_MS, &log);
	/* Many rounds, so that slots are used again. */
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < COUNT; i++) {
			places[i] = (struct place){ &log, i };
			cr_assert_eq(authz_check_start(authz, &question, on_placed, &places[i]),
				AUTHZ_OK);
		}
		log.heard = 0;
		cr_assert_eq(run(authz, &log, COUNT), AUTHZ_OK);
		cr_assert_eq(authz_timeout(authz), -1);
	}
	cr_expect_eq(log.disconnects, 0);
	authz_destroy(authz);
	cr_expect_eq(log.disconnects, 1);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_loop, as_many_as_allowed_are_outstanding_and_not_one_more)
{
	const unsigned count = AUTHZ_MAX_REQUESTS;
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, answer_in_reverse);
	server.data = (void *)(uintptr_t)&count;
	authz = client_of(&server, LONG_MS, &log);
	start(authz, &log, AUTHZ_MAX_REQUESTS);
	cr_expect_eq(authz_check_start(authz, &question, on_decision, &log), AUTHZ_ELIMIT);
	cr_expect_eq(run(authz, &log, AUTHZ_MAX_REQUESTS), AUTHZ_OK);
	cr_expect_eq(log.allowed, AUTHZ_MAX_REQUESTS / 2);
	cr_expect_eq(authz_check_start(authz, &question, on_decision, &log), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_loop, requests_larger_than_the_sockets_buffer_wait_for_their_turn)
{
	static char path[200000];
	const struct authz_request large = { .token = "t", .method = "GET", .path = path };
	struct fake_server server;
	struct authz *authz;
	struct log log;

	memset(path, '/', sizeof path - 1);
	fake_start(&server, fake_allow_all);
	authz = client_of(&server, LONG_MS, &log);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(authz_check_start(authz, &large, on_decision, &log), AUTHZ_OK);
	}
	/* The 4 MiB of the queue are full before the 1,024 requests are. */
	cr_expect_eq(authz_check_start(authz, &large, on_decision, &log), AUTHZ_ELIMIT);
	cr_expect_eq(authz_events(authz), POLLIN | POLLOUT);
	cr_expect_eq(run(authz, &log, 20), AUTHZ_OK);
	cr_expect_eq(log.allowed, 20);
	cr_expect_eq(authz_events(authz), POLLIN);
	authz_destroy(authz);
	fake_stop(&server);
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

Test(authz_loop, answers_may_come_in_pieces)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, answer_in_bytes);
	authz = client_of(&server, LONG_MS, &log);
	start(authz, &log, 20);
	cr_expect_eq(run(authz, &log, 20), AUTHZ_OK);
	cr_expect_eq(log.allowed, 20);
	authz_destroy(authz);
	fake_stop(&server);
}

/* --- trouble --- */

/* Answers the first of three, then does what data says; later connections are good ones. */
enum trouble { CLOSE, SILENCE, WRONG_ID, SAME_ID, GARBAGE, NIL_ID, BAD_RESULT };

static void make_trouble(struct fake_server *server, int fd, unsigned number)
{
	enum trouble trouble = *(const enum trouble *)server->data;
	uint32_t ids[3];
	uint8_t bytes[] = "\x94\x01\xce\0\0\0\0\xc0\xc3";

	if (number > 0) {
		fake_allow_all(server, fd, number);
		return;
	}
	for (int i = 0; i < 3; i++) {
		if (!fake_read_id(fd, &ids[i])) {
			return;
		}
	}
	fake_answer(fd, ids[0], true);
	if (trouble == WRONG_ID) {
		fake_answer(fd, ids[2] + 1, true);
	} else if (trouble == SAME_ID) {
		fake_answer(fd, ids[0], true);
	} else if (trouble == GARBAGE) {
		fake_send(fd, "\xc1", 1);
	} else if (trouble == NIL_ID) {
		fake_send(fd, "\x94\x01\xc0\x80\xc0", 5);
	} else if (trouble == BAD_RESULT) {
		for (int i = 0; i < 4; i++) {
			bytes[3 + i] = (uint8_t)(ids[1] >> (24 - 8 * i));
		}
		fake_send(fd, bytes, sizeof bytes - 1);
	}
	if (trouble != CLOSE) {
		fake_drain(fd);
	}
}

Test(authz_loop, trouble_ends_the_connection_and_everybody_hears_of_it_once)
{
	static const struct {
		enum trouble trouble;
		int error;
	} cases[] = {
		{ CLOSE, AUTHZ_ECLOSED },
		{ SILENCE, AUTHZ_ETIMEOUT },
		{ WRONG_ID, AUTHZ_EPROTO },
		{ SAME_ID, AUTHZ_EPROTO },
		{ GARBAGE, AUTHZ_EPROTO },
		{ NIL_ID, AUTHZ_EPROTO },
		{ BAD_RESULT, AUTHZ_EPROTO },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum trouble trouble = cases[i].trouble;
		struct fake_server server;
		struct authz *authz;
		struct log log;
		int fd;

		fake_start(&server, make_trouble);
		server.data = &trouble;
		authz = client_of(&server, SHORT_MS, &log);
		start(authz, &log, 3);
		fd = authz_fd(authz);
		cr_expect_eq(run(authz, &log, 3), cases[i].error, "case %zu", i);
		cr_expect_eq(log.heard, 3, "case %zu", i);
		cr_expect_eq(log.allowed, 1, "case %zu", i);
		cr_expect_eq(log.last_error, cases[i].error, "case %zu", i);
		cr_expect_eq(log.disconnects, 1, "case %zu", i);
		cr_expect_eq(log.gone_fd, fd, "case %zu", i);
		cr_expect_eq(authz_fd(authz), -1, "case %zu", i);
		cr_expect_eq(authz_events(authz), 0, "case %zu", i);
		cr_expect_eq(authz_timeout(authz), -1, "case %zu", i);
		cr_expect_eq(authz_process(authz), AUTHZ_OK, "case %zu", i);
		/* And then it works again. */
		start(authz, &log, 1);
		cr_expect_eq(run(authz, &log, 4), AUTHZ_OK, "case %zu", i);
		cr_expect_eq(log.allowed, 2, "case %zu", i);
		authz_destroy(authz);
		fake_stop(&server);
	}
}

Test(authz_loop, a_callback_may_start_the_next)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	authz = client_of(&server, LONG_MS, &log);
	log.again = 50;
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 51), AUTHZ_OK);
	cr_expect_eq(log.allowed, 51);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_loop, a_callback_that_hears_of_trouble_may_ask_again)
{
	enum trouble trouble = CLOSE;
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, make_trouble);
	server.data = &trouble;
	authz = client_of(&server, LONG_MS, &log);
	log.again = 2;
	log.only_errors = true;
	start(authz, &log, 3);
	cr_expect_eq(run(authz, &log, 5), AUTHZ_OK);
	cr_expect_eq(log.allowed, 3);
	cr_expect_eq(log.disconnects, 1);
	authz_destroy(authz);
	fake_stop(&server);
}

static void on_try_blocking(void *data, int error, const struct authz_decision *decision)
{
	struct log *log = data;
	struct authz_decision other = { .verdict = AUTHZ_ALLOW };

	(void)error;
	(void)decision;
	log->heard++;
	log->result = authz_check(log->authz, &question, &other);
	cr_expect_eq(other.verdict, AUTHZ_DENY);
	cr_expect_eq(authz_process(log->authz), AUTHZ_EBUSY);
}

Test(authz_loop, nothing_blocks_while_requests_are_outstanding)
{
	struct authz_decision decision = { .verdict = AUTHZ_ALLOW };
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	authz = client_of(&server, LONG_MS, &log);
	cr_assert_eq(authz_check_start(authz, &question, on_try_blocking, &log), AUTHZ_OK);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EBUSY);
	cr_expect_eq(decision.verdict, AUTHZ_DENY);
	cr_expect_eq(run(authz, &log, 1), AUTHZ_OK);
	cr_expect_eq(log.result, AUTHZ_EBUSY);
	/* Both faces in turn, on one connection. */
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_expect_eq(decision.verdict, AUTHZ_ALLOW);
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 2), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_loop, a_request_that_cannot_start_has_no_callback)
{
	const struct authz_options options = { .socket = "/nonexistent/authz.sock" };
	struct log log = { .heard = 0 };
	struct authz *authz;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_expect_eq(authz_check_start(authz, &question, on_decision, &log), AUTHZ_ECONNECT);
	cr_expect_eq(authz_check_start(authz, &question, NULL, &log), AUTHZ_EINVAL);
	cr_expect_eq(authz_call_start(authz, "status", NULL, 0, NULL, &log), AUTHZ_EINVAL);
	cr_expect_eq(authz_process(authz), AUTHZ_OK);
	cr_expect_eq(authz_fd(authz), -1);
	cr_expect_eq(log.heard, 0);
	authz_destroy(authz);
}

static void answer_or_refuse(struct fake_server *server, int fd, unsigned number)
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
		} else {
			wire_error_set(&err, WIRE_FORBIDDEN, WIRE_STR(""), "not you");
			wire_put_error(&buf, &id, &err);
		}
		fake_send(fd, buf.data, buf.len);
	}
	wire_buf_finish(&buf);
}

static void on_fine(void *data, int error, const struct authz_reply *reply)
{
	struct log *log = data;

	cr_expect_eq(error, AUTHZ_OK);
	cr_expect_eq(reply->len, 5);
	cr_expect_arr_eq(reply->data,
		"\xa4"
		"fine",
		5);
	log->heard++;
}

static void on_refused(void *data, int error, const struct authz_reply *reply)
{
	struct log *log = data;

	cr_expect_eq(error, AUTHZ_EREFUSED);
	cr_expect_str_eq(reply->code, "forbidden");
	cr_expect_str_eq(reply->message, "not you");
	log->heard++;
}

Test(authz_loop, calls_bring_replies_and_refusals)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, answer_or_refuse);
	authz = client_of(&server, LONG_MS, &log);
	cr_assert_eq(authz_call_start(authz, "status", NULL, 0, on_fine, &log), AUTHZ_OK);
	cr_assert_eq(authz_call_start(authz, "keys.get", "\x80", 1, on_refused, &log), AUTHZ_OK);
	cr_expect_eq(
		authz_call_start(authz, "keys.get", "\x90\x90", 2, on_refused, &log), AUTHZ_EINVAL);
	cr_expect_eq(run(authz, &log, 2), AUTHZ_OK);
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 3), AUTHZ_OK);
	cr_expect_eq(log.last_error, AUTHZ_EREFUSED);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_loop, a_forks_child_hears_nothing_of_the_parents_requests)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;
	int status = -1;
	pid_t child;

	fake_start(&server, fake_allow_all);
	authz = client_of(&server, LONG_MS, &log);
	start(authz, &log, 5);
	child = fork();
	if (child == 0) {
		struct authz_decision decision;
		bool good = authz_fd(authz) == -1 && authz_timeout(authz) == -1 &&
			    authz_process(authz) == AUTHZ_OK && log.heard == 0 &&
			    authz_check(authz, &question, &decision) == AUTHZ_OK &&
			    log.disconnects == 0;

		authz_destroy(authz);
		_exit(good && log.heard == 0 ? 0 : 1);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_expect_eq(run(authz, &log, 5), AUTHZ_OK);
	cr_expect_eq(log.allowed, 5);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_loop, destroying_drops_what_is_outstanding)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	authz = client_of(&server, LONG_MS, &log);
	start(authz, &log, 5);
	authz_destroy(authz);
	cr_expect_eq(log.heard, 0);
	fake_stop(&server);
}
