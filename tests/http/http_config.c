/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/http/http_config_test.h"

Test(http_config, a_realm_that_no_answer_could_hold_is_refused)
{
	char lines[400] = "listen 127.0.0.1:80\nrealm ";
	size_t len = strlen(lines);

	memset(lines + len, 'r', HTTP_MAX_REALM + 1);
	expect_refused(lines, ":2:7: error: a realm has at most 256 bytes");
}

Test(http_config, a_mistake_is_refused_where_it_stands)
{
	static const char *const rows[][2] = {
		{ "listen 127.0.0.1:80\nfamly nginx\n", ":2:1: error: unknown name 'famly'" },
		{ "listen 127.0.0.1:80\nfamily apache\n",
			":2:8: error: family apache: write nginx" },
		{ "listen 127.0.0.1:80\nfamily nginx\nfamily envoy\n",
			":3:1: error: 'family' is set twice" },
		{ "listen 127.0.0.1:80\nlisten 127.0.0.1:80\n",
			":2:8: error: this socket is listed twice" },
		{ "listen 127.0.0.1:80\nproxies 10.0.0.1/8\n",
			":2:9: error: '10.0.0.1/8' is not an address or network" },
		{ "listen 127.0.0.1:80\ntoken header \"\"\n",
			":2:14: error: '' cannot be the name of a header or a cookie" },
		{ "listen 127.0.0.1:80\ntoken header A\ntoken header B\n",
			":3:7: error: 'token header' is set twice" },
		{ "listen 127.0.0.1:80\ntimeout 60001ms\n",
			":2:9: error: timeout 60001ms: write a number" },
		{ "listen 127.0.0.1:80\nfamly nginx\n", "did you mean 'family'?" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_refused(rows[i][0], rows[i][1]);
	}
}

Test(http_config, lines_before_a_listener_are_for_all_and_those_after_it_for_that_one)
{
	static const char lines[] = "token header A\nservice one\nlisten 127.0.0.1:80\n"
				    "token header B\ntoken cookie c\nfamily envoy\n"
				    "listen 127.0.0.1:81\nservice two\n";
	char path[sizeof PATH], *said = NULL;
	struct http_config config;

	cr_assert_eq(read_lines(lines, &config, path, &said), 0, "%s", said);
	cr_assert_eq(config.listener_count, 2);
	cr_expect_str_eq(config.listeners[0].token_header, "B");
	cr_expect_str_eq(config.listeners[0].token_cookie, "c");
	cr_expect_str_eq(config.listeners[0].service, "one");
	cr_expect_eq(config.listeners[0].family, HTTP_ENVOY);
	cr_expect_str_eq(config.listeners[1].token_header, "A");
	cr_expect_null(config.listeners[1].token_cookie);
	cr_expect_str_eq(config.listeners[1].service, "two");
	cr_expect_eq(config.listeners[1].family, HTTP_NGINX);
	http_config_finish(&config);
	free(said);
}

Test(http_config, lines_after_a_wrong_listener_are_judged_as_its_own)
{
	static const char lines[] = "listen 127.0.0.1:80\nfamily envoy\nlisten here\n"
				    "family nginx\n";
	char path[sizeof PATH], *said = NULL;
	struct http_config config;

	cr_expect_lt(read_lines(lines, &config, path, &said), 0);
	cr_expect_not_null(strstr(said, ":3:8: error: 'here' is neither"), "%s", said);
	cr_expect_null(strstr(said, "twice"), "%s", said);
	http_config_finish(&config);
	free(said);
}

/* For each name a line that is good, one without its last word and what is said of it, one that is
 * out of range and what is said of that. `often`: it may be set several times. */
static const struct {
	const char *good, *less, *syntax, *wrong, *why;
	bool often;
} names[] = {
	{ "answer_headers principal, key", "answer_headers", "answer_headers NAME,…|none",
		"answer_headers principal, none", "'none' is not one of reason, principal, key",
		false },
	{ "answer_headers none", "answer_headers", "answer_headers NAME,…|none",
		"answer_headers key, tenant, key", "'key' is listed twice", false },
	{ "authz /run/a.sock", "authz", "authz PATH", "authz a.sock",
		"'a.sock' is not an absolute path of at most 107 bytes", false },
	{ "authzen https://pdp.example.com", "authzen", "authzen URL", "authzen http://a",
		"authzen http://a: must begin with https://", false },
	{ "console off", "console", "console on|off", "console yes", "'yes' is neither on nor off",
		false },
	{ "console_authz /run/a.sock", "console_authz", "console_authz PATH",
		"console_authz a.sock", "'a.sock' is not an absolute path of at most 107 bytes",
		false },
	{ "connections 16", "connections", "connections N", "connections 15",
		"connections 15: write a number from 16 to 65536", false },
	{ "connections 65536", "connections 16 17", "connections N", "connections 65537",
		"connections 65537: write a number from 16 to 65536", false },
	{ "drain 1s", "drain", "drain TIME", "drain 0s",
		"drain 0s: write a number and s, m or h, as in '60s', from 1s to 10m", false },
	{ "drain 10m", "drain 1 s", "drain TIME", "drain 601s",
		"drain 601s: write a number and s, m or h", false },
	{ "environment test", "environment", "environment NAME", "environment a b",
		"write it as: environment NAME", false },
	{ "family envoy", "family", "family nginx|forwarded|envoy", "family Envoy",
		"family Envoy: write nginx, forwarded (Caddy, Traefik) or envoy", false },
	{ "host a.example b", "host a.example", "host NAME TENANT", "host a b c",
		"write it as: host NAME TENANT", true },
	{ "idle 1s", "idle", "idle TIME", "idle 0s", "idle 0s: write a number and s, m or h",
		false },
	{ "idle 1h", "idle 1 s", "idle TIME", "idle 3601s",
		"idle 3601s: write a number and s, m or h", false },
	{ "log json", "log", "log text|json", "log xml", "'xml' is neither json nor text", false },
	{ "metrics on", "metrics", "metrics on|off", "metrics yes", "'yes' is neither on nor off",
		false },
	{ "missing pass", "missing", "missing pass|refuse", "missing on",
		"'on' is neither pass nor refuse", false },
	{ "principal_facts role, principal.a.b", "principal_facts", "principal_facts NAME,…",
		"principal_facts principal.", "write the name of a fact, as in department", false },
	{ "prefix /ask", "prefix", "prefix PATH", "prefix /ask/",
		"'/ask/': a prefix begins with '/' and ends without it", false },
	{ "prefix /a", "prefix /a /b", "prefix PATH", "prefix /",
		"'/': a prefix begins with '/' and ends without it", false },
	{ "preflight pass", "preflight", "preflight pass|ask", "preflight on",
		"'on' is neither pass nor ask", false },
	{ "proxies 10.0.0.0/8, ::1", "proxies", "proxies NETWORK,…", "proxies 10.0.0.0/33",
		"'10.0.0.0/33' is not an address or network", false },
	{ "realm \"an api\"", "realm", "realm TEXT", "realm a\\b",
		"a realm is printable ASCII without", false },
	{ "server_user root", "server_user", "server_user USER", "server_user no-such-user-here",
		"this machine has no user 'no-such-user-here'", false },
	{ "service web", "service", "service NAME", "service a b", "write it as: service NAME",
		false },
	{ "tenant acme", "tenant", "tenant NAME, or tenant from host", "tenant from header",
		"write it as: tenant NAME, or tenant from host", false },
	{ "timeout 1ms", "timeout", "timeout TIME", "timeout 0ms",
		"timeout 0ms: write a number and ms or s", false },
	{ "timeout 60s", "timeout 1 s", "timeout TIME", "timeout 61s",
		"timeout 61s: write a number and ms or s", false },
	{ "token header X-API-Key", "token header", "token header|cookie NAME", "token query t",
		"'query' is neither cookie nor header", false },
	{ "token cookie s", "token cookie", "token header|cookie NAME", "token cookie a;b",
		"'a;b' cannot be the name of a header or a cookie", false },
	{ "listen 127.0.0.1:65535", "listen", "listen PATH MODE [GROUP]", "listen 127.0.0.1:65536",
		"write a port from 1 to 65535", true },
	{ "listen /run/a.sock 0600", "listen /run/a.sock", "listen PATH MODE [GROUP]",
		"listen /run/a.sock 0999", "'0999' is not a mode", true },
	{ "listen [::1]:1", "listen [::1]:1 0600", "a port has no mode or group",
		"listen 0.0.0.0:80",
		"'0.0.0.0:80' is neither an absolute path nor a loopback address", true },
};

enum { LINES = 512 };

/* The line after one that listens. */
static const char *after_listen(const char *line)
{
	static char lines[LINES];

	snprintf(lines, sizeof lines, "listen 127.0.0.1:80\n%s\n", line);
	return lines;
}

Test(http_config, each_line_is_read)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char path[sizeof PATH], *said = NULL;
		struct http_config config;

		cr_expect_eq(read_lines(after_listen(names[i].good), &config, path, &said), 0, "%s",
			said);
		http_config_finish(&config);
		free(said);
	}
}

Test(http_config, a_line_with_too_few_or_too_many_words_is_refused_with_its_form)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		expect_refused(after_listen(names[i].less), names[i].syntax);
	}
}

Test(http_config, a_value_out_of_its_range_is_refused)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		expect_refused(after_listen(names[i].wrong), names[i].why);
	}
}

Test(http_config, a_line_that_comes_twice_is_refused_unless_it_may)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char twice[LINES];

		snprintf(twice, sizeof twice, "%s\n%s", names[i].good, names[i].good);
		if (!names[i].often) {
			expect_refused(after_listen(twice), " is set twice");
		}
	}
	expect_refused(after_listen("host a b\nhost A c"), "this host is listed twice");
	expect_refused(
		after_listen("listen [::1]:1\nlisten [::1]:1"), "this socket is listed twice");
	/* A line about the program is set once, wherever it stands. */
	expect_refused(
		"idle 1s\nlisten 127.0.0.1:80\nidle 1s\n", ":3:1: error: 'idle' is set twice");
}

Test(http_config, what_is_read_is_what_was_written)
{
	char path[sizeof PATH], *said = NULL;
	struct http_config config;
	const struct http_listener *listener = &config.listeners[0];

	cr_assert_eq(read_lines("authz /run/a.sock\nconnections 16\nidle 2m\ntimeout 1500ms\n",
			     &config, path, &said),
		-EINVAL, "without a listener it is refused");
	http_config_finish(&config);
	free(said);
	cr_assert_eq(
		read_lines(
			"authz /run/a.sock\nconnections 16\nidle 2m\ntimeout 1500ms\nlog json\n"
			"metrics on\nserver_user root\nlisten /run/b.sock 0640\nfamily forwarded\n"
			"service s\nenvironment e\ntenant from host\nhost A.example t\nrealm \"r "
			"r\"\n"
			"prefix /p\nproxies 10.0.0.0/8, ::1\npreflight pass\nauthzen https://a\n"
			"missing pass\nprincipal_facts role, principal.a.b\n"
			"answer_headers principal, renew\n",
			&config, path, &said),
		0, "%s", said);
	cr_expect_str_eq(config.authz, "/run/a.sock");
	cr_expect(config.connections == 16 && config.idle == 120 && config.timeout_ms == 1500);
	cr_expect_eq(config.drain_ms, 6500, "more than one answer of the daemon may take");
	cr_expect(config.log_json && config.metrics && config.has_server && config.server == 0);
	cr_expect_str_eq(listener->path, "/run/b.sock");
	cr_expect(listener->mode == 0640 && !listener->has_group);
	cr_expect_eq(listener->family, HTTP_FORWARDED);
	cr_expect_str_eq(listener->service, "s");
	cr_expect_str_eq(listener->environment, "e");
	cr_expect(listener->tenant_from_host && listener->tenant == NULL);
	cr_expect(listener->host_count == 1 && strcmp(listener->hosts[0].name, "a.example") == 0);
	cr_expect_str_eq(listener->hosts[0].tenant, "t");
	cr_expect_str_eq(listener->realm, "r r");
	cr_expect_str_eq(listener->prefix, "/p");
	cr_expect(listener->proxy_count == 2 && listener->preflight_pass);
	cr_expect_str_eq(listener->authzen, "https://a");
	cr_expect(listener->missing_pass);
	cr_expect_eq(listener->headers_left_out,
		HTTP_ANSWER_HEADER_ALL &
			~(unsigned)(HTTP_ANSWER_HEADER_PRINCIPAL | HTTP_ANSWER_HEADER_RENEW));
	cr_assert_eq(listener->principal_fact_count, 2);
	cr_expect_str_eq(listener->principal_facts[0], "role");
	cr_expect_str_eq(listener->principal_facts[1], "a.b");
	http_config_finish(&config);
	free(said);
}

/* A line, repeated with a number in place of its #. */
static void repeat(char *out, size_t size, const char *begin, const char *line, unsigned count)
{
	size_t len = (size_t)snprintf(out, size, "%s", begin);
	const char *hash = strchr(line, '#');

	for (unsigned i = 1; i <= count; i++) {
		len += (size_t)snprintf(
			out + len, size - len, "%.*s%u%s", (int)(hash - line), line, i, hash + 1);
	}
	cr_assert_lt(len, size);
}

Test(http_config, there_is_a_most_of_what_may_be_repeated)
{
	static char lines[64 * 1024];

	repeat(lines, sizeof lines, "", "listen 127.0.0.1:#\n", HTTP_MAX_LISTENERS + 1);
	expect_refused(lines, ":17:8: error: more than 16 `listen` lines are not supported");
	repeat(lines, sizeof lines, "listen 127.0.0.1:80\n", "host h# t\n", HTTP_MAX_HOSTS + 1);
	expect_refused(lines, "more than 1024 hosts of one listener are not supported");
	repeat(lines, sizeof lines, "listen 127.0.0.1:80\nprincipal_facts a", ",b#",
		HTTP_MAX_PRINCIPAL_FACTS);
	expect_refused(lines, ":2:");
	repeat(lines, sizeof lines, "listen 127.0.0.1:80\nproxies ::1", ",::#", HTTP_MAX_PROXIES);
	expect_refused(lines, ":2:");
}

Test(http_config, hosts_before_a_listener_are_for_all_and_each_adds_its_own)
{
	static const char lines[] =
		"tenant from host\nhost a t\nhost b t\nhost c t\n"
		"listen 127.0.0.1:1\nhost d one\nlisten 127.0.0.1:2\nhost d two\n"
		"listen 127.0.0.1:3\n";
	char path[sizeof PATH], *said = NULL;
	struct http_config config;

	cr_assert_eq(read_lines(lines, &config, path, &said), 0, "%s", said);
	cr_assert_eq(config.listener_count, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(config.listeners[i].host_count, i < 2 ? 4 : 3);
		cr_expect_str_eq(config.listeners[i].hosts[2].name, "c");
	}
	cr_expect_str_eq(config.listeners[0].hosts[3].tenant, "one");
	cr_expect_str_eq(config.listeners[1].hosts[3].tenant, "two");
	http_config_finish(&config);
	free(said);
}
