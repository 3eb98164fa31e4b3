/* SPDX-License-Identifier: Apache-2.0 */
/* The lines about the console for a team. */
#include "client/http/console_page.h"
#include "tests/http/http_config_test.h"

#define UNIX "listen /run/b.sock 0600\n"
#define PORT "listen 127.0.0.1:80\n"

/* A program that was built without the page refuses `console on` before anything else. */
#define NEEDS_PAGE                                                                                 \
	if (http_console_page.len == 0) {                                                          \
		cr_skip_test("built without the console's page");                                  \
	}

Test(http_console_config, lines_are_read_for_their_listener)
{
	static const char lines[] = UNIX "console on\nidentity header X-User\n"
					 "tenant default\nconsole_origin https://a.example\n"
					 "console_origin http://b:8080\n" PORT "console off\n";
	char path[sizeof PATH], *said = NULL;
	struct http_config config;

	NEEDS_PAGE
	cr_assert_eq(read_lines(lines, &config, path, &said), 0, "%s", said);
	cr_expect(config.listeners[0].console && !config.listeners[1].console);
	cr_expect_str_eq(config.listeners[0].identity, "X-User");
	cr_assert_eq(config.listeners[0].console_origins.count, 2);
	cr_expect_str_eq(config.listeners[0].console_origins.items[0], "https://a.example");
	cr_expect_str_eq(config.listeners[0].console_origins.items[1], "http://b:8080");
	cr_expect_null(config.listeners[1].identity);
	http_config_finish(&config);
	free(said);
}

Test(http_console_config, a_mistake_is_refused_where_it_stands)
{
	static const char *const rows[][2] = {
		{ UNIX "console on\nconsole_origin a.example\n",
			":3:16: error: console_origin a.example: it must begin with https://" },
		{ UNIX "console on\nconsole_origin https://a/console\n", "without a path" },
		{ UNIX "console_origin\n", ":2:1: error: write it as: console_origin URL" },
		{ UNIX "identity X-User\n", ":2:1: error: write it as: identity header NAME" },
		{ UNIX "identity cookie user\n",
			":2:10: error: write it as: identity header NAME" },
		{ UNIX "identity header authorization\n",
			":2:17: error: identity header authorization: this header says something "
			"else" },
		{ UNIX "identity header \"X User\"\n", "'X User' cannot be the name of a header" },
		{ UNIX "identity header A\nidentity header B\n",
			":3:1: error: 'identity' is set twice" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_refused(rows[i][0], rows[i][1]);
	}
}

Test(http_console_config, what_does_not_fit_together_is_refused)
{
	NEEDS_PAGE
	expect_whole_refused(PORT "console on\nidentity header X-User\n",
		"`identity` at a port needs `console_origin`");
	expect_whole_refused(UNIX "console on\nidentity header X-Key\ntoken header x-key\n",
		"`identity` and `token` name the same header");
	expect_whole_refused(UNIX "console on\nidentity header X-User\ntenant acme\n",
		"`identity` names principals of the tenant `default`");
	expect_whole_refused(UNIX "console on\nidentity header X-User\ntenant *\n",
		"`identity` names principals of the tenant `default`");
	expect_whole_refused("tenant from host\nhost a.example acme\n" UNIX
			     "console on\nidentity header X-User\n",
		"`identity` names principals of the tenant `default`");
	expect_whole_refused(UNIX "console on\nfamily envoy\nprefix /console\n",
		"`prefix` and `console on` have the same path");
	expect_whole_refused(UNIX "identity header X-User\n", "are about the console");
	expect_whole_refused(UNIX "console_origin https://a\n", "are about the console");
}

Test(http_console_config, without_the_page_there_is_no_console)
{
	if (http_console_page.len > 0) {
		cr_skip_test("built with the console's page");
	}
	expect_refused(UNIX "console on\n", ":2:9: error: " HTTP_CONSOLE_NOT_BUILT);
}
