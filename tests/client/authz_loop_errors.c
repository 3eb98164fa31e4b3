/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/client/authz_loop_test.h"

/* Answers the first of three requests, then makes the trouble in *data. Later connections answer
 * every request. */
enum trouble { CLOSE, WRONG_ID, SAME_ID, GARBAGE, NIL_ID };

static void make_trouble(struct fake_server *server, int fd, unsigned number)
{
	enum trouble trouble = *(const enum trouble *)server->data;
	uint32_t ids[3];

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
	}
	if (trouble != CLOSE) {
		fake_drain(fd);
	}
}

Test(authz_loop_errors, trouble_ends_the_connection_and_calls_each_callback_once)
{
	static const struct {
		enum trouble trouble;
		int error;
	} cases[] = {
		{ CLOSE, AUTHZ_ECLOSED },
		{ WRONG_ID, AUTHZ_EPROTO },
		{ SAME_ID, AUTHZ_EPROTO },
		{ GARBAGE, AUTHZ_EPROTO },
		{ NIL_ID, AUTHZ_EPROTO },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum trouble trouble = cases[i].trouble;
		struct fake_server server;
		struct authz *authz;
		struct log log;
		int fd;

		fake_start(&server, make_trouble);
		server.data = &trouble;
		authz = loop_client(&server, LONG_MS, &log);
		start(authz, &log, 3);
		fd = authz_fd(authz);
		cr_expect_eq(run(authz, &log, 3), cases[i].error, "case %zu", i);
		cr_expect_eq(log.called, 3, "case %zu", i);
		cr_expect_eq(log.allowed, 1, "case %zu", i);
		cr_expect_eq(log.last_error, cases[i].error, "case %zu", i);
		cr_expect_eq(log.disconnects, 1, "case %zu", i);
		cr_expect_eq(log.gone_fd, fd, "case %zu", i);
		cr_expect_eq(authz_fd(authz), -1, "case %zu", i);
		cr_expect_eq(authz_events(authz), 0, "case %zu", i);
		cr_expect_eq(authz_timeout(authz), -1, "case %zu", i);
		cr_expect_eq(authz_process(authz), AUTHZ_OK, "case %zu", i);
		/* The handle can be used again. */
		start(authz, &log, 1);
		cr_expect_eq(run(authz, &log, 4), AUTHZ_OK, "case %zu", i);
		cr_expect_eq(log.allowed, 2, "case %zu", i);
		authz_destroy(authz);
		fake_stop(&server);
	}
}

/* Answers the second of three requests with a result that is not a map. */
static void answer_one_badly(struct fake_server *server, int fd, unsigned number)
{
	uint8_t bytes[] = "\x94\x01\xce\0\0\0\0\xc0\xc3";
	uint32_t ids[3];

	for (int i = 0; i < 3; i++) {
		if (!fake_read_id(fd, &ids[i])) {
			return;
		}
	}
	for (int i = 0; i < 4; i++) {
		bytes[3 + i] = (uint8_t)(ids[1] >> (24 - 8 * i));
	}
	fake_answer(fd, ids[0], true);
	fake_send(fd, bytes, sizeof bytes - 1);
	fake_answer(fd, ids[2], true);
	fake_allow_all(server, fd, number);
}

static void on_unreadable(void *data, int error, const struct authz_decision *decision)
{
	struct log *log = data;

	log->called++;
	cr_expect_eq(error, AUTHZ_EPROTO);
	cr_expect(is_denial(decision));
}

Test(authz_loop_errors, a_result_that_cannot_be_read_denies_its_request_alone)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, answer_one_badly);
	authz = loop_client(&server, LONG_MS, &log);
	start(authz, &log, 1);
	cr_assert_eq(authz_check_start(authz, &question, on_unreadable, &log), AUTHZ_OK);
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 3), AUTHZ_OK);
	cr_expect_eq(log.allowed, 2);
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 4), AUTHZ_OK);
	cr_expect_eq(log.allowed, 3);
	cr_expect_eq(log.disconnects, 0);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_loop_errors, a_missed_deadline_ends_the_connection)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_ignore);
	authz = loop_client(&server, SHORT_MS, &log);
	start(authz, &log, 3);
	cr_expect_leq(authz_timeout(authz), SHORT_MS);
	cr_expect_eq(run(authz, &log, 3), AUTHZ_ETIMEOUT);
	cr_expect_eq(log.called, 3);
	cr_expect_eq(log.allowed, 0);
	cr_expect_eq(log.last_error, AUTHZ_ETIMEOUT);
	cr_expect_eq(log.disconnects, 1);
	cr_expect_eq(authz_fd(authz), -1);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_loop_errors, a_callback_with_an_error_may_start_a_request)
{
	enum trouble trouble = CLOSE;
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, make_trouble);
	server.data = &trouble;
	authz = loop_client(&server, LONG_MS, &log);
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
	log->called++;
	log->result = authz_check(log->authz, &question, &other);
	cr_expect_eq(other.verdict, AUTHZ_DENY);
	cr_expect_eq(authz_process(log->authz), AUTHZ_EBUSY);
}

Test(authz_loop_errors, blocking_calls_fail_while_requests_are_outstanding)
{
	struct authz_decision decision = { .verdict = AUTHZ_ALLOW };
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	cr_assert_eq(authz_check_start(authz, &question, on_try_blocking, &log), AUTHZ_OK);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EBUSY);
	cr_expect_eq(decision.verdict, AUTHZ_DENY);
	cr_expect_eq(run(authz, &log, 1), AUTHZ_OK);
	cr_expect_eq(log.result, AUTHZ_EBUSY);
	/* Both interfaces use the same connection. */
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_expect_eq(decision.verdict, AUTHZ_ALLOW);
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 2), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_loop_errors, a_request_that_cannot_start_has_no_callback)
{
	const struct authz_options options = { .socket = "/nonexistent/authz.sock" };
	struct log log = { .called = 0 };
	struct authz *authz;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_expect_eq(authz_check_start(authz, &question, on_decision, &log), AUTHZ_ECONNECT);
	cr_expect_eq(authz_check_start(authz, &question, NULL, &log), AUTHZ_EINVAL);
	cr_expect_eq(authz_call_start(authz, "status", NULL, 0, NULL, &log), AUTHZ_EINVAL);
	cr_expect_eq(authz_process(authz), AUTHZ_OK);
	cr_expect_eq(authz_fd(authz), -1);
	cr_expect_eq(log.called, 0);
	authz_destroy(authz);
}

Test(authz_loop_errors, a_forked_child_gets_no_answers_to_the_parents_requests)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;
	int status = -1;
	pid_t child;

	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	start(authz, &log, 5);
	child = fork();
	if (child == 0) {
		struct authz_decision decision;
		bool good = authz_fd(authz) == -1 && authz_timeout(authz) == -1 &&
			    authz_process(authz) == AUTHZ_OK && log.called == 0 &&
			    authz_check(authz, &question, &decision) == AUTHZ_OK &&
			    log.disconnects == 0;

		authz_destroy(authz);
		_exit(good && log.called == 0 ? 0 : 1);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_expect_eq(run(authz, &log, 5), AUTHZ_OK);
	cr_expect_eq(log.allowed, 5);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_loop_errors, destroying_drops_what_is_outstanding)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	start(authz, &log, 5);
	authz_destroy(authz);
	cr_expect_eq(log.called, 0);
	fake_stop(&server);
}
