/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <time.h>

#include "tests/client/authz_loop_test.h"

/* The library's pauses between attempts to connect: this program has its own nanosleep, which does
 * not wait. After *resume_after pauses it brings the server back. */
static struct fake_server *resumed;
static unsigned pauses, resume_after;

int nanosleep(const struct timespec *time, struct timespec *rest)
{
	cr_expect_eq(time->tv_sec, 0);
	cr_expect_gt(time->tv_nsec, 0);
	if (rest != NULL) {
		*rest = (struct timespec){ .tv_sec = 0 };
	}
	pauses++;
	if (resumed != NULL && pauses == resume_after) {
		fake_resume(resumed);
		resumed = NULL;
	}
	return 0;
}

static void back_after(struct fake_server *server, unsigned count)
{
	resumed = server;
	resume_after = count;
	pauses = 0;
}

/* Answers one request of each connection, then closes it. */
static void answer_once(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	(void)server;
	(void)number;
	if (fake_read_id(fd, &id)) {
		fake_answer(fd, id, true);
	}
}

/* Makes a call over a connection that then ends: the next one has to connect. */
static void call_and_lose(struct authz *authz)
{
	struct authz_decision decision;
	struct pollfd gone = { .fd = -1, .events = 0 };

	cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	gone.fd = authz_fd(authz);
	cr_assert_eq(poll(&gone, 1, LONG_MS), 1);
}

/* Nobody listens: a new handle's question is denied at its deadline, with this error. */
static void expect_absent(const struct fake_server *server, int error)
{
	struct authz_decision decision = allowed();
	struct authz *authz = client_of(server, SHORT_MS);

	back_after(NULL, 0);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_ECONNECT);
	cr_expect(is_denial(&decision));
	cr_expect_eq(authz_errno(authz), error);
	authz_destroy(authz);
}

Test(authz_retry, a_question_waits_for_a_daemon_that_comes_back)
{
	for (int removed = 0; removed < 2; removed++) {
		struct fake_server server;
		struct authz_decision decision = allowed();
		struct authz *authz;

		fake_start(&server, answer_once);
		authz = client_of(&server, LONG_MS);
		call_and_lose(authz);
		fake_pause(&server, removed);
		back_after(&server, 3);
		cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK, "%d", removed);
		cr_expect_eq(decision.verdict, AUTHZ_ALLOW);
		cr_expect_eq(pauses, 3);
		authz_destroy(authz);
		fake_stop(&server);
		cr_expect_eq(server.connections, 2);
	}
}

Test(authz_retry, without_a_connection_before_only_a_refused_one_is_tried_again)
{
	struct fake_server server;
	struct authz_decision decision = allowed();
	struct authz *authz;

	fake_start(&server, answer_once);
	fake_pause(&server, false);
	authz = client_of(&server, LONG_MS);
	back_after(&server, 2);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_expect_eq(pauses, 2);
	authz_destroy(authz);
	fake_pause(&server, true);
	expect_absent(&server, ENOENT);
	cr_expect_eq(pauses, 0);
	fake_stop(&server);
}

Test(authz_retry, a_daemon_that_stays_away_is_an_error_at_the_deadline)
{
	struct fake_server server;

	fake_start(&server, answer_once);
	fake_pause(&server, false);
	expect_absent(&server, ECONNREFUSED);
	cr_expect_gt(pauses, 0);
	fake_stop(&server);
}

Test(authz_retry, a_change_without_an_id_is_not_tried_again)
{
	static const char with_id[] = "\x81\xaarequest_id\xa1x";
	static const struct {
		const char *method;
		const char *params;
		size_t len;
		bool waits;  /* authz_call */
		bool queues; /* authz_call_start, which makes no request_id */
	} cases[] = {
		{ "keys.revoke", NULL, 0, false, false },
		{ "policy.reload", NULL, 0, false, false },
		{ "keys.update", with_id, sizeof with_id - 1, false, false },
		{ "keys.create", NULL, 0, true, false },
		{ "keys.create", with_id, sizeof with_id - 1, true, true },
		{ "keys.list", NULL, 0, true, true },
		{ "status", NULL, 0, true, true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fake_server server;
		struct authz_reply reply;
		struct log log;
		struct authz *authz;

		fake_start(&server, answer_once);
		fake_pause(&server, false);
		authz = loop_client(&server, LONG_MS, &log);
		cr_expect_eq(authz_call_start(authz, cases[i].method, cases[i].params, cases[i].len,
				     on_reply, &log),
			cases[i].queues ? AUTHZ_OK : AUTHZ_ECONNECT, "case %zu", i);
		cr_expect_eq(authz_outstanding(authz), cases[i].queues, "case %zu", i);
		authz_destroy(authz);
		authz = client_of(&server, LONG_MS);
		back_after(&server, 1);
		cr_expect_eq(
			authz_call(authz, cases[i].method, cases[i].params, cases[i].len, &reply),
			cases[i].waits ? AUTHZ_OK : AUTHZ_ECONNECT, "case %zu", i);
		cr_expect_eq(pauses, cases[i].waits, "case %zu", i);
		authz_destroy(authz);
		fake_stop(&server);
	}
}

Test(authz_retry, started_questions_wait_without_a_connection)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	fake_pause(&server, false);
	authz = loop_client(&server, LONG_MS, &log);
	start(authz, &log, 3);
	cr_expect_eq(authz_fd(authz), -1);
	cr_expect_eq(authz_events(authz), 0);
	for (int i = 0; i < 3; i++) {
		int timeout = authz_timeout(authz);

		cr_expect_geq(timeout, 0);
		cr_expect_lt(timeout, 1000);
		poll(NULL, 0, timeout);
		cr_expect_eq(authz_process(authz), AUTHZ_OK);
		cr_expect_eq(authz_fd(authz), -1);
	}
	/* A change without an id does not wait with them. */
	cr_expect_eq(
		authz_call_start(authz, "keys.revoke", NULL, 0, on_reply, &log), AUTHZ_ECONNECT);
	cr_expect_eq(authz_errno(authz), ECONNREFUSED);
	cr_assert_eq(authz_cancel(authz, authz_started(authz)), AUTHZ_OK);
	cr_expect_eq(log.called, 0);
	fake_resume(&server);
	while (authz_fd(authz) < 0) {
		poll(NULL, 0, authz_timeout(authz));
		cr_expect_eq(authz_process(authz), AUTHZ_OK);
	}
	cr_expect_eq(run(authz, &log, 2), AUTHZ_OK);
	cr_expect_eq(log.allowed, 2);
	cr_expect_eq(authz_outstanding(authz), 0);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_retry, started_questions_fail_at_their_deadlines_while_nobody_listens)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	fake_pause(&server, false);
	authz = loop_client(&server, LONG_MS, &log);
	start(authz, &log, 1);
	cr_assert_eq(authz_set_timeout(authz, SHORT_MS), AUTHZ_OK);
	start(authz, &log, 1);
	while (log.called == 0) {
		poll(NULL, 0, authz_timeout(authz));
		cr_expect_eq(authz_process(authz), AUTHZ_OK);
	}
	cr_expect_eq(log.last_error, AUTHZ_ECONNECT);
	cr_expect_eq(authz_outstanding(authz), 1);
	fake_resume(&server);
	while (log.called == 1) {
		struct pollfd wait = { .fd = authz_fd(authz), .events = authz_events(authz) };

		poll(&wait, 1, authz_timeout(authz));
		cr_expect_eq(authz_process(authz), AUTHZ_OK);
	}
	cr_expect_eq(log.last_error, AUTHZ_OK);
	cr_expect_eq(log.allowed, 1);
	authz_destroy(authz);
	fake_stop(&server);
}
