/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "tests/http/http_test.h"

#define METHOD FIELD("X-Original-Method", "GET")
#define URI    FIELD("X-Original-URI", "/loans")

static const struct http_listener nginx = { .family = HTTP_NGINX };
static const struct http_listener forwarded = { .family = HTTP_FORWARDED };
static const struct http_listener envoy = { .family = HTTP_ENVOY, .prefix = "/check" };

/* --- what was asked for ----------------------------------------------------------------------- */

Test(http_request, each_family_has_its_own_way_to_say_what_was_asked_for)
{
	const struct http_field nginx_fields[] = { FIELD("x-original-method", "PUT"),
		FIELD("X-ORIGINAL-URI", "/a%2Fb?c=/../d") };
	const struct http_field forwarded_fields[] = { FIELD("X-Forwarded-Method", "PUT"),
		FIELD("X-Forwarded-Uri", "/a%2Fb?c=/../d") };
	const struct http_question *question;

	question = read_request(&nginx, "/check", nginx_fields, 2);
	cr_assert_eq(question->outcome, HTTP_ASK);
	cr_expect_str_eq(question->request.method, "PUT");
	cr_expect_str_eq(question->request.path, "/a%2Fb?c=/../d");
	question = read_request(&forwarded, "/check", forwarded_fields, 2);
	cr_assert_eq(question->outcome, HTTP_ASK);
	cr_expect_str_eq(question->request.method, "PUT");
	cr_expect_str_eq(question->request.path, "/a%2Fb?c=/../d");
	question = read_request(&envoy, "/check/a%2Fb?c=/../d", NULL, 0);
	cr_assert_eq(question->outcome, HTTP_ASK);
	cr_expect_str_eq(question->request.method, "GET");
	cr_expect_str_eq(question->request.path, "/a%2Fb?c=/../d");
}

Test(http_request, a_question_has_what_the_listener_says_and_nothing_else)
{
	const struct http_listener listener = {
		.service = "shop", .environment = "test", .tenant = "acme"
	};
	const struct http_question *question = read_nginx(&listener, NULL, 0);

	cr_assert_eq(question->outcome, HTTP_ASK);
	cr_expect_str_eq(question->request.service, "shop");
	cr_expect_str_eq(question->request.environment, "test");
	cr_expect_str_eq(question->request.tenant, "acme");
	question = read_nginx(&nginx, NULL, 0);
	cr_expect_null(question->request.service);
	cr_expect_null(question->request.environment);
	cr_expect_null(question->request.tenant);
	cr_expect_null(question->request.token);
	cr_expect_null(question->request.principal);
	cr_expect_null(question->request.ip);
	cr_expect_eq(question->request.time, 0);
	cr_expect_not(question->has_token);
}

Test(http_request, a_header_of_another_family_is_refused)
{
	const struct http_field uri[] = { METHOD, URI, FIELD("X-Forwarded-Uri", "/loans") };
	const struct http_field method[] = { METHOD, URI, FIELD("x-forwarded-method", "GET") };
	const struct http_field original[] = { FIELD("X-Forwarded-Method", "GET"),
		FIELD("X-Forwarded-Uri", "/loans"), FIELD("X-Original-URI", "") };

	expect_refused(read_request(&nginx, "/check", uri, 3), 400, "foreign_header");
	expect_refused(read_request(&nginx, "/check", method, 3), 400, "foreign_header");
	expect_refused(read_request(&forwarded, "/check", original, 3), 400, "foreign_header");
	expect_refused(read_request(&envoy, "/check/loans", uri, 2), 400, "foreign_header");
	expect_refused(read_request(&envoy, "/check/loans", original, 2), 400, "foreign_header");
	/* The whole family of another server in place of the own one. */
	expect_refused(read_request(&nginx, "/check", original, 2), 400, "foreign_header");
}

Test(http_request, a_missing_a_doubled_and_an_empty_header_are_refused)
{
	const struct http_field fields[] = { METHOD, URI, METHOD };
	const struct http_field same[] = { URI, METHOD, URI };
	const struct http_field empty[] = { METHOD, FIELD("X-Original-URI", "") };
	const struct http_field nul[] = { METHOD, FIELD("X-Original-URI", "/loans\0/x") };

	expect_refused(read_request(&nginx, "/check", NULL, 0), 400, "missing_header");
	expect_refused(read_request(&nginx, "/check", fields, 1), 400, "missing_header");
	expect_refused(read_request(&nginx, "/check", fields + 1, 1), 400, "missing_header");
	expect_refused(read_request(&nginx, "/check", fields, 3), 400, "doubled_header");
	expect_refused(read_request(&nginx, "/check", same, 3), 400, "doubled_header");
	expect_refused(read_request(&nginx, "/check", empty, 2), 400, "malformed_header");
	expect_refused(read_request(&nginx, "/check", nul, 2), 400, "malformed_header");
}

Test(http_request, a_target_that_is_not_a_path_is_refused)
{
	static const struct http_field targets[] = { FIELD("X-Original-URI", "*"),
		FIELD("X-Original-URI", "http://host/loans"), FIELD("X-Original-URI", "loans"),
		FIELD("X-Original-URI", "?/loans") };

	for (size_t i = 0; i < LENGTH(targets); i++) {
		const struct http_field fields[] = { METHOD, targets[i] };

		expect_refused(read_request(&nginx, "/check", fields, 2), 400, "malformed_path");
	}
	expect_refused(read_request(&envoy, "/check", NULL, 0), 400, "malformed_path");
}

Test(http_request, a_method_that_is_not_a_token_is_refused)
{
	static const struct http_field methods[] = { FIELD("X-Original-Method", "GET "),
		FIELD("X-Original-Method", "GET,POST"), FIELD("X-Original-Method", "G\x80T"),
		FIELD("X-Original-Method", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG") };

	for (size_t i = 0; i < LENGTH(methods); i++) {
		const struct http_field fields[] = { methods[i], URI };

		expect_refused(read_request(&nginx, "/check", fields, 2), 400, "malformed_method");
	}
}

Test(http_request, a_word_has_the_characters_of_a_token)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (int c = 1; c <= UCHAR_MAX; c++) {
		const char text[] = { 'a', (char)c, '\0' };

		cr_expect_eq(http_request_is_word(text), strchr(token, c) != NULL, "%d", c);
	}
	cr_expect_not(http_request_is_word(""));
}

Test(http_request, a_method_override_is_refused_whatever_it_says)
{
	static const struct http_field overrides[] = { FIELD("X-HTTP-Method", "GET"),
		FIELD("x-http-method-override", "DELETE"), FIELD("X-Method-Override", ""),
		FIELD("X_HTTP_Method_Override", "DELETE"), FIELD("X-HTTP_Method", "DELETE") };

	for (size_t i = 0; i < LENGTH(overrides); i++) {
		expect_refused(read_nginx(&nginx, &overrides[i], 1), 400, "method_override");
		expect_refused(read_request(&envoy, "/check/loans", &overrides[i], 1), 400,
			"method_override");
	}
}

/* --- facts ------------------------------------------------------------------------------------ */

/* The address that is believed; NULL: none. The listener's proxies are 10.0.0.0/8 and ::1. */
static const char *address_of(const struct http_field *fields, size_t count)
{
	struct http_listener listener = { .proxy_count = 2 };
	const struct http_question *question;

	cr_assert(http_network_read(POL_STR("10.0.0.0/8"), &listener.proxies[0]));
	cr_assert(http_network_read(POL_STR("::1"), &listener.proxies[1]));
	question = read_nginx(&listener, fields, count);
	return question->outcome == HTTP_ASK ? question->request.ip : question->reason;
}

Test(http_request, the_address_is_the_right_most_that_is_not_a_proxy)
{
	static const struct {
		struct http_field field;
		const char *address;
	} rows[] = {
		{ FIELD("X-Forwarded-For", "192.0.2.1"), "192.0.2.1" },
		{ FIELD("x-forwarded-for", "198.51.100.7, 192.0.2.1"), "192.0.2.1" },
		{ FIELD("X-Forwarded-For", "192.0.2.1, 10.1.2.3,10.0.0.1"), "192.0.2.1" },
		{ FIELD("X-Forwarded-For", "192.0.2.1:1234, [::1]:80"), "192.0.2.1" },
		{ FIELD("X-Forwarded-For", "[2001:DB8::1]:443"), "2001:db8::1" },
		{ FIELD("X-Forwarded-For", "2001:db8::1\t,\t::ffff:10.0.0.1"), "2001:db8::1" },
		{ FIELD("X-Forwarded-For", "::ffff:192.0.2.1"), "192.0.2.1" },
		{ FIELD("X-Forwarded-For", ",, 192.0.2.1 ,,"), "192.0.2.1" },
		/* What stands further left is what the client wrote. */
		{ FIELD("X-Forwarded-For", "garbage, 192.0.2.1, 10.0.0.1"), "192.0.2.1" },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *address = address_of(&rows[i].field, 1);

		cr_assert_not_null(address, "%s", rows[i].field.value);
		cr_expect_str_eq(address, rows[i].address, "%s", rows[i].field.value);
	}
}

Test(http_request, several_headers_are_one_list)
{
	const struct http_field fields[] = { FIELD("X-Forwarded-For", "198.51.100.7"),
		FIELD("X-Forwarded-For", "192.0.2.1"), FIELD("X-Forwarded-For", "10.0.0.1, ::1") };

	cr_expect_str_eq(address_of(fields, 3), "192.0.2.1");
}

Test(http_request, what_is_not_an_address_is_refused_where_it_would_be_believed)
{
	static const struct http_field rows[] = { FIELD("X-Forwarded-For", "unknown"),
		FIELD("X-Forwarded-For", "192.0.2.1, 10.0.0.1x"),
		FIELD("X-Forwarded-For", "192.0.2.1, 10.0.0.1 10.0.0.2"),
		FIELD("X-Forwarded-For", "192.0.2.256"), FIELD("X-Forwarded-For", "[192.0.2.1]"),
		FIELD("X-Forwarded-For", "192.0.2.1:"), FIELD("X-Forwarded-For", "[::2"),
		FIELD("X-Forwarded-For", "192.0.2.1\0.5"),
		FIELD("X-Forwarded-For", "fe80::1%eth0") };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *reason = address_of(&rows[i], 1);

		cr_assert_not_null(reason, "%s", rows[i].value);
		cr_expect_str_eq(reason, "malformed_address", "%s", rows[i].value);
	}
}

Test(http_request, without_an_address_of_a_client_there_is_none)
{
	const struct http_field proxies[] = { FIELD("X-Forwarded-For", "10.0.0.1, 10.0.0.2"),
		FIELD("X-Forwarded-For", "::1") };
	const struct http_field nothing[] = { FIELD("X-Forwarded-For", "") };
	const struct http_field client[] = { FIELD("X-Forwarded-For", "192.0.2.1"),
		FIELD("X-Forwarded-For", "garbage") };

	cr_expect_null(address_of(NULL, 0));
	cr_expect_null(address_of(proxies, 2));
	cr_expect_null(address_of(nothing, 1));
	/* Without proxies in the configuration the header is not even read. */
	cr_expect_eq(read_nginx(&nginx, client, 2)->outcome, HTTP_ASK);
	cr_expect_null(read_nginx(&nginx, client, 2)->request.ip);
}

/* --- the tenant ------------------------------------------------------------------------------- */

Test(http_request, the_tenant_is_that_of_the_host)
{
	struct http_host hosts[] = { { "acme.example", "acme" }, { "[::1]", "local" } };
	struct http_listener listener = {
		.tenant_from_host = true, .hosts = hosts, .host_count = 2
	};
	const struct http_field good[] = { FIELD("X-Original-Host", "ACME.example"),
		FIELD("X-Original-Host", "acme.example:8443") };
	const struct http_field bad[] = { FIELD("X-Original-Host", "evil.acme.example"),
		FIELD("X-Original-Host", "acme.example.evil"),
		FIELD("X-Original-Host", "acme.exampl"), FIELD("X-Original-Host", "*") };
	const struct http_field ip6 = FIELD("X-Original-Host", "[::1]:80");
	const struct http_field host = FIELD("Host", "acme.example");

	for (size_t i = 0; i < LENGTH(good); i++) {
		const struct http_question *question = read_nginx(&listener, &good[i], 1);

		cr_assert_eq(question->outcome, HTTP_ASK, "%s", good[i].value);
		cr_expect_str_eq(question->request.tenant, "acme");
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		expect_refused(read_nginx(&listener, &bad[i], 1), 403, "unknown_host");
	}
	cr_expect_str_eq(read_nginx(&listener, &ip6, 1)->request.tenant, "local");
	expect_refused(read_nginx(&listener, good, 2), 400, "doubled_header");
	/* Host is that of the web server's own request. */
	expect_refused(read_nginx(&listener, &host, 1), 400, "missing_header");
	listener.family = HTTP_ENVOY;
	listener.prefix = "/check";
	cr_expect_str_eq(read_request(&listener, "/check/loans", &host, 1)->request.tenant, "acme");
}

/* --- preflight -------------------------------------------------------------------------------- */

Test(http_request, a_preflight_request_passes_only_as_one_and_only_if_the_listener_says_so)
{
	const struct http_listener pass = { .preflight_pass = true };
	const struct http_field fields[] = { FIELD("X-Original-Method", "OPTIONS"), URI,
		FIELD("Origin", "https://app.example"),
		FIELD("Access-Control-Request-Method", "PUT"),
		FIELD("Authorization", "Bearer t_1") };
	const struct http_field get[] = { METHOD, URI, fields[2], fields[3] };
	const struct http_field no_origin[] = { fields[0], URI, fields[3] };
	const struct http_field bad[] = { fields[0], URI, fields[2], fields[3],
		FIELD("Authorization", "Bearer \x01") };

	cr_expect_eq(read_request(&pass, "/check", fields, 4)->outcome, HTTP_PASS);
	cr_expect_eq(read_request(&nginx, "/check", fields, 4)->outcome, HTTP_ASK);
	cr_expect_eq(read_request(&pass, "/check", fields, 5)->outcome, HTTP_ASK);
	cr_expect_eq(read_request(&pass, "/check", fields, 3)->outcome, HTTP_ASK);
	cr_expect_eq(read_request(&pass, "/check", get, 4)->outcome, HTTP_ASK);
	cr_expect_eq(read_request(&pass, "/check", no_origin, 3)->outcome, HTTP_ASK);
	expect_refused(read_request(&pass, "/check", bad, 5), 401, "malformed_token");
}

/* --- framing and paths ------------------------------------------------------------------------ */

Test(http_request, only_a_request_without_a_body_is_framed)
{
	const struct http_field rows[][2] = {
		{ FIELD("Content-Length", "0"), FIELD("Host", "h") },
		{ FIELD("Content-Length", "1"), FIELD("Host", "h") },
		{ FIELD("Content-Length", "0"), FIELD("content-length", "0") },
		{ FIELD("Content-Length", "0"), FIELD("transfer-encoding", "identity") },
		{ FIELD("Transfer-Encoding", "chunked"), FIELD("Host", "h") },
		{ FIELD("Content-Length", "+0"), FIELD("Host", "h") },
		{ FIELD("Content-Length", "0\0"
					  "5"),
			FIELD("Host", "h") },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct http_head head = { "GET", "/check", rows[i], 2 };

		cr_expect_eq(http_request_is_framed(&head), i == 0, "row %zu", i);
	}
	cr_expect(http_request_is_framed(&(struct http_head){ "GET", "/check", NULL, 0 }));
}

Test(http_request, a_path_is_matched_whole)
{
	cr_expect(http_request_is_path("/check", "/check"));
	cr_expect(http_request_is_path("/check?x", "/check"));
	cr_expect_not(http_request_is_path("/checked", "/check"));
	cr_expect_not(http_request_is_path("/check/", "/check"));
	cr_expect_not(http_request_is_path("/chec", "/check"));
	cr_expect(http_request_has_prefix("/check", "/check"));
	cr_expect(http_request_has_prefix("/check/a", "/check"));
	cr_expect_not(http_request_has_prefix("/checked", "/check"));
	cr_expect_not(http_request_has_prefix("/check?a", "/check"));
}

Test(http_request, an_identity_that_an_application_reads_under_another_name_is_refused)
{
	static const struct http_field spoofed[] = { FIELD("X_Authz_Principal", "root"),
		FIELD("x-authz_key", "1"), FIELD("X_AUTHZ-TENANT", "") };
	static const struct http_field harmless[] = { FIELD("X-Authz-Principal", "root"),
		FIELD("X_Auth", "1"), FIELD("X_Authzen", "1") };

	for (size_t i = 0; i < LENGTH(spoofed); i++) {
		expect_refused(read_nginx(&nginx, &spoofed[i], 1), 400, "malformed_header");
	}
	for (size_t i = 0; i < LENGTH(harmless); i++) {
		cr_expect_eq(read_nginx(&nginx, &harmless[i], 1)->outcome, HTTP_ASK);
	}
}
