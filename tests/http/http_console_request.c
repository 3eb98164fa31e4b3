/* SPDX-License-Identifier: Apache-2.0 */
/* What the page's bodies become, and which are refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "client/http/console_request.h"
#include "client/http/json.h"
#include "client/http/memory.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static struct http_console_call call;
static struct http_console_error error;

static void begin(void)
{
	http_memory_init();
}

TestSuite(console_request, .init = begin);

static bool read_as(const char *body, const struct http_console_caller *caller)
{
	return http_console_read_call(body, strlen(body), caller, &call, &error);
}

static bool reads(const char *body)
{
	static const struct http_console_caller nobody;

	return read_as(body, &nobody);
}

/* The packed parameters as JSON text; good until the next call. */
static const char *packed(void)
{
	static char text[4096];
	struct wire_buf buf;

	wire_buf_init(&buf, sizeof text - 1);
	http_json_write(wire_cursor_of(call.params.data, call.params.len), &buf);
	cr_assert_eq(buf.status, WIRE_OK);
	memcpy(text, buf.data, buf.len);
	text[buf.len] = '\0';
	wire_buf_finish(&buf);
	http_console_finish_call(&call);
	return text;
}

static void refused(const char *body, const char *code, const char *param)
{
	cr_expect(!reads(body), "%s", body);
	cr_expect_str_eq(error.code, code, "%s", body);
	cr_expect_str_eq(error.text.param, param, "%s", body);
}

Test(console_request, parameters_are_packed_as_they_are)
{
	cr_assert(reads("{\"method\":\"keys.list\",\"params\":{\"limit\":3,\"a\":[true,null,-7,"
			"{\"b\":\"\\u00fc\"}],\"c\":9223372036854775807}}"));
	cr_expect_str_eq(call.method->name, "keys.list");
	cr_expect_str_eq(packed(), "{\"limit\":3,\"a\":[true,null,-7,{\"b\":\"\xc3\xbc\"}],\"c\":"
				   "9223372036854775807}");
}

Test(console_request, no_parameters_are_none)
{
	cr_assert(reads("{\"method\":\"status\"}"));
	cr_expect_str_eq(packed(), "{}");
}

Test(console_request, who_calls_is_added)
{
	const struct http_console_caller token = { .token = WIRE_STR("secret") };
	const struct http_console_caller user = { .impersonate = WIRE_STR("ann") };

	cr_assert(read_as("{\"method\":\"who\",\"params\":{\"a\":1}}", &token));
	cr_expect_str_eq(packed(), "{\"a\":1,\"token\":\"secret\"}");
	cr_assert(read_as("{\"method\":\"who\",\"params\":{}}", &user));
	cr_expect_str_eq(packed(), "{\"impersonate\":\"ann\"}");
	cr_assert(http_console_make_call("whoami", &token, &call));
	cr_expect_str_eq(packed(), "{\"token\":\"secret\"}");
}

Test(console_request, the_page_cannot_say_who_calls)
{
	refused("{\"method\":\"who\",\"params\":{\"token\":\"x\"}}", "invalid_request", "token");
	refused("{\"method\":\"who\",\"params\":{\"token\":null}}", "invalid_request", "token");
	refused("{\"method\":\"who\",\"params\":{\"impersonate\":\"root\"}}", "invalid_request",
		"impersonate");
	refused("{\"method\":\"folder.file\",\"params\":{\"\\u0074oken\":\"x\"}}",
		"invalid_request", "token");
}

Test(console_request, a_call_that_makes_a_secret_has_a_request_id)
{
	const char *text;

	cr_assert(reads("{\"method\":\"keys.create\",\"params\":{\"name\":\"a\"}}"));
	text = packed();
	cr_expect_eq(strncmp(text, "{\"name\":\"a\",\"request_id\":\"", 26), 0, "%s", text);
	cr_expect_eq(strspn(text + 26, "0123456789abcdef"), 32, "%s", text);
	cr_assert(reads("{\"method\":\"keys.rotate\",\"params\":{\"request_id\":\"own\"}}"));
	cr_expect_str_eq(packed(), "{\"request_id\":\"own\"}");
	cr_assert(reads("{\"method\":\"keys.update\",\"params\":{}}"));
	cr_expect_str_eq(packed(), "{}");
}

Test(console_request, only_methods_of_the_list_are_passed_on)
{
	static const char *const not_passed_on[] = { "authorize", "authorize_many", "plan",
		"permissions", "keys.import", "keys.renew", "store.backup", "store.restore",
		"store.set", "store.share", "pepper.rotate", "decisions.watch", "tenants.create",
		"", "folder.", "folder", "keys.list ", "Keys.list", "keys.lis", "keys.listx" };
	char body[128];

	for (size_t i = 0; i < LENGTH(not_passed_on); i++) {
		snprintf(body, sizeof body, "{\"method\":\"%s\"}", not_passed_on[i]);
		refused(body, "unknown_method", "");
	}
}

Test(console_request, calls_of_the_folder_are_the_programs_own)
{
	cr_assert(reads("{\"method\":\"folder.file\",\"params\":{\"name\":\"a\"}}"));
	cr_expect_null(call.method);
	cr_expect_str_eq(http_console_local_method(&call), "folder.file");
	cr_expect(json_is_object(http_console_local_params(&call)));
	http_console_finish_call(&call);
	cr_assert(reads("{\"method\":\"folder.status\"}"));
	cr_expect(json_is_object(http_console_local_params(&call)));
	http_console_finish_call(&call);
}

Test(console_request, what_is_not_a_call_is_refused)
{
	static const char *const bodies[] = { "", "{", "[]", "null", "\"x\"", "{} {}", "{}x",
		"{\"method\":\"status\",\"method\":\"status\"}",
		"{\"method\":\"status\",\"params\":{\"a\":1,\"a\":2}}",
		"{\"method\":\"status\",\"params\":{\"a\":{\"b\":1,\"b\":2}}}",
		"{\"method\":\"status\",\"params\":{\"a\":\"\\u0000\"}}",
		"{\"method\":\"status\",\"params\":{\"\\u0000\":1}}",
		"{\"method\":\"status\",\"params\":{\"a\":\"\xff\"}}",
		"{\"method\":\"status\",\"params\":{\"a\":\"\\ud800\"}}",
		"{\"method\":\"status\",\"params\":{\"a\":9223372036854775808}}",
		"{\"method\":\"status\",\"params\":{\"a\":1e999}}",
		"{\"method\":\"status\",\"x\":1}", "\xef\xbb\xbf{\"method\":\"status\"}" };

	for (size_t i = 0; i < LENGTH(bodies); i++) {
		refused(bodies[i], "invalid_request", "");
	}
	refused("{}", "invalid_request", "method");
	refused("{\"method\":7}", "invalid_request", "method");
	refused("{\"method\":\"status\",\"params\":[]}", "invalid_request", "params");
	refused("{\"method\":\"status\",\"params\":null}", "invalid_request", "params");
}

Test(console_request, floats_and_deep_values_are_refused)
{
	refused("{\"method\":\"status\",\"params\":{\"a\":1.0}}", "invalid_request", "params");
	refused("{\"method\":\"status\",\"params\":{\"a\":[{\"b\":1e2}]}}", "invalid_request",
		"params");
	cr_expect(reads("{\"method\":\"status\",\"params\":{\"a\":[[[[[[[1]]]]]]]}}"));
	http_console_finish_call(&call);
	refused("{\"method\":\"status\",\"params\":{\"a\":[[[[[[[[1]]]]]]]]}}", "invalid_request",
		"params");
}

Test(console_request, a_body_nested_without_end_is_refused)
{
	enum { DEEP = 100000 };
	char *body = malloc(DEEP);

	cr_assert_not_null(body);
	memset(body, '[', DEEP);
	cr_expect(!http_console_read_call(
		body, DEEP, &(struct http_console_caller){ 0 }, &call, &error));
	free(body);
}

Test(console_request, a_call_that_waits_for_all_hosts_is_known)
{
	cr_assert(reads("{\"method\":\"keys.revoke\",\"params\":{\"everywhere\":true}}"));
	cr_expect(call.everywhere);
	http_console_finish_call(&call);
	cr_assert(reads("{\"method\":\"keys.revoke\",\"params\":{\"everywhere\":false}}"));
	cr_expect(!call.everywhere);
	http_console_finish_call(&call);
}

Test(console_request, a_ticket_is_a_text)
{
	static const char *const bad[] = { "{}", "{\"ticket\":1}", "{\"ticket\":\"a\",\"b\":1}",
		"[]", "{\"ticket\":\"a\\u0000\"}" };
	json_t *body = http_console_read_ticket("{\"ticket\":\"a\"}", 14, &error);

	cr_assert_not_null(body);
	cr_expect_str_eq(json_string_value(json_object_get(body, "ticket")), "a");
	json_decref(body);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		cr_expect_null(
			http_console_read_ticket(bad[i], strlen(bad[i]), &error), "%s", bad[i]);
	}
}

Test(console_request, statuses_are_those_of_the_codes)
{
	cr_expect_eq(http_console_status(WIRE_STR("invalid_request")), 400);
	cr_expect_eq(http_console_status(WIRE_STR("unauthenticated")), 401);
	cr_expect_eq(http_console_status(WIRE_STR("forbidden")), 403);
	cr_expect_eq(http_console_status(WIRE_STR("unknown_method")), 404);
	cr_expect_eq(http_console_status(WIRE_STR("conflict")), 409);
	cr_expect_eq(http_console_status(WIRE_STR("invalid_policy")), 422);
	cr_expect_eq(http_console_status(WIRE_STR("no_daemon")), 503);
	cr_expect_eq(http_console_status(WIRE_STR("of_tomorrow")), 500);
}
