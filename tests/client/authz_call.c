/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "tests/client/authz_test.h"

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

Test(authz_call, allows_and_denials_are_read_as_sent)
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

Test(authz_call, invalid_requests_are_not_sent)
{
	static const char *const no_member[] = { NULL };
	static const struct authz_fact facts[] = { { .type = AUTHZ_FACT_INT },
		{ .name = "a.b", .type = AUTHZ_FACT_TEXT },
		{ .name = "a.b", .type = AUTHZ_FACT_SET, .count = 1 },
		{ .name = "a.b", .type = AUTHZ_FACT_SET, .items = no_member, .count = 1 },
		{ .name = "a.b", .type = (enum authz_fact_type)9 } };
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
		{ .token = "t", .method = "GET", .path = "/", .fact_count = 1 },
		{ .token = "t", .method = "GET", .path = "/", .facts = &facts[0], .fact_count = 1 },
		{ .token = "t", .method = "GET", .path = "/", .facts = &facts[1], .fact_count = 1 },
		{ .token = "t", .method = "GET", .path = "/", .facts = &facts[2], .fact_count = 1 },
		{ .token = "t", .method = "GET", .path = "/", .facts = &facts[3], .fact_count = 1 },
		{ .token = "t", .method = "GET", .path = "/", .facts = &facts[4], .fact_count = 1 },
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

Test(authz_call, invalid_options_are_refused)
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

Test(authz_call, an_answer_may_come_in_pieces)
{
	struct fake_server server;
	struct authz *authz;

	fake_start(&server, fake_allow_in_pieces);
	authz = client_of(&server, LONG_MS);
	for (int i = 0; i < 20; i++) {
		struct authz_decision decision;

		cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
		cr_assert_eq(decision.verdict, AUTHZ_ALLOW);
	}
	authz_destroy(authz);
	fake_stop(&server);
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
	cr_expect_str_eq(reply.message, "id: no such key");
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

Test(authz_call, parameters_that_are_not_a_map_are_not_sent)
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

Test(authz_call, each_request_id_is_new)
{
	char ids[8][AUTHZ_REQUEST_ID_SIZE];

	for (size_t i = 0; i < 8; i++) {
		cr_assert_eq(authz_request_id(ids[i]), AUTHZ_OK);
		cr_assert_eq(strspn(ids[i], "0123456789abcdef"), 32);
		cr_assert_eq(strlen(ids[i]), 32);
		for (size_t k = 0; k < i; k++) {
			cr_assert_neq(strcmp(ids[i], ids[k]), 0);
		}
	}
	cr_assert_eq(authz_request_id(NULL), AUTHZ_EINVAL);
}
