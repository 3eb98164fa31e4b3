/* SPDX-License-Identifier: Apache-2.0 */

/* http-check: asks authz-http as a web server would, and explains what comes back. */

#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/forward.h"
#include "tools/forward_report.h"
#include "tools/rpc.h"
#include "tools/text.h"
#include "tools/token.h"

/* Where authz-http answers web servers, unless the URL says another path. */
#define CHECK_PATH "/check"

/* --- the command line ------------------------------------------------------------------------- */

/* A method, or the name of a header or cookie: RFC 9110, token. */
static bool is_token(const char *text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
			strchr(others, c) == NULL) {
			return false;
		}
	}
	return len > 0;
}

/* Nothing but visible ASCII, as on a request line. */
static bool is_visible(const char *text)
{
	for (; *text > ' ' && *text < 0x7f; text++) {
	}
	return *text == '\0';
}

/* "/run/x.sock" or "/run/x.sock:/check", as nginx writes it. */
static bool take_unix(struct app *app, const char *text, struct forward_place *out)
{
	size_t len = strcspn(text, ":");

	out->host = "localhost";
	out->unix_path = app_text(app, "%.*s", (int)len, text);
	out->path = text[len] == ':' ? text + len + 1 : "";
	return text[0] == '/';
}

static bool take_host(struct app *app, const char *text, struct forward_place *out)
{
	size_t len = strcspn(text, "/");

	out->host = app_text(app, "%.*s", (int)len, text);
	out->unix_path = NULL;
	out->path = text + len;
	return len > 0 && strcspn(text, "@?#\\") >= len;
}

static int read_place(struct app *app, const char *url, struct forward_place *out)
{
	const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 : url;
	bool good = is_visible(url) &&
		    (strncmp(rest, "unix:", 5) == 0 ? take_unix(app, rest + 5, out)
						    : rest != url && take_host(app, rest, out));

	if (strncmp(url, "https://", 8) == 0) {
		return app_fail(app, EXIT_USAGE, "usage",
			"authz-http speaks HTTP without TLS: name its own address, "
			"http://HOST:PORT "
			"or unix:/PATH, not that of a web server before it");
	}
	if (!good || strpbrk(out->path, "?#") != NULL) {
		return app_fail(app, EXIT_USAGE, "usage",
			"'%.128s' is neither http://HOST:PORT nor unix:/PATH, where authz-http "
			"listens",
			url);
	}
	if (out->path[0] == '\0' || strcmp(out->path, "/") == 0) {
		out->path = CHECK_PATH;
	}
	if (out->path[0] != '/') {
		return app_fail(app, EXIT_USAGE, "usage",
			"'%.128s': the path after the socket begins with a slash", url);
	}
	return EXIT_YES;
}

/* What is not on a request line, or would be two headers. */
static const char *mistake_of(struct app *app, const struct forward_asked *asked)
{
	if (!is_token(asked->method)) {
		return app_text(app, "'%.64s' is not a method: GET, POST and so on", asked->method);
	}
	if (asked->target[0] != '/' || !is_visible(asked->target)) {
		return app_text(app,
			"'%.128s' is not a path as on a request line: it begins with a slash, and "
			"blanks "
			"and what is not ASCII are percent-encoded",
			asked->target);
	}
	if (asked->header != NULL && asked->cookie != NULL) {
		return "--header and --cookie exclude each other";
	}
	if ((asked->header != NULL && !is_token(asked->header)) ||
		(asked->cookie != NULL && !is_token(asked->cookie))) {
		return app_text(app, "'%.64s' is not the name of a header or a cookie",
			asked->header != NULL ? asked->header : asked->cookie);
	}
	if (asked->ip != NULL && (asked->ip[0] == '\0' || !is_visible(asked->ip))) {
		return app_text(app, "--ip '%.64s' is not an address", asked->ip);
	}
	return NULL;
}

static int read_asked(struct app *app, const struct forward_place *place, struct forward_asked *out)
{
	const char *mistake;

	*out = (struct forward_asked){
		.path = place->path,
		.method = app->args.words[1],
		.target = app->args.words[2],
		.header = app->args.values[FLAG_HEADER],
		.cookie = app->args.values[FLAG_COOKIE],
		.ip = app->args.values[FLAG_IP],
	};
	mistake = mistake_of(app, out);
	return mistake == NULL ? EXIT_YES : app_fail(app, EXIT_USAGE, "usage", "%s", mistake);
}

/* The token, if there is one: the value of a header. */
static int read_token(struct app *app)
{
	int status = token_manage(app);

	for (size_t i = 0; status == EXIT_YES && i < app->token_len; i++) {
		unsigned char c = (unsigned char)app->token[i];

		if (c <= ' ' || c == 0x7f || c == ';' || c == ',') {
			return app_fail(app, EXIT_USAGE, "usage",
				"the token has a character that no header hands on: a blank, a "
				"comma, "
				"a semicolon or a control character");
		}
	}
	return status;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int ask(struct app *app, const struct forward_asked *asked, struct forward_report *report)
{
	struct http_header headers[FORWARD_HEADERS];
	struct http_request request = { .host = report->place.host,
		.unix_path = report->place.unix_path };
	enum http_result result;
	int error;
	int status = rpc_read_timeout(app, &request.timeout_ms);

	if (status != EXIT_YES) {
		return status;
	}
	forward_put(app, report->family, asked, headers, &request);
	result = http_ask(app, &request, &report->answer, &error);
	if (result != HTTP_ANSWERED) {
		return forward_report_failure(app, report, result, error);
	}
	report->decision = forward_read(report->family, &report->answer);
	return EXIT_YES;
}

/* The given family, or each until one is not refused. A server that is not authz-http gets the
 * token once. */
static int ask_family(
	struct app *app, const struct forward_asked *asked, struct forward_report *report)
{
	enum forward_family given = report->family;
	int status = EXIT_YES;

	if (given != FORWARD_NONE) {
		return ask(app, asked, report);
	}
	for (int family = FORWARD_NONE + 1; family < FORWARD_FAMILIES; family++) {
		report->family = (enum forward_family)family;
		status = ask(app, asked, report);
		if (status != EXIT_YES || report->decision.answer != FORWARD_REFUSED) {
			return status;
		}
	}
	report->family = FORWARD_NONE;
	return status;
}

static int run(struct app *app)
{
	struct forward_report *report = pol_arena_alloc(&app->arena, 1, sizeof *report);
	const char *family = app->args.values[FLAG_FAMILY];
	struct forward_asked asked;
	int status;

	if (report == NULL) {
		return app_fail(app, EXIT_DAEMON, "internal", "out of memory");
	}
	*report = (struct forward_report){ .family = FORWARD_NONE };
	if (family != NULL && (report->family = forward_find(family)) == FORWARD_NONE) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--family '%.64s' is unknown: nginx, forwarded or envoy", family);
	}
	status = read_place(app, app->args.words[0], &report->place);
	if (status == EXIT_YES) {
		status = read_asked(app, &report->place, &asked);
	}
	if (status == EXIT_YES) {
		status = read_token(app);
	}
	if (status == EXIT_YES) {
		status = ask_family(app, &asked, report);
	}
	return status == EXIT_YES ? forward_report_print(app, report, &asked) : status;
}

const struct command command_http_check = {
	.name = "http-check",
	.words = "URL METHOD PATH",
	.summary = "Ask authz-http as a web server does, and explain its answer",
	.text = "URL is where authz-http listens: http://127.0.0.1:9180 or unix:/PATH.\n"
		"Says which headers it reads, what nginx, Caddy, Traefik or Envoy does\n"
		"with the answer, what each header means and which the application may\n"
		"see, and, if something is wrong, what to set. Without --family it asks\n"
		"as each kind of server until one is understood. The question counts as\n"
		"a use of the key. Exit status 0 when the request would pass, 1 when it\n"
		"would not, 2 when the question is wrong for this listener, 3 without\n"
		"authz-http or daemon.\n",
	.examples = "  authzcheck http-check --token-file key.txt unix:/run/authz-http/http.sock "
		    "GET /loans/7\n"
		    "  authzcheck http-check --family envoy http://127.0.0.1:9180 DELETE /loans/7\n"
		    "  authzcheck http-check --header X-API-Key --token - "
		    "http://127.0.0.1:9180/check GET "
		    "/ <key.txt\n",
	.flags = { FLAG_FAMILY, FLAG_TOKEN, FLAG_TOKEN_FILE, FLAG_HEADER, FLAG_COOKIE, FLAG_IP },
	.min_words = 3,
	.run = run,
};
