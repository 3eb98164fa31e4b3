/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client/http/answer.h"

static const struct http_listener nginx = { .family = HTTP_NGINX, .realm = "authz" };
static const struct http_listener forwarded = { .family = HTTP_FORWARDED, .realm = "authz" };
static const struct http_listener envoy = { .family = HTTP_ENVOY, .realm = "authz" };

static const struct http_listener *const families[] = { &nginx, &forwarded, &envoy };

/* A header's value; NULL: there is none. Fails when there are two. */
static const char *header(const struct http_answer *answer, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		if (strcmp(answer->headers[i].name, name) == 0) {
			cr_expect_null(value, "two of %s", name);
			value = answer->headers[i].value;
		}
	}
	return value;
}

static void expect_header(const struct http_answer *answer, const char *name, const char *value)
{
	const char *found = header(answer, name);

	if (value == NULL || found == NULL) {
		cr_expect_eq(found, value, "%s: %s", name, found != NULL ? found : "none");
		return;
	}
	cr_expect_str_eq(found, value, "%s: %s", name, found);
}

/* Static, since an answer must not be moved; good until the next call. */
static const struct http_answer *denial(
	const struct http_listener *listener, int status, const char *reason, bool has_token)
{
	static struct http_answer answer;
	struct authz_decision decision = { .status = status };

	snprintf(decision.reason, sizeof decision.reason, "%s", reason);
	http_answer_decide(listener, &decision, has_token, &answer);
	return &answer;
}

/* The body must be problem details that say this. */
static void expect_problem(const struct http_answer *answer, int status, const char *reason)
{
	json_t *body = json_loadb(answer->body, answer->body_len, 0, NULL);

	cr_assert_not_null(body, "%.*s", (int)answer->body_len, answer->body);
	cr_expect_str_eq(answer->type, "application/problem+json");
	cr_expect_str_eq(json_string_value(json_object_get(body, "type")), "about:blank");
	cr_expect_gt(strlen(json_string_value(json_object_get(body, "title"))), 0);
	cr_expect_eq(json_integer_value(json_object_get(body, "status")), status);
	cr_expect_str_eq(json_string_value(json_object_get(body, "reason")), reason);
	json_decref(body);
}

Test(http_answer, an_allowed_request_has_each_header_about_the_identity)
{
	static const char *const names[] = { "X-Authz-Principal", "X-Authz-Key", "X-Authz-Tenant",
		"X-Authz-Environment" };
	const struct authz_decision decision = { .verdict = AUTHZ_ALLOW,
		.status = 200,
		.reason = "ok",
		.principal = "ann",
		.key = "1abc",
		.tenant = "acme",
		.environment = "live",
		.renew = true };
	const struct authz_decision bare = { .verdict = AUTHZ_ALLOW, .reason = "public" };

	for (size_t i = 0; i < 3; i++) {
		struct http_answer answer;

		http_answer_decide(families[i], &decision, true, &answer);
		cr_expect_eq(answer.status, families[i]->family == HTTP_ENVOY ? 200 : 204);
		expect_header(&answer, "X-Authz-Reason", "ok");
		expect_header(&answer, "X-Authz-Principal", "ann");
		expect_header(&answer, "X-Authz-Key", "1abc");
		expect_header(&answer, "X-Authz-Tenant", "acme");
		expect_header(&answer, "X-Authz-Environment", "live");
		expect_header(&answer, "X-Authz-Renew", "1");
		expect_header(&answer, "Cache-Control", "no-store");
		cr_expect_eq(answer.body_len, 0);
		cr_expect_null(answer.type);
		http_answer_decide(families[i], &bare, false, &answer);
		for (size_t name = 0; name < sizeof names / sizeof names[0]; name++) {
			expect_header(&answer, names[name], "");
		}
		expect_header(&answer, "X-Authz-Renew", "0");
	}
}

Test(http_answer, an_allowed_request_has_no_header_that_is_left_out)
{
	const struct http_listener listener = { .family = HTTP_NGINX,
		.realm = "authz",
		.headers_left_out =
			HTTP_ANSWER_HEADER_ALL & ~(unsigned)HTTP_ANSWER_HEADER_PRINCIPAL };
	struct authz_decision decision = { .verdict = AUTHZ_ALLOW,
		.reason = "ok",
		.principal = "ann",
		.key = "1abc",
		.tenant = "acme",
		.environment = "live" };
	struct http_answer answer;

	http_answer_decide(&listener, &decision, true, &answer);
	cr_expect_eq(answer.status, 204);
	expect_header(&answer, "X-Authz-Principal", "ann");
	expect_header(&answer, "Cache-Control", "no-store");
	cr_expect_eq(answer.count, 2);
}

Test(http_answer, a_denial_and_what_lacks_a_fact_keep_the_headers_that_are_left_out)
{
	const struct http_listener listener = { .family = HTTP_NGINX,
		.realm = "authz",
		.missing_pass = true,
		.headers_left_out = HTTP_ANSWER_HEADER_ALL };
	struct authz_decision decision = {
		.verdict = AUTHZ_DENY, .status = 401, .reason = "expired", .key = "1abc"
	};
	struct http_answer answer;

	http_answer_decide(&listener, &decision, true, &answer);
	expect_header(&answer, "X-Authz-Status", "401");
	expect_header(&answer, "X-Authz-Reason", "expired");
	snprintf(decision.reason, sizeof decision.reason, "missing_fact");
	decision.missing_count = 1;
	http_answer_decide(&listener, &decision, true, &answer);
	cr_expect_eq(answer.status, 204);
	expect_header(&answer, "X-Authz-Reason", "missing_fact");
	expect_header(&answer, "X-Authz-Key", "1abc");
}

Test(http_answer, the_longest_names_fit)
{
	struct authz_decision decision = { .verdict = AUTHZ_ALLOW };
	struct http_answer answer;

	memset(decision.reason, 'r', sizeof decision.reason - 1);
	memset(decision.principal, 'p', sizeof decision.principal - 1);
	memset(decision.key, 'k', sizeof decision.key - 1);
	memset(decision.tenant, 't', sizeof decision.tenant - 1);
	memset(decision.environment, 'e', sizeof decision.environment - 1);
	http_answer_decide(&nginx, &decision, true, &answer);
	expect_header(&answer, "X-Authz-Reason", decision.reason);
	expect_header(&answer, "X-Authz-Principal", decision.principal);
	expect_header(&answer, "X-Authz-Key", decision.key);
	expect_header(&answer, "X-Authz-Tenant", decision.tenant);
	expect_header(&answer, "X-Authz-Environment", decision.environment);
	expect_header(&answer, "X-Authz-Renew", "0");
	decision.verdict = AUTHZ_DENY;
	decision.status = 401;
	http_answer_decide(&nginx, &decision, true, &answer);
	expect_problem(&answer, 401, decision.reason);
}

Test(http_answer, the_verdict_alone_decides)
{
	const struct authz_decision allowed = { .verdict = AUTHZ_ALLOW, .status = 403 };
	const struct authz_decision zeroed = { 0 };
	const struct authz_decision denied = { .status = 200, .reason = "ok" };
	const struct authz_decision odd = { .verdict = (enum authz_verdict)2, .status = 204 };
	const struct authz_decision *const denials[] = { &zeroed, &denied, &odd };
	struct http_answer answer;

	http_answer_decide(&nginx, &allowed, true, &answer);
	cr_expect_eq(answer.status, 204);
	for (size_t i = 0; i < 3; i++) {
		for (size_t family = 0; family < 3; family++) {
			http_answer_decide(families[family], denials[i], true, &answer);
			cr_expect_eq(answer.status, 403);
			expect_header(&answer, "X-Authz-Principal", NULL);
		}
	}
}

Test(http_answer, what_lacks_facts_passes_only_if_the_configuration_says_so)
{
	const struct http_listener passing = {
		.family = HTTP_NGINX, .realm = "authz", .missing_pass = true
	};
	struct authz_decision decision = {
		.status = 403, .reason = "missing_fact", .missing = "a.b", .missing_count = 1
	};
	struct http_answer answer;

	http_answer_decide(&nginx, &decision, true, &answer);
	cr_expect_eq(answer.status, 403);
	cr_expect_not(http_answer_passes(&nginx, &decision));
	http_answer_decide(&passing, &decision, true, &answer);
	cr_expect_eq(answer.status, 204);
	expect_header(&answer, "X-Authz-Reason", "missing_fact");
	/* A module's reason: the denial is not about missing facts. */
	decision.missing_count = 0;
	http_answer_decide(&passing, &decision, true, &answer);
	cr_expect_eq(answer.status, 403);
	decision.missing_count = 1;
	snprintf(decision.reason, sizeof decision.reason, "role");
	http_answer_decide(&passing, &decision, true, &answer);
	cr_expect_eq(answer.status, 403);
}

Test(http_answer, a_denial_has_the_status_that_its_web_server_knows)
{
	static const struct {
		int decided, nginx, forwarded, envoy;
	} rows[] = {
		{ 400, 403, 400, 400 },
		{ 401, 401, 401, 401 },
		{ 403, 403, 403, 403 },
		{ 404, 403, 404, 404 },
		{ 429, 403, 429, 429 },
		{ 503, 403, 503, 403 },
		{ 500, 403, 403, 403 },
		{ 418, 403, 403, 403 },
		{ 302, 403, 403, 403 },
		{ -1, 403, 403, 403 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cr_expect_eq(denial(&nginx, rows[i].decided, "role", true)->status, rows[i].nginx);
		cr_expect_eq(denial(&forwarded, rows[i].decided, "role", true)->status,
			rows[i].forwarded);
		cr_expect_eq(denial(&envoy, rows[i].decided, "role", true)->status, rows[i].envoy);
	}
}

Test(http_answer, a_denial_says_the_status_and_the_reason_in_headers_and_body)
{
	const struct http_answer *answer = denial(&nginx, 429, "quota", true);

	expect_header(answer, "X-Authz-Status", "429");
	expect_header(answer, "X-Authz-Reason", "quota");
	expect_header(answer, "Cache-Control", "no-store");
	expect_problem(answer, 429, "quota");
}

Test(http_answer, a_401_names_the_realm_and_an_invalid_token_only_if_one_came)
{
	expect_header(denial(&nginx, 401, "unknown_key", true), "WWW-Authenticate",
		"Bearer realm=\"authz\", error=\"invalid_token\"");
	expect_header(denial(&nginx, 401, "no_token", false), "WWW-Authenticate",
		"Bearer realm=\"authz\"");
	expect_header(denial(&nginx, 403, "role", true), "WWW-Authenticate", NULL);
}

Test(http_answer, a_429_says_when_and_how_much_is_left)
{
	struct authz_decision decision = { .status = 429,
		.reason = "quota",
		.has_quota = true,
		.quota_limit = 10,
		.quota_remaining = 3,
		.quota_reset = 17 };
	struct http_answer answer;

	for (size_t i = 0; i < 3; i++) {
		http_answer_decide(families[i], &decision, true, &answer);
		expect_header(&answer, "Retry-After", "17");
		expect_header(&answer, "RateLimit", "\"default\";r=3;t=17");
	}
	decision.has_quota = false;
	http_answer_decide(&nginx, &decision, true, &answer);
	expect_header(&answer, "Retry-After", NULL);
	expect_header(&answer, "RateLimit", NULL);
	decision = (struct authz_decision){ .status = 403, .reason = "role", .has_quota = true };
	http_answer_decide(&nginx, &decision, true, &answer);
	expect_header(&answer, "RateLimit", NULL);
}

Test(http_answer, without_a_daemon_it_is_503_with_the_time_to_ask_again)
{
	struct http_answer answer;

	http_answer_refuse(&forwarded, 503, "unavailable", true, &answer);
	cr_expect_eq(answer.status, 503);
	expect_header(&answer, "Retry-After", "1");
	expect_problem(&answer, 503, "unavailable");
	http_answer_refuse(&envoy, 503, "unavailable", true, &answer);
	cr_expect_eq(answer.status, 503);
	/* nginx would make 500 of it. */
	http_answer_refuse(&nginx, 503, "unavailable", true, &answer);
	cr_expect_eq(answer.status, 403);
	expect_header(&answer, "X-Authz-Status", "503");
	expect_header(&answer, "Retry-After", "1");
}

Test(http_answer, a_reason_that_would_break_the_text_is_replaced)
{
	static const char *const rows[] = { "\",\"decision\":\"", "a\r\nX-Authz-Principal: root",
		"a b", "Role", "", "r\xc3\xb4le" };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct http_answer *answer = denial(&nginx, 403, rows[i], true);

		expect_header(answer, "X-Authz-Reason", "denied");
		expect_problem(answer, 403, "denied");
	}
}

Test(http_answer, a_preflight_request_passes_without_an_identity)
{
	struct http_answer answer;

	http_answer_pass(&nginx, &answer);
	cr_expect_eq(answer.status, 204);
	expect_header(&answer, "X-Authz-Reason", "preflight");
	expect_header(&answer, "X-Authz-Principal", "");
}

Test(http_answer, a_problem_is_the_same_in_each_family)
{
	static const int statuses[] = { 404, 405, 413, 415, 431, 503 };

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		struct http_answer answer;

		http_answer_problem(statuses[i], "some_reason", &answer);
		cr_expect_eq(answer.status, statuses[i]);
		expect_header(&answer, "X-Authz-Reason", "some_reason");
		expect_header(&answer, "Retry-After", statuses[i] == 503 ? "1" : NULL);
		expect_problem(&answer, statuses[i], "some_reason");
	}
}
