/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tests/client/authz_loop_test.h"

/* Reads *data requests, and then answers them all at once, in reverse order. */
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
	place->log->called++;
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
	authz = loop_client(&server, LONG_MS, &log);
	/* Enough rounds for every slot to be used again. */
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < COUNT; i++) {
			places[i] = (struct place){ &log, i };
			cr_assert_eq(authz_check_start(authz, &question, on_placed, &places[i]),
				AUTHZ_OK);
		}
		log.called = 0;
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
	authz = loop_client(&server, LONG_MS, &log);
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
	authz = loop_client(&server, LONG_MS, &log);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(authz_check_start(authz, &large, on_decision, &log), AUTHZ_OK);
	}
	/* The queue's 4 MiB are full long before there are 1,024 requests. */
	cr_expect_eq(authz_check_start(authz, &large, on_decision, &log), AUTHZ_ELIMIT);
	cr_expect_eq(authz_events(authz), POLLIN | POLLOUT);
	cr_expect_eq(run(authz, &log, 20), AUTHZ_OK);
	cr_expect_eq(log.allowed, 20);
	cr_expect_eq(authz_events(authz), POLLIN);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_loop, answers_may_come_in_pieces)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_in_pieces);
	authz = loop_client(&server, LONG_MS, &log);
	start(authz, &log, 20);
	cr_expect_eq(run(authz, &log, 20), AUTHZ_OK);
	cr_expect_eq(log.allowed, 20);
	authz_destroy(authz);
	fake_stop(&server);
}

Test(authz_loop, a_callback_may_start_the_next)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, fake_allow_all);
	authz = loop_client(&server, LONG_MS, &log);
	log.again = 50;
	start(authz, &log, 1);
	cr_expect_eq(run(authz, &log, 51), AUTHZ_OK);
	cr_expect_eq(log.allowed, 51);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 1);
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
	log->called++;
}

static void on_refused(void *data, int error, const struct authz_reply *reply)
{
	struct log *log = data;

	cr_expect_eq(error, AUTHZ_EREFUSED);
	cr_expect_str_eq(reply->code, "forbidden");
	cr_expect_str_eq(reply->message, "not you");
	log->called++;
}

Test(authz_loop, calls_bring_replies_and_refusals)
{
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, answer_or_refuse);
	authz = loop_client(&server, LONG_MS, &log);
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
