/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/http/http_test.h"

static const struct http_listener listener = { .token_header = "X-API-Key",
	.token_cookie = "session" };
static const struct http_listener bare = { .family = HTTP_NGINX };

/* Fails unless this is the token of a request with these headers; NULL: it has none. */
static void expect_token(const struct http_field *fields, size_t count, const char *token)
{
	const struct http_question *question = read_nginx(&listener, fields, count);

	cr_assert_eq(question->outcome, HTTP_ASK, "%s", fields[0].value);
	cr_expect_eq(question->has_token, token != NULL, "%s", fields[0].value);
	if (token == NULL) {
		cr_expect_null(question->request.token);
		return;
	}
	cr_assert_not_null(question->request.token, "%s", fields[0].value);
	cr_expect_str_eq(question->request.token, token);
}

static void expect_malformed(const struct http_field *fields, size_t count)
{
	const struct http_question *question = read_nginx(&listener, fields, count);

	expect_refused(question, 401, "malformed_token");
	cr_expect(question->has_token, "%s", fields[0].value);
	cr_expect_null(question->request.token);
}

Test(http_token, bearer_is_known_in_any_case)
{
	static const struct http_field rows[] = { FIELD("Authorization", "Bearer t_1"),
		FIELD("authorization", "bEARER t_1"), FIELD("AUTHORIZATION", "bearer   t_1") };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		expect_token(&rows[i], 1, "t_1");
	}
}

Test(http_token, another_scheme_is_no_token)
{
	static const struct http_field rows[] = { FIELD("Authorization", "Basic YTpi"),
		FIELD("Authorization", "Bearert_1"), FIELD("Authorization", ""),
		FIELD("Authorization", "t_1") };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		expect_token(&rows[i], 1, NULL);
	}
}

Test(http_token, the_header_and_the_cookie_of_the_listener_have_one_too)
{
	static const struct http_field rows[] = { FIELD("x-api-key", "t_1"),
		FIELD("Cookie", "session=t_1"), FIELD("Cookie", "a=b; session=t_1;c=session"),
		FIELD("Cookie", "session=\"t_1\""), FIELD("cookie", "a; ;session=t_1 ; b") };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		expect_token(&rows[i], 1, "t_1");
		cr_expect_null(read_nginx(&bare, &rows[i], 1)->request.token, "%s", rows[i].value);
	}
}

Test(http_token, a_cookie_of_another_name_is_no_token)
{
	static const struct http_field rows[] = { FIELD("Cookie", "Session=t_1"),
		FIELD("Cookie", "xsession=t_1"), FIELD("Cookie", "sessions=t_1"),
		FIELD("Cookie", "a=session=t_1"), FIELD("Cookie", "session"), FIELD("Cookie", "") };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		expect_token(&rows[i], 1, NULL);
	}
}

Test(http_token, the_same_token_twice_is_one)
{
	const struct http_field fields[] = { FIELD("Authorization", "Bearer t_1"),
		FIELD("Authorization", "Bearer t_1"), FIELD("X-API-Key", "t_1"),
		FIELD("Cookie", "session=t_1; session=\"t_1\"") };

	expect_token(fields, 4, "t_1");
}

Test(http_token, two_that_differ_are_refused)
{
	static const struct http_field pairs[][2] = {
		{ FIELD("Authorization", "Bearer t_1"), FIELD("Authorization", "Bearer t_2") },
		{ FIELD("Authorization", "Bearer t_1"), FIELD("Authorization", "Basic YTpi") },
		{ FIELD("Authorization", "Basic YTpi"), FIELD("Authorization", "Bearer t_1") },
		{ FIELD("Authorization", "Basic YTpi"), FIELD("Authorization", "Basic YTpj") },
		{ FIELD("Authorization", "Bearer t_1"), FIELD("X-API-Key", "t_2") },
		{ FIELD("Authorization", "Bearer t_1"), FIELD("X-API-Key", "t_12") },
		{ FIELD("X-API-Key", "t_1"), FIELD("X-API-Key", "t_2") },
		{ FIELD("X-API-Key", "t_1"), FIELD("Cookie", "session=t_2") },
		{ FIELD("Cookie", "session=t_1"), FIELD("Cookie", "a=b; session=t_2") },
		{ FIELD("X-API-Key", "t_1"), FIELD("X-API-Key", "") },
	};
	const struct http_field one = FIELD("Cookie", "session=t_1; session=t_2");

	for (size_t i = 0; i < LENGTH(pairs); i++) {
		expect_malformed(pairs[i], 2);
	}
	expect_malformed(&one, 1);
}

Test(http_token, what_cannot_be_a_token_is_refused)
{
	static const struct http_field rows[] = { FIELD("Authorization", "Bearer"),
		FIELD("Authorization", "Bearer "), FIELD("Authorization", "Bearer t 1"),
		FIELD("Authorization", "Bearer t_1\0"), FIELD("Authorization", "Bearer t\x01"),
		FIELD("Authorization", "Bearer t\x7f"), FIELD("Authorization", "Bearer t\xc3\xa4"),
		FIELD("Authorization", "Bearer t\t"), FIELD("X-API-Key", ""),
		FIELD("X-API-Key", "Bearer t_1"), FIELD("Cookie", "session="),
		FIELD("Cookie", "session=\"\""), FIELD("Cookie", "session=t\x1b") };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		expect_malformed(&rows[i], 1);
	}
}

Test(http_token, the_longest_token_is_taken_and_a_longer_one_refused)
{
	char text[HTTP_MAX_TOKEN + 2];
	struct http_field field = FIELD_OF("X-API-Key", text, HTTP_MAX_TOKEN);

	memset(text, 't', sizeof text);
	text[HTTP_MAX_TOKEN] = '\0';
	expect_token(&field, 1, text);
	text[HTTP_MAX_TOKEN] = 't';
	text[HTTP_MAX_TOKEN + 1] = '\0';
	field.len++;
	expect_malformed(&field, 1);
}

Test(http_token, a_wiped_question_has_no_byte_of_its_token)
{
	static const char zeros[HTTP_MAX_TOKEN + 1];
	char text[HTTP_MAX_TOKEN + 1];
	const struct http_field field = FIELD_OF("X-API-Key", text, HTTP_MAX_TOKEN);
	struct http_question question;

	memset(text, 't', HTTP_MAX_TOKEN);
	text[HTTP_MAX_TOKEN] = '\0';
	question = *read_nginx(&listener, &field, 1);
	cr_assert_str_eq(question.token, text);
	http_question_wipe(&question);
	cr_expect_arr_eq(question.token, zeros, sizeof zeros);
}

Test(http_token, the_headers_that_may_hold_one_are_known)
{
	const struct http_field key = FIELD("x-api-key", "");

	cr_expect(http_request_is_secret(&bare, &(struct http_field)FIELD("authorization", "")));
	cr_expect(http_request_is_secret(&bare, &(struct http_field)FIELD("COOKIE", "")));
	cr_expect_not(http_request_is_secret(&bare, &key));
	cr_expect(http_request_is_secret(&listener, &key));
	cr_expect_not(
		http_request_is_secret(&listener, &(struct http_field)FIELD("X-Original-URI", "")));
}

static const struct http_listener team = {
	.token_header = "X-API-Key", .token_cookie = "session", .identity = "X-Remote-User"
};

/* Who calls the console by these headers: a token as it is, a user after `user:`, or the reason of
 * a refusal. Good until the next call. */
static const char *caller(
	const struct http_listener *of, const struct http_field *fields, size_t count)
{
	static struct http_question question;
	static char text[64];
	const struct http_head head = {
		.method = "POST", .target = "/console/call", .fields = fields, .count = count
	};

	if (!http_request_read_caller(of, &head, &question)) {
		return question.reason;
	}
	cr_assert((question.request.token != NULL) != (question.request.principal != NULL));
	snprintf(text, sizeof text, "%s%s", question.request.token != NULL ? "" : "user:",
		question.request.token != NULL ? question.request.token
					       : question.request.principal);
	return text;
}

#define CALLER(of, ...)                                                                            \
	caller(of, (const struct http_field[]){ __VA_ARGS__ },                                     \
		LENGTH(((const struct http_field[]){ __VA_ARGS__ })))

Test(http_token, the_console_takes_one_caller)
{
	cr_expect_str_eq(CALLER(&team, FIELD("Authorization", "Bearer t_1")), "t_1");
	cr_expect_str_eq(CALLER(&team, FIELD("X-API-Key", "t_2")), "t_2");
	cr_expect_str_eq(CALLER(&team, FIELD("Cookie", "a=b; session=t_3")), "t_3");
	cr_expect_str_eq(CALLER(&team, FIELD("X-Remote-User", "ann")), "user:ann");
	cr_expect_str_eq(CALLER(&team, FIELD("X-Remote-User", "ann"),
				 FIELD("Authorization", "Basic YW5uOng=")),
		"user:ann", "what the web server asked for is no token");
	cr_expect_str_eq(CALLER(&team, FIELD("Host", "a")), "missing_token");
	cr_expect_str_eq(CALLER(&bare, FIELD("X-Remote-User", "ann")), "missing_token");
	cr_expect_str_eq(CALLER(&bare, FIELD("X-API-Key", "t_2")), "missing_token");
}

Test(http_token, the_console_refuses_two_callers)
{
	cr_expect_str_eq(
		CALLER(&team, FIELD("Authorization", "Bearer t_1"), FIELD("X-Remote-User", "ann")),
		"two_callers");
	cr_expect_str_eq(
		CALLER(&team, FIELD("Authorization", "Bearer t_1"), FIELD("X-API-Key", "t_2")),
		"malformed_token");
	cr_expect_str_eq(
		CALLER(&team, FIELD("X-Remote-User", "ann"), FIELD("X-Remote-User", "ann")),
		"malformed_header");
	cr_expect_str_eq(
		CALLER(&team, FIELD("X-Remote-User", "ann"), FIELD("X_Remote_User", "root")),
		"malformed_header");
	cr_expect_str_eq(CALLER(&team, FIELD("X_Remote_User", "root")), "malformed_header");
	cr_expect_str_eq(CALLER(&team, FIELD("X-Remote-User", "")), "malformed_header");
	cr_expect_str_eq(CALLER(&team, FIELD("X-Remote-User", "a\0b")), "malformed_header");
	cr_expect_str_eq(CALLER(&team, FIELD("X-Remote-User", "\xff")), "malformed_header");
}
