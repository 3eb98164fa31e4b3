/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/client/authz_loop_test.h"

/* What the server has read: the loop's thread waits until it is as much as it needs. */
struct heard {
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned count;
	bool answer; /* the requests read so far may be answered */
};

static void heard_wait(struct heard *heard, unsigned count)
{
	pthread_mutex_lock(&heard->lock);
	while (heard->count < count) {
		pthread_cond_wait(&heard->more, &heard->lock);
	}
	pthread_mutex_unlock(&heard->lock);
}

static void heard_answer(struct heard *heard)
{
	pthread_mutex_lock(&heard->lock);
	heard->answer = true;
	pthread_cond_broadcast(&heard->more);
	pthread_mutex_unlock(&heard->lock);
}

/* Reads two requests of the first connection, answers them when it may, and all others at once. */
static void answer_two_later(struct fake_server *server, int fd, unsigned number)
{
	struct heard *heard = server->data;
	uint32_t ids[2];

	if (number > 0) {
		fake_allow_all(server, fd, number);
		return;
	}
	for (int i = 0; i < 2; i++) {
		if (!fake_read_id(fd, &ids[i])) {
			return;
		}
		pthread_mutex_lock(&heard->lock);
		heard->count++;
		pthread_cond_broadcast(&heard->more);
		pthread_mutex_unlock(&heard->lock);
	}
	pthread_mutex_lock(&heard->lock);
	while (!heard->answer) {
		pthread_cond_wait(&heard->more, &heard->lock);
	}
	pthread_mutex_unlock(&heard->lock);
	fake_answer(fd, ids[0], true);
	fake_answer(fd, ids[1], true);
	fake_allow_all(server, fd, number);
}

/* Starts a server that gives these answers, and a client of it. */
static struct authz *heard_client(struct heard *heard, struct fake_server *server, struct log *log)
{
	*heard = (struct heard){ .count = 0 };
	pthread_mutex_init(&heard->lock, NULL);
	pthread_cond_init(&heard->more, NULL);
	fake_start(server, answer_two_later);
	server->data = heard;
	return loop_client(server, LONG_MS, log);
}

static uint64_t start_one(struct authz *authz, struct log *log)
{
	uint64_t before = authz_started(authz);

	start(authz, log, 1);
	cr_assert_neq(authz_started(authz), before);
	return authz_started(authz);
}

Test(authz_cancel, a_request_that_was_not_sent_is_not_sent)
{
	struct fake_server server;
	struct log log, cancelled = { .called = 0 };
	struct authz *authz;
	uint64_t ids[3];

	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	cr_expect_eq(authz_started(authz), 0);
	for (int i = 0; i < 3; i++) {
		ids[i] = start_one(authz, &cancelled);
		start(authz, &log, 1);
	}
	cr_expect_eq(authz_outstanding(authz), 6);
	cr_expect_eq(authz_cancel(authz, ids[1]), AUTHZ_OK);
	cr_expect_eq(authz_cancel(authz, ids[0]), AUTHZ_OK);
	cr_expect_eq(authz_cancel(authz, ids[2]), AUTHZ_OK);
	cr_expect_eq(authz_outstanding(authz), 3);
	cr_expect_eq(run(authz, &log, 3), AUTHZ_OK);
	cr_expect_eq(log.allowed, 3);
	cr_expect_eq(cancelled.called, 0);
	cr_expect_eq(authz_outstanding(authz), 0);
	cr_expect_eq(authz_timeout(authz), -1);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(authz_cancel(authz, ids[i]), AUTHZ_EINVAL);
	}
	cr_expect_eq(authz_cancel(authz, authz_started(authz)), AUTHZ_EINVAL);
	cr_expect_eq(authz_cancel(authz, 0), AUTHZ_EINVAL);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_cancel, the_last_request_can_be_cancelled_before_it_is_sent)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	start(authz, &log, 1);
	cr_expect_eq(authz_cancel(authz, authz_started(authz)), AUTHZ_OK);
	cr_expect_eq(authz_events(authz), POLLIN);
	cr_expect_eq(authz_process(authz), AUTHZ_OK);
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 1), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_cancel, the_answer_to_a_cancelled_request_is_dropped)
{
	struct fake_server server;
	struct log log, cancelled = { .called = 0 };
	struct heard heard;
	struct authz *authz;
	uint64_t id;

	authz = heard_client(&heard, &server, &log);
	id = start_one(authz, &cancelled);
	start(authz, &log, 1);
	cr_expect_eq(authz_process(authz), AUTHZ_OK);
	heard_wait(&heard, 2);
	cr_expect_eq(authz_cancel(authz, id), AUTHZ_OK);
	cr_expect_eq(authz_outstanding(authz), 1);
	heard_answer(&heard);
	cr_expect_eq(run(authz, &log, 1), AUTHZ_OK);
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 2), AUTHZ_OK);
	cr_expect_eq(log.allowed, 2);
	cr_expect_eq(log.disconnects, 0);
	cr_expect_eq(cancelled.called, 0);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_cancel, a_blocking_call_does_not_get_a_cancelled_requests_answer)
{
	struct authz_decision decision = allowed();
	struct fake_server server;
	struct log cancelled;
	struct heard heard;
	struct authz *authz;

	authz = heard_client(&heard, &server, &cancelled);
	for (int i = 0; i < 2; i++) {
		uint64_t id = start_one(authz, &cancelled);

		cr_expect_eq(authz_process(authz), AUTHZ_OK);
		heard_wait(&heard, (unsigned)i + 1);
		cr_expect_eq(authz_cancel(authz, id), AUTHZ_OK);
	}
	heard_answer(&heard);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	cr_expect_eq(decision.verdict, AUTHZ_ALLOW);
	cr_expect_eq(cancelled.called, 0);
	cr_expect_eq(cancelled.disconnects, 1);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 2);
}

/* Answers nothing on the first connection. */
static void ignore_first(struct fake_server *server, int fd, unsigned number)
{
	(number == 0 ? fake_ignore : fake_allow_all)(server, fd, number);
}

Test(authz_cancel, a_handle_full_of_cancelled_requests_can_be_used)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, ignore_first);
	authz = loop_client(&server, LONG_MS, &log);
	for (int i = 0; i < AUTHZ_MAX_REQUESTS; i++) {
		start(authz, &log, 1);
		/* Until it is sent. */
		while (authz_events(authz) != POLLIN) {
			struct pollfd wait = { .fd = authz_fd(authz), .events = POLLOUT };

			cr_assert_eq(poll(&wait, 1, LONG_MS), 1);
			cr_assert_eq(authz_process(authz), AUTHZ_OK);
		}
		cr_assert_eq(authz_cancel(authz, authz_started(authz)), AUTHZ_OK);
	}
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 1), AUTHZ_OK);
	cr_expect_eq(log.allowed, 1);
	cr_expect_eq(log.disconnects, 1);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 2);
}

/* A callback that cancels the request after its own. */
struct pair {
	struct authz *authz;
	uint64_t other;
	int called, error, result;
};

static void on_cancel_other(void *data, int error, const struct authz_decision *decision)
{
	struct pair *pair = data;

	(void)decision;
	pair->called++;
	pair->error = error;
	pair->result = authz_cancel(pair->authz, pair->other);
	cr_expect_eq(authz_cancel(pair->authz, pair->other), AUTHZ_EINVAL);
}

static void close_after_two(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	(void)server;
	(void)number;
	(void)(fake_read_id(fd, &id) && fake_read_id(fd, &id));
}

Test(authz_cancel, when_the_connection_ends_a_callback_may_cancel_those_after_it)
{
	struct fake_server server;
	struct authz *authz;
	struct pair pair = { .called = 0, .result = 1 };
	struct log log;

	fake_start(&server, close_after_two);
	authz = loop_client(&server, LONG_MS, &log);
	pair.authz = authz;
	cr_assert_eq(authz_check_start(authz, &question, on_cancel_other, &pair), AUTHZ_OK);
	start(authz, &log, 1);
	pair.other = authz_started(authz);
	while (pair.called == 0) {
		struct pollfd wait = { .fd = authz_fd(authz), .events = authz_events(authz) };

		cr_assert_geq(poll(&wait, 1, authz_timeout(authz)), 0);
		(void)authz_process(authz);
	}
	cr_expect_eq(pair.error, AUTHZ_ECLOSED);
	cr_expect_eq(pair.result, AUTHZ_OK);
	cr_expect_eq(pair.called, 1);
	cr_expect_eq(log.called, 0);
	cr_expect_eq(authz_outstanding(authz), 0);
	authz_destroy(authz);
	fake_stop(&server);
}

/* --- deadlines --- */

Test(authz_cancel, each_request_has_a_deadline_of_its_own)
{
	struct fake_server server;
	struct log log, hasty = { .called = 0 };
	struct heard heard;
	struct authz *authz;

	authz = heard_client(&heard, &server, &log);
	start(authz, &log, 1);
	cr_expect_gt(authz_timeout(authz), SHORT_MS);
	cr_assert_eq(authz_set_timeout(authz, SHORT_MS), AUTHZ_OK);
	start(authz, &hasty, 1);
	cr_expect_leq(authz_timeout(authz), SHORT_MS);
	cr_expect_eq(run(authz, &hasty, 1), AUTHZ_OK);
	cr_expect_eq(hasty.last_error, AUTHZ_ETIMEOUT);
	cr_expect_eq(log.called, 0);
	cr_expect_eq(authz_outstanding(authz), 1);
	cr_expect_gt(authz_timeout(authz), SHORT_MS);
	/* The answer that is too late is dropped, and the other one counts. */
	heard_answer(&heard);
	cr_expect_eq(run(authz, &log, 1), AUTHZ_OK);
	cr_assert_eq(authz_set_timeout(authz, LONG_MS), AUTHZ_OK);
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 2), AUTHZ_OK);
	cr_expect_eq(log.allowed, 2);
	cr_expect_eq(hasty.called, 1);
	cr_expect_eq(log.disconnects, 0);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}

Test(authz_cancel, each_blocking_call_has_the_deadline_that_was_set_before_it)
{
	struct authz_decision decision = allowed();
	struct fake_server server;
	struct authz *authz;

	fake_start(&server, ignore_first);
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_connect(authz), AUTHZ_OK);
	cr_expect_eq(authz_set_timeout(authz, -1), AUTHZ_EINVAL);
	cr_expect_eq(authz_set_timeout(NULL, 1), AUTHZ_EINVAL);
	cr_expect_eq(authz_set_timeout(authz, SHORT_MS), AUTHZ_OK);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_ETIMEOUT);
	cr_expect(is_denial(&decision));
	cr_expect_eq(authz_set_timeout(authz, LONG_MS), AUTHZ_OK);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
}

/* --- anything, in any order --- */

enum { STEPS = 20000, WINDOW = 600, LONG_PATH = 40000 };

/* A started request, as the test sees it. */
struct asked {
	uint64_t id; /* 0: none */
	unsigned calls;
};

static void on_asked(void *data, int error, const struct authz_decision *decision)
{
	struct asked *asked = data;

	cr_expect_eq(error, AUTHZ_OK);
	cr_expect_eq(decision->verdict, AUTHZ_ALLOW);
	cr_expect_neq(asked->id, 0, "no request waits for this callback");
	asked->calls++;
	asked->id = 0;
}

static uint32_t draw(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static uint32_t count_waiting(const struct asked *asked)
{
	uint32_t waiting = 0;

	for (size_t i = 0; i < WINDOW; i++) {
		waiting += asked[i].id != 0;
	}
	return waiting;
}

Test(authz_cancel, requests_are_answered_once_or_cancelled_in_any_order)
{
	static struct asked asked[WINDOW];
	static char path[LONG_PATH + 1];
	struct authz_request request = { .principal = "alice", .method = "GET", .path = path };
	uint32_t random = 20260101, cancelled = 0, kept = 0;
	struct fake_server server;
	struct authz *authz;
	struct log log;

	memset(path, '/', LONG_PATH);
	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	for (int step = 0; step < STEPS; step++) {
		struct asked *one = &asked[draw(&random) % WINDOW];
		uint32_t what = draw(&random) % 16;

		if (what == 0) {
			cr_assert_eq(authz_process(authz), AUTHZ_OK);
		} else if (one->id == 0) {
			/* Long ones fill the socket's buffer, so that some are sent in part. */
			path[what == 1 ? LONG_PATH : 1 + what] = '\0';
			cr_assert_eq(authz_check_start(authz, &request, on_asked, one), AUTHZ_OK);
			memset(path, '/', LONG_PATH);
			one->id = authz_started(authz);
		} else if (what % 2 == 0) {
			cr_assert_eq(authz_cancel(authz, one->id), AUTHZ_OK);
			one->id = 0;
			cancelled++;
		}
		if (step % 64 == 0) {
			cr_assert_eq(authz_outstanding(authz), count_waiting(asked));
		}
	}
	while (authz_outstanding(authz) > 0) {
		struct pollfd wait = { .fd = authz_fd(authz), .events = authz_events(authz) };

		cr_assert_geq(poll(&wait, 1, authz_timeout(authz)), 0);
		cr_assert_eq(authz_process(authz), AUTHZ_OK);
	}
	cr_expect_eq(count_waiting(asked), 0);
	for (size_t i = 0; i < WINDOW; i++) {
		kept += asked[i].calls;
	}
	cr_expect_gt(cancelled, 1000);
	/* How many were cancelled first depends on the server's speed; two of three wait at the
	 * end. */
	cr_expect_gt(kept, WINDOW / 3);
	cr_expect_eq(log.disconnects, 0);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
}
