/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "tests/client/authz_test.h"

/* --- time --- */

/* Answers nothing on the first connection, half an answer on the second, and all on later ones. */
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

Test(authz_channel, a_missed_deadline_denies_and_ends_the_connection)
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

/* The time that passes on the first connection before it breaks. */
enum { FIRST_MS = 200 };

/* Closes the first connection FIRST_MS after a request came, later ones at once. */
static void close_late(struct fake_server *server, int fd, unsigned number)
{
	struct pollfd gone = { .fd = fd, .events = POLLIN };
	uint32_t id;

	(void)server;
	if (fake_read_id(fd, &id) && number == 0) {
		/* The client sends no more: this ends early only when it has given up. */
		poll(&gone, 1, FIRST_MS);
	}
}

/* The receive timeout of each connection when the client closed it, in milliseconds. */
struct timeouts {
	int64_t ms[4];
	size_t count;
};

static void note_timeout(void *data, int fd)
{
	struct timeouts *timeouts = data;
	struct timeval tv = { .tv_sec = 0 };
	socklen_t len = sizeof tv;

	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len), 0);
	cr_assert_lt(timeouts->count, 4);
	timeouts->ms[timeouts->count++] = (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

Test(authz_channel, the_second_attempt_has_the_time_that_the_first_left)
{
	struct fake_server server;
	struct timeouts timeouts = { .count = 0 };
	struct authz_options options = {
		.timeout_ms = LONG_MS, .on_disconnect = note_timeout, .data = &timeouts
	};
	struct authz_decision decision = allowed();
	struct authz *authz = NULL;

	fake_start(&server, close_late);
	options.socket = server.path;
	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_ECLOSED);
	cr_expect(is_denial(&decision));
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 2);
	cr_assert_eq(timeouts.count, 2);
	/* The kernel rounds timeouts up to its clock's tick, at most 10 ms. */
	cr_expect_gt(timeouts.ms[1], 0);
	cr_expect_leq(timeouts.ms[1], LONG_MS - FIRST_MS + 10);
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

Test(authz_channel, signals_do_not_disturb_a_wait)
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

/* --- a connection that breaks --- */

/* Closes the first connections in the middle of an answer; *data is their number. */
static void break_in_answer(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	if (number >= *(const unsigned *)server->data) {
		fake_allow_all(server, fd, number);
	} else if (fake_read_id(fd, &id)) {
		fake_send(fd, "\x94\x01\xce\x00", 4);
	}
}

Test(authz_channel, a_question_is_asked_once_more_when_the_connection_breaks)
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

static void read_and_close(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	(void)server;
	(void)number;
	(void)fake_read_id(fd, &id);
}

Test(authz_channel, a_change_is_sent_twice_only_with_an_id)
{
	static const struct {
		const char *method;
		unsigned connections;
	} cases[] = {
		{ "keys.create", 2 },
		{ "keys.rotate", 2 },
		{ "keys.renew", 2 },
		{ "keys.update", 1 },
		{ "keys.revoke", 1 },
		{ "policy.reload", 1 },
		{ "get", 1 },
		{ "keys.get", 2 },
		{ "keys.list", 2 },
		{ "keys.audit", 2 },
		{ "audit.verify", 2 },
		{ "policy.names", 2 },
		{ "store.backup", 1 },
		{ "status", 2 },
		{ "policy.status", 2 },
		{ "policy.tree", 2 },
		{ "permissions", 2 },
		{ "authorize", 2 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fake_server server;
		struct authz_reply reply = { .len = 7 };
		struct authz *authz;

		fake_start(&server, read_and_close);
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

Test(authz_channel, a_change_reconnects_when_the_daemon_has_closed_the_connection)
{
	struct fake_server server;
	struct authz_reply reply;
	struct authz *authz;

	fake_start(&server, answer_once);
	authz = client_of(&server, LONG_MS);
	for (int i = 0; i < 3; i++) {
		struct pollfd gone = { .fd = -1, .events = 0 };

		cr_assert_eq(authz_call(authz, "keys.create", NULL, 0, &reply), AUTHZ_OK);
		/* Wait until the server has closed: the next call then sends no byte. */
		gone.fd = authz_fd(authz);
		cr_assert_eq(poll(&gone, 1, LONG_MS), 1);
	}
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 3);
}
