/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests may reach the console. */
#include "client/http/console_guard.h"
#include "tests/http/http_test.h"

#define OWN    "http://127.0.0.1:4711"
#define HOST   FIELD("Host", "127.0.0.1:4711")
#define ORIGIN FIELD("Origin", OWN)
#define TYPE   FIELD("Content-Type", "application/json")

static const struct http_origins local = { { OWN }, 1 };
static const struct http_origins team = { { "https://a.example.org", "http://b.example.org:8080" },
	2 };
static const struct http_origins any = { { NULL }, 0 };

static const char *code_of(const struct http_origins *origins, enum http_console_kind kind,
	const struct http_field *fields, size_t count)
{
	struct http_head head = {
		.method = "POST", .target = "/", .fields = fields, .count = count
	};
	const struct http_console_refusal *refusal = http_console_guard(&head, origins, kind);

	return refusal != NULL ? refusal->code : "";
}

#define CODE(origins, kind, ...)                                                                   \
	code_of(origins, kind, (const struct http_field[]){ __VA_ARGS__ },                         \
		LENGTH(((const struct http_field[]){ __VA_ARGS__ })))

/* What a change is answered that a page of this origin asks of this host. */
#define CHANGE(origins, host, origin)                                                              \
	CODE(origins, HTTP_CONSOLE_CHANGE, FIELD("Host", host), FIELD("Origin", origin), TYPE)

Test(console_guard, the_pages_own_requests_pass)
{
	cr_expect_str_eq(CODE(&local, HTTP_CONSOLE_PAGE, HOST), "");
	cr_expect_str_eq(CODE(&local, HTTP_CONSOLE_READ, HOST), "");
	cr_expect_str_eq(
		CODE(&local, HTTP_CONSOLE_READ, HOST, FIELD("Sec-Fetch-Site", "same-origin")), "");
	cr_expect_str_eq(CODE(&local, HTTP_CONSOLE_CHANGE, HOST, ORIGIN, TYPE), "");
	cr_expect_str_eq(CODE(&local, HTTP_CONSOLE_CHANGE, HOST, ORIGIN, TYPE,
				 FIELD("sec-fetch-site", "same-origin")),
		"");
}

Test(console_guard, a_link_may_lead_to_the_page_from_anywhere)
{
	cr_expect_str_eq(
		CODE(&local, HTTP_CONSOLE_PAGE, HOST, FIELD("Sec-Fetch-Site", "cross-site")), "");
	cr_expect_str_eq(
		CODE(&local, HTTP_CONSOLE_PAGE, HOST, FIELD("Origin", "http://evil.example")), "");
}

Test(console_guard, another_host_is_refused_for_every_request)
{
	static const char *const hosts[] = { "evil.example", "evil.example:4711", "127.0.0.1",
		"127.0.0.1:4712", "127.0.0.1:47110", "localhost:4711", "",
		"127.0.0.1:4711.evil.example", "evil.example#127.0.0.1:4711" };

	for (size_t i = 0; i < LENGTH(hosts); i++) {
		const struct http_field fields[] = { FIELD_OF("Host", hosts[i], strlen(hosts[i])),
			ORIGIN, TYPE };

		for (int kind = HTTP_CONSOLE_PAGE; kind <= HTTP_CONSOLE_CHANGE; kind++) {
			cr_expect_str_eq(code_of(&local, (enum http_console_kind)kind, fields, 3),
				"forbidden", "%s", hosts[i]);
		}
	}
	cr_expect_str_eq(CODE(&local, HTTP_CONSOLE_PAGE, ORIGIN), "forbidden");
	cr_expect_str_eq(CODE(&any, HTTP_CONSOLE_PAGE, ORIGIN), "forbidden");
}

Test(console_guard, another_origin_is_refused)
{
	static const char *const origins[] = { "http://evil.example", "https://127.0.0.1:4711",
		"http://127.0.0.1:4712", "http://127.0.0.1", "null", "", "http://127.0.0.1:4711/",
		"HTTP://127.0.0.1:4711", "http://localhost:4711" };

	for (size_t i = 0; i < LENGTH(origins); i++) {
		const struct http_field fields[] = { HOST,
			FIELD_OF("Origin", origins[i], strlen(origins[i])), TYPE };

		cr_expect_str_eq(code_of(&local, HTTP_CONSOLE_CHANGE, fields, 3), "forbidden", "%s",
			origins[i]);
		cr_expect_str_eq(code_of(&local, HTTP_CONSOLE_READ, fields, 3), "forbidden", "%s",
			origins[i]);
	}
	cr_expect_str_eq(CODE(&local, HTTP_CONSOLE_CHANGE, HOST, TYPE), "forbidden");
}

Test(console_guard, another_site_is_refused)
{
	static const char *const sites[] = { "cross-site", "same-site", "none", "" };

	for (size_t i = 0; i < LENGTH(sites); i++) {
		const struct http_field fields[] = { HOST, ORIGIN, TYPE,
			FIELD_OF("Sec-Fetch-Site", sites[i], strlen(sites[i])) };

		cr_expect_str_eq(code_of(&local, HTTP_CONSOLE_CHANGE, fields, 4), "forbidden", "%s",
			sites[i]);
		cr_expect_str_eq(
			code_of(&local, HTTP_CONSOLE_READ, fields, 4), "forbidden", "%s", sites[i]);
	}
}

Test(console_guard, a_change_needs_one_json_content_type)
{
	static const struct {
		const char *type;
		bool good;
	} types[] = {
		{ "application/json", true },
		{ "Application/JSON", true },
		{ "application/json; charset=utf-8", true },
		{ "application/json;charset=UTF-8", true },
		{ "application/json; charset=utf-16", false },
		{ "application/json; boundary=x", false },
		{ "application/jsonp", false },
		{ "application/json, text/plain", false },
		{ "text/plain", false },
		{ "application/x-www-form-urlencoded", false },
		{ "multipart/form-data", false },
		{ "", false },
	};

	for (size_t i = 0; i < LENGTH(types); i++) {
		const struct http_field fields[] = { HOST, ORIGIN,
			FIELD_OF("Content-Type", types[i].type, strlen(types[i].type)) };

		cr_expect_str_eq(code_of(&local, HTTP_CONSOLE_CHANGE, fields, 3),
			types[i].good ? "" : "invalid_request", "%s", types[i].type);
	}
	cr_expect_str_eq(CODE(&local, HTTP_CONSOLE_CHANGE, HOST, ORIGIN), "invalid_request");
	cr_expect_str_eq(
		CODE(&local, HTTP_CONSOLE_CHANGE, HOST, ORIGIN, TYPE, TYPE), "invalid_request");
}

Test(console_guard, what_is_there_twice_or_has_a_nul_is_refused)
{
	cr_expect_str_eq(
		CODE(&local, HTTP_CONSOLE_CHANGE, HOST, HOST, ORIGIN, TYPE), "invalid_request");
	cr_expect_str_eq(
		CODE(&local, HTTP_CONSOLE_CHANGE, HOST, ORIGIN, ORIGIN, TYPE), "invalid_request");
	cr_expect_str_eq(
		CODE(&local, HTTP_CONSOLE_CHANGE, HOST, FIELD("Origin", OWN "\0.evil"), TYPE),
		"invalid_request");
	cr_expect_str_eq(
		CODE(&local, HTTP_CONSOLE_READ, HOST, FIELD("Sec-Fetch-Site", "same-origin"),
			FIELD("Sec-Fetch-Site", "cross-site")),
		"invalid_request");
}

Test(console_guard, a_team_has_the_origins_that_are_configured)
{
	cr_expect_str_eq(CHANGE(&team, "a.example.org", "https://a.example.org"), "");
	cr_expect_str_eq(CHANGE(&team, "B.example.org:8080", "http://b.example.org:8080"), "");
	cr_expect_str_eq(CHANGE(&team, "a.example.org", "http://a.example.org"), "forbidden");
	cr_expect_str_eq(
		CODE(&team, HTTP_CONSOLE_PAGE, FIELD("Host", "127.0.0.1:9180")), "forbidden");
}

Test(console_guard, without_configured_origins_it_is_the_requests_own_host)
{
	cr_expect_str_eq(CHANGE(&any, "c.example.org", "https://c.example.org"), "");
	cr_expect_str_eq(CHANGE(&any, "c.example.org:81", "http://c.example.org:81"), "");
	cr_expect_str_eq(CHANGE(&any, "c.example.org", "https://evil.example"), "forbidden");
	cr_expect_str_eq(CHANGE(&any, "c.example.org", "ftp://c.example.org"), "forbidden");
}

Test(console_guard, an_origin_is_written_as_browsers_send_it)
{
	static const char *const good[] = { "https://console.example.org", "http://a:8080",
		"https://[2001:db8::1]", "https://[2001:db8::1]:8443", "https://a:65535" };
	static const char *const bad[] = { "console.example.org", "ftp://a", "https://",
		"https://a/", "https://A.example.org", "https://a:", "https://a:0",
		"https://a:65536", "https://a:99999", "https://a:443", "http://a:80",
		"https://a:08443", "https://a:x", "https://u@a", "https://a b", "HTTPS://a",
		"https://a#b" };

	for (size_t i = 0; i < LENGTH(good); i++) {
		cr_expect_null(http_console_check_origin(good[i]), "%s", good[i]);
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		cr_expect_not_null(http_console_check_origin(bad[i]), "%s", bad[i]);
	}
}
