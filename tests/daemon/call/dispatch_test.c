/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/call/dispatch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* --- finding ---------------------------------------------------------------------------------- */

Test(dispatch, a_method_is_found_by_its_whole_name_alone)
{
	const struct {
		struct wire_str name;
		bool found;
	} cases[] = {
		{ WIRE_STR("authorize"), true },
		{ WIRE_STR("keys.get"), true },
		{ WIRE_STR("store.backup"), true },
		{ WIRE_STR("keys.ge"), false },
		{ WIRE_STR("keys.gets"), false },
		{ WIRE_STR("keys.get\0"), false },
		{ WIRE_STR("keys"), false },
		{ { "", 0 }, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct method *method = dispatch_find(cases[i].name);

		cr_expect_eq(method != NULL, cases[i].found, "%.*s", (int)cases[i].name.len,
			cases[i].name.ptr);
		cr_expect(method == NULL || strcmp(method->name, cases[i].name.ptr) == 0);
	}
}

/* --- admission -------------------------------------------------------------------------------- */

Test(dispatch, the_kind_of_socket_and_a_token_decide_what_is_admitted)
{
	enum { DECIDES = 0, MANAGES = METHOD_MANAGES, BY_TOKEN = METHOD_MANAGES | METHOD_TOKEN };
	static const struct {
		uint32_t flags;
		bool may_decide, may_manage, has_token, admitted;
	} cases[] = {
		{ DECIDES, true, false, false, true },
		{ DECIDES, false, true, false, false },
		{ MANAGES, false, true, false, true },
		{ MANAGES, true, false, false, false },
		{ MANAGES, true, true, true, false },
		{ BY_TOKEN, false, true, false, true },
		{ BY_TOKEN, true, false, false, false },
		{ BY_TOKEN, true, false, true, true },
		{ BY_TOKEN, false, true, true, true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct method method = { .name = "any", .flags = cases[i].flags };
		const struct peer peer = { .may_decide = cases[i].may_decide,
			.may_manage = cases[i].may_manage };
		struct wire_error err = { .code = WIRE_INTERNAL };
		int r = dispatch_admit(&method, &peer,
			cases[i].has_token ? DISPATCH_BY_TOKEN : DISPATCH_BY_PEER, &err);

		cr_expect_eq(r, cases[i].admitted ? 0 : WIRE_EPARAM, "case %zu", i);
		cr_expect_eq(err.code, cases[i].admitted ? WIRE_INTERNAL : WIRE_FORBIDDEN);
	}
}

/* The handler of such a method runs after the reload, so it cannot refuse it. */
Test(dispatch, a_reload_is_for_peers_that_manage)
{
	static const struct {
		bool may_manage, superuser, manager, has_token, admitted;
	} cases[] = {
		{ true, false, false, false, false },
		{ true, false, true, false, true },
		{ true, true, false, false, true },
		{ false, true, true, false, false },
		{ true, true, true, true, false },
	};
	const struct method *method = dispatch_find(WIRE_STR("policy.reload"));

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct peer peer = { .may_decide = true,
			.may_manage = cases[i].may_manage,
			.superuser = cases[i].superuser,
			.manager = cases[i].manager };
		struct wire_error err = { .code = WIRE_INTERNAL };
		int r = dispatch_admit(method, &peer,
			cases[i].has_token ? DISPATCH_BY_TOKEN : DISPATCH_BY_PEER, &err);

		cr_expect_eq(r, cases[i].admitted ? 0 : WIRE_EPARAM, "case %zu", i);
		cr_expect_eq(err.code, cases[i].admitted ? WIRE_INTERNAL : WIRE_FORBIDDEN);
	}
}

/* --- decoding --------------------------------------------------------------------------------- */

struct decoded {
	struct wire_buf buf;
	struct wire_value values[WIRE_MAX_FIELDS];
	const struct method *method;
	struct wire_error err;
	int r;
};

/* Does the peer of decode() impersonate? */
static bool impersonates;

/* Decodes a request with text parameters: name, value, name, value, …, NULL; the peer manages. */
static void decode(struct decoded *out, const char *method, const char *const *params)
{
	const struct peer peer = { .may_manage = true, .impersonates = impersonates };
	struct wire_request request = { .id = 7, .method = { method, strlen(method) } };
	uint32_t pairs = 0;

	while (params[2 * pairs] != NULL) {
		pairs++;
	}
	wire_buf_init(&out->buf, WIRE_MAX_REQUEST);
	wire_put_map(&out->buf, pairs);
	for (uint32_t i = 0; i < 2 * pairs; i++) {
		wire_put_cstr(&out->buf, params[i]);
	}
	request.params = wire_cursor_of(out->buf.data, out->buf.len);
	out->method = NULL;
	out->r = dispatch_decode(&request, &peer, &out->method, out->values, &out->err);
}

static void decode_finish(struct decoded *decoded)
{
	wire_buf_finish(&decoded->buf);
}

Test(dispatch, a_request_becomes_its_method_and_the_values_of_its_fields)
{
	static const char *const params[] = { "id", "abc", NULL };
	struct decoded decoded;
	struct call call = { .params = decoded.values };

	decode(&decoded, "keys.get", params);
	cr_assert_eq(decoded.r, 0);
	cr_assert_str_eq(decoded.method->name, "keys.get");
	cr_assert_eq(decoded.method->field_count, 1);
	cr_expect(wire_str_equal(decoded.values[0].text, WIRE_STR("abc")));
	call.method = decoded.method;
	cr_expect_eq(dispatch_by(&call), DISPATCH_BY_PEER);
	decode_finish(&decoded);
}

Test(dispatch, a_managing_method_takes_a_token_after_its_fields)
{
	static const char *const params[] = { "token", "t0ken", "id", "abc", NULL };
	struct decoded decoded;
	struct call call = { .params = decoded.values };

	decode(&decoded, "keys.get", params);
	cr_assert_eq(decoded.r, 0);
	call.method = decoded.method;
	cr_assert_eq(dispatch_by(&call), DISPATCH_BY_TOKEN);
	cr_expect(wire_str_equal(dispatch_caller(&call), WIRE_STR("t0ken")));
	decode_finish(&decoded);
}

Test(dispatch, a_peer_that_a_line_names_may_name_a_principal_after_the_token)
{
	static const char *const params[] = { "impersonate", "ann", "id", "abc", NULL };
	static const char *const both[] = { "impersonate", "ann", "token", "t", "id", "a", NULL };
	struct decoded decoded;
	struct call call = { .params = decoded.values };

	impersonates = true;
	decode(&decoded, "keys.get", params);
	cr_assert_eq(decoded.r, 0);
	call.method = decoded.method;
	cr_assert_eq(dispatch_by(&call), DISPATCH_BY_PRINCIPAL);
	cr_expect(wire_str_equal(dispatch_caller(&call), WIRE_STR("ann")));
	decode_finish(&decoded);
	decode(&decoded, "keys.get", both);
	cr_expect_eq(decoded.r, WIRE_EPARAM);
	cr_expect_eq(decoded.err.code, WIRE_INVALID_REQUEST);
	cr_expect_str_eq(decoded.err.param, "impersonate");
	decode_finish(&decoded);
	impersonates = false;
	decode(&decoded, "keys.get", params);
	cr_expect_eq(decoded.r, WIRE_EPARAM);
	cr_expect_eq(decoded.err.code, WIRE_FORBIDDEN);
	decode_finish(&decoded);
}

Test(dispatch, only_through_a_socket_for_managing_and_by_a_line_may_a_peer_impersonate)
{
	static const struct {
		uint32_t flags;
		bool may_manage, impersonates, superuser, admitted;
	} cases[] = {
		{ METHOD_MANAGES | METHOD_TOKEN, true, true, false, true },
		{ METHOD_MANAGES | METHOD_TOKEN, true, true, true, true },
		{ METHOD_MANAGES | METHOD_TOKEN, true, false, true, false },
		{ METHOD_MANAGES | METHOD_TOKEN, true, false, false, false },
		{ METHOD_MANAGES | METHOD_TOKEN, false, true, true, false },
		{ METHOD_MANAGES, true, true, true, false },
		{ METHOD_MANAGES | METHOD_CHANGES, true, true, true, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct method method = { .name = "any", .flags = cases[i].flags };
		const struct peer peer = { .may_decide = true,
			.may_manage = cases[i].may_manage,
			.manager = true,
			.superuser = cases[i].superuser,
			.impersonates = cases[i].impersonates };
		struct wire_error err = { .code = WIRE_INTERNAL };
		int r = dispatch_admit(&method, &peer, DISPATCH_BY_PRINCIPAL, &err);

		cr_expect_eq(r, cases[i].admitted ? 0 : WIRE_EPARAM, "case %zu", i);
		cr_expect_eq(err.code, cases[i].admitted ? WIRE_INTERNAL : WIRE_FORBIDDEN);
	}
}

Test(dispatch, a_bad_request_is_refused_with_its_parameter)
{
	static const struct {
		const char *method, *params[5];
		enum wire_code code;
		const char *param;
	} cases[] = {
		{ "keys.none", { NULL }, WIRE_UNKNOWN_METHOD, "" },
		{ "keys.get", { NULL }, WIRE_INVALID_REQUEST, "id" },
		{ "keys.get", { "id", "abc", "colour", "red", NULL }, WIRE_INVALID_REQUEST,
			"colour" },
		{ "tenants.list", { "limit", "ten", NULL }, WIRE_INVALID_REQUEST, "limit" },
		{ "tenants.list", { "token", "t0ken", NULL }, WIRE_FORBIDDEN, "" },
		{ "authorize", { "resource", "t:/a", "action", "read", NULL }, WIRE_FORBIDDEN, "" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct decoded decoded;

		decode(&decoded, cases[i].method, cases[i].params);
		cr_expect_eq(decoded.r, WIRE_EPARAM, "case %zu", i);
		cr_expect_eq(
			decoded.err.code, cases[i].code, "case %zu: %s", i, decoded.err.message);
		cr_expect_str_eq(decoded.err.param, cases[i].param, "case %zu", i);
		cr_expect_null(decoded.method);
		decode_finish(&decoded);
	}
}

/* --- running ---------------------------------------------------------------------------------- */

#define BEFORE "what was answered before"

static int answer(struct call *call)
{
	wire_put_result(call->out, call->id);
	wire_put_int(call->out, 42);
	return 0;
}

static int refuse(struct call *call)
{
	return call_error(call, "conflict", "there is %d already", 1);
}

static int refuse_param(struct call *call)
{
	return call_invalid(call, "colour", "is no colour");
}

static int fail_halfway(struct call *call)
{
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 3);
	return -EIO;
}

static int fail_for_the_host(struct call *call)
{
	(void)call;
	return -ENOSPC;
}

static int answer_nothing(struct call *call)
{
	(void)call;
	return 0;
}

static int answer_too_much(struct call *call)
{
	static const uint8_t bytes[1024];

	wire_put_result(call->out, call->id);
	wire_put_array(call->out, WIRE_MAX_RESPONSE / sizeof bytes);
	for (size_t i = 0; i < WIRE_MAX_RESPONSE / sizeof bytes; i++) {
		wire_put_bin(call->out, bytes, sizeof bytes);
	}
	return 0;
}

struct ran {
	struct wire_buf out;
	struct wire_response response;
	struct wire_error err; /* when it failed */
	int r;
};

/* Runs the handler, and reads the one response that follows what was there. */
static void run(struct ran *ran, call_handler handler, size_t room)
{
	const struct method method = { .name = "any" };
	struct call call = { .method = &method, .id = 7, .out = &ran->out };
	size_t mark, len;
	struct wire_walk walk;

	wire_buf_init(&ran->out, room);
	wire_put_cstr(&ran->out, BEFORE);
	mark = ran->out.len;
	ran->r = dispatch_run(&call, handler);
	cr_assert_eq(ran->out.status, WIRE_OK);
	cr_assert_gt(ran->out.len, mark);
	cr_expect_arr_eq(ran->out.data + mark - strlen(BEFORE), BEFORE, strlen(BEFORE));
	wire_walk_init(&walk, WIRE_MAX_RESPONSE);
	cr_assert_eq(
		wire_walk(&walk, ran->out.data + mark, ran->out.len - mark, &len), WIRE_COMPLETE);
	cr_expect_eq(len, ran->out.len - mark);
	cr_assert_eq(
		wire_decode_response(ran->out.data + mark, ran->out.len - mark, &ran->response), 0);
	cr_expect_eq(ran->response.id, 7);
	if (ran->response.failed) {
		wire_decode_error(ran->response.value, &ran->err);
	}
}

Test(dispatch, a_result_is_answered_as_it_is)
{
	struct ran ran;

	run(&ran, answer, 2 * WIRE_MAX_RESPONSE);
	cr_expect_eq(ran.r, 0);
	cr_expect_not(ran.response.failed);
	wire_buf_finish(&ran.out);
}

Test(dispatch, a_refusal_is_answered_and_returned_as_1)
{
	struct ran ran;

	run(&ran, refuse, 2 * WIRE_MAX_RESPONSE);
	cr_expect_eq(ran.r, 1);
	cr_assert(ran.response.failed);
	cr_expect_eq(ran.err.code, WIRE_CONFLICT);
	cr_expect_str_eq(ran.err.message, "there is 1 already");
	cr_expect_str_eq(ran.err.param, "");
	wire_buf_finish(&ran.out);
	run(&ran, refuse_param, 2 * WIRE_MAX_RESPONSE);
	cr_expect_eq(ran.r, 1);
	cr_assert(ran.response.failed);
	cr_expect_eq(ran.err.code, WIRE_INVALID_REQUEST);
	cr_expect_str_eq(ran.err.param, "colour");
	cr_expect_str_eq(ran.err.message, "colour: is no colour");
	wire_buf_finish(&ran.out);
}

Test(dispatch, a_failure_replaces_what_the_handler_wrote)
{
	static const struct {
		call_handler handler;
		int r;
		enum wire_code code;
	} cases[] = {
		{ fail_halfway, -EIO, WIRE_INTERNAL },
		{ fail_for_the_host, -ENOSPC, WIRE_OVERLOADED },
		{ answer_nothing, -EPROTO, WIRE_INTERNAL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ran ran;

		run(&ran, cases[i].handler, 2 * WIRE_MAX_RESPONSE);
		cr_expect_eq(ran.r, cases[i].r, "case %zu", i);
		cr_assert(ran.response.failed);
		cr_expect_eq(ran.err.code, cases[i].code, "case %zu", i);
		wire_buf_finish(&ran.out);
	}
}

/* First by the limit of an answer, then by that of the buffer. */
Test(dispatch, an_answer_that_is_too_large_becomes_an_error)
{
	static const size_t rooms[] = { (size_t)2 * WIRE_MAX_RESPONSE, WIRE_MAX_RESPONSE / 2 };

	for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
		struct ran ran;

		run(&ran, answer_too_much, rooms[i]);
		cr_expect_eq(ran.r, -EMSGSIZE);
		cr_assert(ran.response.failed);
		cr_expect_eq(ran.err.code, WIRE_LIMIT_REACHED);
		wire_buf_finish(&ran.out);
	}
}
