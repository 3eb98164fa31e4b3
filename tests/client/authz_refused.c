/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include "tests/client/authz_loop_test.h"

/* The daemon's answer to a connection for which there is no room. */
static void refuse(struct fake_server *server, int fd, unsigned number)
{
	struct wire_error error;
	struct wire_buf buf;

	(void)server;
	(void)number;
	wire_error_set(&error, WIRE_OVERLOADED, WIRE_STR(""), "close some of them");
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	wire_put_error(&buf, NULL, &error);
	fake_send(fd, buf.data, buf.len);
	wire_buf_finish(&buf);
}

/* The same after the whole request was read: the client then has it sent. */
static void refuse_late(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	if (fake_read_id(fd, &id)) {
		refuse(server, fd, number);
	}
}

/* Says nothing of a reason. */
static void refuse_oddly(struct fake_server *server, int fd, unsigned number)
{
	(void)server;
	(void)number;
	fake_send(fd, "\x94\x01\xc0\x80\xc0", 5);
}

static void expect_reason(const struct authz_reply *reply)
{
	cr_assert_not_null(reply->code);
	cr_expect_str_eq(reply->code, "overloaded");
	cr_expect_str_eq(reply->message, "close some of them");
	cr_expect_str_empty(reply->param);
	cr_expect_null(reply->data);
	cr_expect_eq(reply->len, 0);
}

static const fake_script refusals[] = { refuse, refuse_late };

Test(authz_refused, a_blocking_call_says_why_the_daemon_refused_the_connection)
{
	for (size_t i = 0; i < 2; i++) {
		struct authz_decision decision = allowed(), many[] = { allowed(), allowed() };
		const struct authz_request requests[] = { question, question };
		struct authz_reply reply;
		struct fake_server server;
		struct authz *authz;

		fake_start(&server, refusals[i]);
		authz = client_of(&server, LONG_MS);
		cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EREFUSED);
		cr_expect(is_denial(&decision));
		authz_refusal(authz, &reply);
		expect_reason(&reply);
		cr_expect_eq(authz_fd(authz), -1);
		cr_expect_eq(authz_check_many(authz, NULL, requests, 2, many), AUTHZ_EREFUSED);
		cr_expect(is_denial(&many[0]) && is_denial(&many[1]));
		cr_expect_eq(authz_call(authz, "keys.create", NULL, 0, &reply), AUTHZ_EREFUSED);
		expect_reason(&reply);
		authz_destroy(authz);
		fake_stop(&server);
		/* It is not asked again at once. */
		cr_expect_eq(server.connections, 3);
	}
}

/* Connects, and waits until the server has refused: sending fails from then on. */
static void connect_and_be_refused(struct authz *authz)
{
	struct pollfd gone = { .events = POLLIN };

	cr_assert_eq(authz_connect(authz), AUTHZ_OK);
	gone.fd = authz_fd(authz);
	do {
		cr_assert_eq(poll(&gone, 1, LONG_MS), 1);
	} while ((gone.revents & POLLHUP) == 0);
}

Test(authz_refused, a_refusal_that_came_before_the_request_was_sent_is_read)
{
	struct authz_decision decision = allowed();
	struct authz_reply reply;
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, refuse);
	authz = loop_client(&server, LONG_MS, &log);
	connect_and_be_refused(authz);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EREFUSED);
	authz_refusal(authz, &reply);
	expect_reason(&reply);
	cr_expect_eq(server.connections, 1);
	connect_and_be_refused(authz);
	start(authz, &log, 1);
	cr_expect_eq(authz_process(authz), AUTHZ_EREFUSED);
	cr_expect_eq(log.called, 1);
	cr_expect_eq(log.last_error, AUTHZ_EREFUSED);
	cr_expect_eq(server.connections, 2);
	authz_destroy(authz);
	fake_stop(&server);
}

struct replies {
	int called;
};

static void on_refused(void *data, int error, const struct authz_reply *reply)
{
	struct replies *replies = data;

	replies->called++;
	cr_expect_eq(error, AUTHZ_EREFUSED);
	expect_reason(reply);
}

Test(authz_refused, started_requests_fail_with_the_daemons_reason)
{
	for (size_t i = 0; i < 2; i++) {
		struct replies replies = { .called = 0 };
		struct authz_reply reply;
		struct fake_server server;
		struct authz *authz;
		struct log log;

		fake_start(&server, refusals[i]);
		authz = loop_client(&server, LONG_MS, &log);
		start(authz, &log, 2);
		cr_assert_eq(authz_call_start(authz, "keys.revoke", NULL, 0, on_refused, &replies),
			AUTHZ_OK);
		cr_expect_eq(run(authz, &log, 2), AUTHZ_EREFUSED);
		cr_expect_eq(log.last_error, AUTHZ_EREFUSED);
		cr_expect_eq(log.called, 2);
		cr_expect_eq(replies.called, 1);
		authz_refusal(authz, &reply);
		expect_reason(&reply);
		cr_expect_eq(authz_fd(authz), -1);
		authz_destroy(authz);
		fake_stop(&server);
	}
}

Test(authz_refused, an_error_of_no_request_without_a_message_is_not_an_answer)
{
	struct authz_decision decision = allowed();
	struct fake_server server;
	struct authz *authz;

	fake_start(&server, refuse_oddly);
	authz = client_of(&server, LONG_MS);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_EPROTO);
	cr_expect(is_denial(&decision));
	authz_destroy(authz);
	fake_stop(&server);
}
