/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#include "tests/client/authz_loop_test.h"

/* --- in a loop of libuv, as authz.h shows --- */

struct door {
	uv_loop_t loop;
	uv_timer_t timer;
	uv_poll_t *poll;
	struct authz *authz;
	int wanted, started, called, allowed, timed_out, watches, ended, last;
};

static void on_closed_free(uv_handle_t *handle)
{
	free(handle);
}

static void process(struct door *door)
{
	door->last = authz_process(door->authz);
	if (door->called == door->wanted) {
		uv_stop(&door->loop);
	}
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	process(poll->data);
}

static void on_due(uv_timer_t *timer)
{
	process(timer->data);
}

static void on_watch(void *data, int fd, short events)
{
	struct door *door = data;

	if (events == 0) {
		uv_poll_stop(door->poll);
		uv_close((uv_handle_t *)door->poll, on_closed_free);
		door->poll = NULL;
		door->ended++;
		return;
	}
	if (door->poll == NULL) {
		door->poll = malloc(sizeof *door->poll);
		cr_assert_not_null(door->poll);
		cr_assert_eq(uv_poll_init(&door->loop, door->poll, fd), 0);
		door->poll->data = door;
		door->watches++;
	}
	cr_assert_eq(uv_poll_start(door->poll,
			     UV_READABLE | ((events & POLLOUT) != 0 ? UV_WRITABLE : 0), on_ready),
		0);
}

static void on_timer(void *data, int timeout_ms)
{
	struct door *door = data;

	if (timeout_ms < 0) {
		uv_timer_stop(&door->timer);
	} else {
		uv_timer_start(&door->timer, on_due, (uint64_t)timeout_ms, 0);
	}
}

static void on_answer(void *data, int error, const struct authz_decision *decision)
{
	struct door *door = data;

	door->called++;
	door->allowed += decision->verdict == AUTHZ_ALLOW;
	door->timed_out += error == AUTHZ_ETIMEOUT;
	/* From the callback of each even one, another one, up to those that are wanted: one more
	 * could be answered in the same turn as the last of them. */
	if (error == AUTHZ_OK && door->called % 2 == 0 && door->started < door->wanted) {
		door->started++;
		cr_expect_eq(authz_check_start(door->authz, &question, on_answer, door), AUTHZ_OK);
	}
}

static void door_open(struct door *door, const struct fake_server *server, int timeout_ms)
{
	*door = (struct door){ .authz = client_of(server, timeout_ms) };
	cr_assert_eq(uv_loop_init(&door->loop), 0);
	cr_assert_eq(uv_timer_init(&door->loop, &door->timer), 0);
	door->timer.data = door;
	cr_assert_eq(authz_watch(door->authz, on_watch, on_timer, door), AUTHZ_OK);
}

/* Starts some, and runs the loop until `wanted` callbacks were called since the door was opened. */
static void door_run(struct door *door, int start, int wanted)
{
	door->wanted = wanted;
	door->started = door->called + start;
	for (int i = 0; i < start; i++) {
		cr_assert_eq(authz_check_start(door->authz, &question, on_answer, door), AUTHZ_OK);
	}
	uv_run(&door->loop, UV_RUN_DEFAULT);
	cr_expect_eq(door->called, wanted);
}

static void door_close(struct door *door)
{
	authz_destroy(door->authz);
	cr_expect_null(door->poll);
	cr_expect_not(uv_is_active((uv_handle_t *)&door->timer));
	uv_close((uv_handle_t *)&door->timer, NULL);
	uv_run(&door->loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&door->loop), 0);
}

Test(authz_watch, it_fits_a_loop_of_libuv)
{
	struct fake_server server;
	struct door door;

	fake_start(&server, fake_allow_in_pieces);
	door_open(&door, &server, LONG_MS);
	door_run(&door, 4, 6);
	cr_expect_eq(door.allowed, 6);
	cr_expect_eq(door.watches, 1);
	cr_expect_eq(door.ended, 0);
	/* Nothing is outstanding: no timer runs. */
	cr_expect_not(uv_is_active((uv_handle_t *)&door.timer));
	door_close(&door);
	cr_expect_eq(door.ended, 1);
	fake_stop(&server);
}

Test(authz_watch, the_timer_brings_missed_deadlines)
{
	struct fake_server server;
	struct door door;

	fake_start(&server, fake_ignore);
	door_open(&door, &server, LONG_MS);
	cr_assert_eq(authz_check_start(door.authz, &question, on_answer, &door), AUTHZ_OK);
	cr_assert_eq(authz_set_timeout(door.authz, SHORT_MS), AUTHZ_OK);
	door_run(&door, 1, 1);
	cr_expect_eq(door.timed_out, 1);
	cr_expect_eq(door.ended, 0);
	cr_expect(uv_is_active((uv_handle_t *)&door.timer));
	cr_expect_eq(authz_cancel(door.authz, authz_started(door.authz)), AUTHZ_EINVAL);
	cr_expect_eq(authz_outstanding(door.authz), 1);
	door_close(&door);
	fake_stop(&server);
}

static void on_resume(uv_timer_t *timer)
{
	fake_resume(timer->data);
	uv_close((uv_handle_t *)timer, NULL);
}

Test(authz_watch, the_timer_brings_attempts_to_connect)
{
	struct fake_server server;
	struct door door;
	uv_timer_t resume;

	fake_start(&server, fake_allow_all);
	fake_pause(&server, false);
	door_open(&door, &server, LONG_MS);
	uv_timer_init(&door.loop, &resume);
	resume.data = &server;
	uv_timer_start(&resume, on_resume, 20, 0);
	door_run(&door, 3, 3);
	cr_expect_eq(door.allowed, 3);
	cr_expect_eq(door.watches, 1);
	door_close(&door);
	fake_stop(&server);
}

static void close_each(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	(void)server;
	(void)number;
	if (fake_read_id(fd, &id)) {
		fake_answer(fd, id, true);
	}
}

Test(authz_watch, a_descriptor_is_let_go_before_it_is_closed)
{
	struct fake_server server;
	struct door door;

	fake_start(&server, close_each);
	door_open(&door, &server, LONG_MS);
	for (int i = 1; i <= 3; i++) {
		door_run(&door, 1, i);
		/* The loop sees the end of the connection, and the next request opens another. */
		while (door.poll != NULL) {
			uv_run(&door.loop, UV_RUN_ONCE);
		}
		cr_expect_eq(door.ended, i);
		cr_expect_eq(door.watches, i);
	}
	cr_expect_eq(door.allowed, 3);
	door_close(&door);
	fake_stop(&server);
	cr_expect_eq(server.connections, 3);
}

/* --- what is reported, and when --- */

struct reported {
	int fd;
	short events;
	int timeout;
	int watches, timers;
};

static void note_watch(void *data, int fd, short events)
{
	struct reported *seen = data;

	seen->watches++;
	seen->fd = fd;
	seen->events = events;
}

static void note_timer(void *data, int timeout_ms)
{
	struct reported *seen = data;

	seen->timers++;
	seen->timeout = timeout_ms;
}

Test(authz_watch, only_changes_are_reported)
{
	struct reported seen = { .fd = -1, .timeout = -2 };
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	cr_expect_eq(authz_watch(authz, note_watch, NULL, &seen), AUTHZ_EINVAL);
	cr_expect_eq(authz_watch(NULL, note_watch, note_timer, &seen), AUTHZ_EINVAL);
	cr_assert_eq(authz_watch(authz, note_watch, note_timer, &seen), AUTHZ_OK);
	cr_expect_eq(seen.watches + seen.timers, 0);
	start(authz, &log, 3);
	cr_expect_eq(seen.watches, 1);
	cr_expect_eq(seen.fd, authz_fd(authz));
	cr_expect_eq(seen.events, POLLIN | POLLOUT);
	cr_expect_eq(seen.timers, 1);
	cr_expect_gt(seen.timeout, SHORT_MS);
	cr_expect_eq(run(authz, &log, 3), AUTHZ_OK);
	cr_expect_eq(seen.watches, 2);
	cr_expect_eq(seen.events, POLLIN);
	cr_expect_geq(seen.timers, 2);
	cr_expect_eq(seen.timeout, -1);
	/* A callback set later learns of what is there. */
	seen = (struct reported){ .fd = -1 };
	start(authz, &log, 1);
	cr_assert_eq(authz_watch(authz, NULL, NULL, NULL), AUTHZ_OK);
	seen = (struct reported){ .fd = -1 };
	cr_expect_eq(run(authz, &log, 4), AUTHZ_OK);
	cr_expect_eq(seen.watches + seen.timers, 0);
	cr_assert_eq(authz_watch(authz, note_watch, note_timer, &seen), AUTHZ_OK);
	cr_expect_eq(seen.fd, authz_fd(authz));
	cr_expect_eq(seen.events, POLLIN);
	authz_destroy(authz);
	cr_expect_eq(seen.events, 0);
	cr_expect_eq(log.disconnects, 1);
	fake_stop(&server);
}

/* As in a loop that was late, and counts the time of its timer from before that. */
Test(authz_watch, a_timer_that_fires_long_before_its_time_is_set_again)
{
	struct reported seen = { .fd = -1 };
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_ignore);
	authz = loop_client(&server, LONG_MS, &log);
	cr_assert_eq(authz_watch(authz, note_watch, note_timer, &seen), AUTHZ_OK);
	start(authz, &log, 1);
	cr_expect_eq(seen.timers, 1);
	cr_expect_eq(authz_process(authz), AUTHZ_OK);
	cr_expect_eq(seen.timers, 2);
	cr_expect_gt(seen.timeout, SHORT_MS);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_watch, a_forked_child_sees_nothing_of_its_parents_connection)
{
	struct reported seen = { .fd = -1 };
	struct fake_server server;
	struct authz *authz;
	struct log log;
	int status = -1;
	pid_t child;

	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	cr_assert_eq(authz_watch(authz, note_watch, note_timer, &seen), AUTHZ_OK);
	start(authz, &log, 1);
	child = fork();
	if (child == 0) {
		uint64_t id = authz_started(authz);
		bool good;

		seen = (struct reported){ .fd = -1 };
		good = authz_outstanding(authz) == 0 && authz_cancel(authz, id) == AUTHZ_EINVAL &&
		       seen.watches == 0 && seen.timers == 0 &&
		       authz_check_start(authz, &question, on_decision, &log) == AUTHZ_OK &&
		       seen.watches == 1 && authz_started(authz) >> 32 != id >> 32;
		authz_destroy(authz);
		_exit(good && seen.watches == 2 && seen.events == 0 ? 0 : 1);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_expect_eq(run(authz, &log, 1), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
}
