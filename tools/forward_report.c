/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/forward_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/answer.h"
#include "tools/text.h"

/* Of the titles on the left. */
enum { TITLE_COLUMN = 10 };

/* Sentences that say what to set. */
#define MAX_ADVICE 4

struct advice {
	const char *lines[MAX_ADVICE];
	size_t count;
};

static const char *place_text(struct app *app, const struct forward_report *report)
{
	return report->place.unix_path != NULL ? app_text(app, "unix:%s", report->place.unix_path)
					       : app_text(app, "http://%s", report->place.host);
}

/* --- without a decision ----------------------------------------------------------------------- */

static int not_connected(struct app *app, const struct forward_report *report, int error)
{
	const char *path = report->place.unix_path;

	if (path != NULL && error == ENOENT) {
		return app_fail(app, EXIT_DAEMON, "unavailable",
			"there is no socket %s: start authz-http, or name the socket of a line "
			"`listen` of authz-http.conf",
			path);
	}
	if (path != NULL && (error == EACCES || error == EPERM)) {
		return app_fail(app, EXIT_DAEMON, "unavailable",
			"this user may not open %s: MODE and GROUP of the line `listen PATH MODE "
			"GROUP` "
			"of authz-http.conf say who may",
			path);
	}
	if (error == ECONNREFUSED) {
		return app_fail(app, EXIT_DAEMON, "unavailable",
			"nothing listens at %s: start authz-http, and compare with the lines "
			"`listen` "
			"of authz-http.conf",
			place_text(app, report));
	}
	return app_fail(app, EXIT_DAEMON, "unavailable", "cannot connect to %s%s%s",
		place_text(app, report), error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
}

int forward_report_failure(
	struct app *app, const struct forward_report *report, enum http_result result, int error)
{
	switch (result) {
	case HTTP_NOT_CONNECTED:
		return not_connected(app, report, error);
	case HTTP_NO_HOST:
		return app_fail(app, EXIT_USAGE, "usage", "%s has no address", report->place.host);
	case HTTP_LATE:
		return app_fail(app, EXIT_DAEMON, "deadline",
			"no answer from %s in time: authz-http answers 503 when the daemon is "
			"late, so "
			"it is stopped itself, or something else listens there; --timeout waits "
			"longer",
			place_text(app, report));
	case HTTP_NO_LIBRARY:
		return app_fail(app, EXIT_DAEMON, "internal",
			"http-check needs libcurl: install the package libcurl4");
	case HTTP_NOT_HTTP:
	case HTTP_ANSWERED:
		break;
	}
	return app_fail(app, EXIT_DAEMON, "unavailable",
		"what listens at %s does not speak HTTP: is it authzd itself? The socket of "
		"authz-http "
		"is that of a line `listen` of authz-http.conf",
		place_text(app, report));
}

static int stranger(struct app *app, const struct forward_report *report)
{
	const char *server = http_header(&report->answer, "Server");

	return app_fail(app, EXIT_DAEMON, "unavailable",
		"the server at %s is not authz-http: it answered %d without "
		"X-Authz-Reason%s%.64s%s. "
		"Name the address of a line `listen` of authz-http.conf, not that of the web "
		"server "
		"before it",
		place_text(app, report), report->answer.status, server != NULL ? " (Server: " : "",
		server != NULL ? server : "", server != NULL ? ")" : "");
}

/* No web server that is set up for this listener asks this way. */
static int refused(struct app *app, const struct forward_report *report)
{
	const char *reason = report->decision.reason;
	const char *text = forward_refusal(reason);

	text = app_text(app, "%d %s%s%s", report->decision.status, reason, text != NULL ? ": " : "",
		text != NULL ? text : "");
	if (report->family == FORWARD_NONE) {
		return app_fail(app, EXIT_USAGE, "invalid_request",
			"authz-http refuses the question of every family, that of envoy with %s",
			text);
	}
	if (strcmp(reason, "foreign_header") != 0 && strcmp(reason, "missing_header") != 0) {
		return app_fail(app, EXIT_USAGE, "invalid_request",
			"authz-http refuses the question with %s", text);
	}
	return app_fail(app, EXIT_USAGE, "invalid_request",
		"this listener is not of family %s (%s). Leave out --family to find its family, or "
		"set "
		"`family %s` in authz-http.conf",
		forward_name(report->family), text, forward_name(report->family));
}

static int no_path(struct app *app, const struct forward_report *report)
{
	return app_fail(app, EXIT_USAGE, "not_found",
		"authz-http has nothing at %s (404). Web servers ask at /check; Envoy asks below "
		"it, at "
		"the line `prefix` of a listener of family envoy",
		report->place.path);
}

static int unavailable(struct app *app, const struct forward_report *report)
{
	return app_fail(app, EXIT_DAEMON, "unavailable",
		"authz-http got no decision from authzd (503 %s). Try `authzcheck status`; the "
		"line "
		"`authz` of authz-http.conf names the daemon's socket, which the user of "
		"authz-http "
		"must be able to open. Until then every request is refused",
		report->decision.reason);
}

/* --- what to set ------------------------------------------------------------------------------ */

static void add(struct advice *advice, const char *line)
{
	if (advice->count < MAX_ADVICE) {
		advice->lines[advice->count++] = line;
	}
}

static void advise_token(
	struct app *app, const struct forward_report *report, struct advice *advice)
{
	const char *reason = report->decision.reason;

	if (strcmp(reason, "unauthenticated") == 0) {
		add(advice,
			"the daemon does not trust authz-http, and so does not say why: add the "
			"line `trust user NAME` to authzd.conf, with the user of authz-http");
	}
	if (app->token_len == 0) {
		add(advice, "no token was sent: give one with --token-file, and let the web server "
			    "hand on the header or cookie that has it");
	} else if (strcmp(reason, "missing_token") == 0) {
		add(advice, "this listener reads the token somewhere else: the line `token` of "
			    "authz-http.conf says where; --header or --cookie sends it there");
	}
}

static void advise_identity(const struct forward_report *report, struct advice *advice)
{
	static const char *const lines[FORWARD_FAMILIES] = {
		[FORWARD_NGINX] =
			"the application sees what nginx.conf hands on: `auth_request_set "
			"$principal $upstream_http_x_authz_principal`, then "
			"`proxy_set_header X-Authz-Principal $principal`",
		[FORWARD_FORWARDED] = "the application sees what `copy_headers` of Caddy or "
				      "`authResponseHeaders` of Traefik names",
		[FORWARD_ENVOY] = "the application sees what `allowed_upstream_headers` names",
	};

	add(advice, lines[report->family]);
}

/* A gateway does not know the facts that the policy asks for. */
static void advise_facts(const struct forward_report *report, struct advice *advice)
{
	if (strcmp(report->decision.reason, "missing_fact") != 0) {
		return;
	}
	add(advice,
		report->decision.answer == FORWARD_ALLOWED
			? "it passes undecided, because of `missing pass` in authz-http.conf: the "
			  "application must ask the daemon again, with the facts"
			: "the policy asks for facts that only the application knows: with "
			  "`missing pass` in authz-http.conf such a request passes, and the "
			  "application must ask the daemon again, with the facts");
}

static void advise(struct app *app, const struct forward_report *report,
	const struct forward_asked *asked, struct advice *advice)
{
	int status = report->decision.status;

	if (report->decision.answer == FORWARD_ALLOWED) {
		advise_identity(report, advice);
	} else if (status == 401) {
		advise_token(app, report, advice);
	}
	advise_facts(report, advice);
	if (report->family == FORWARD_NGINX && report->answer.status != status) {
		add(advice,
			app_text(app,
				"nginx gives the client %d if `error_page 403` names a location "
				"that returns X-Authz-Status: client/WEB-SERVERS.md has the lines",
				status));
	}
	if (asked->ip != NULL) {
		add(advice,
			"the address of --ip counts only if the line `proxies` of authz-http.conf "
			"has the address of this machine, as it must have the web server's");
	}
}

/* Why it was denied, in words. */
static const char *reason_text(
	struct app *app, const struct forward_report *report, const struct forward_asked *asked)
{
	return report->decision.answer == FORWARD_ALLOWED
		       ? ""
		       : answer_reason(app, report->decision.reason,
				 app_text(app, "%s %s", asked->method, asked->target));
}

/* --- for people ------------------------------------------------------------------------------- */

static void row(struct app *app, const char *title, const char *text)
{
	printf("%s%-*s%s", text_begin(app->colour, COLOUR_DIM), TITLE_COLUMN, title,
		text_end(app->colour, COLOUR_DIM));
	text_put(stdout, pol_str_of(text));
	putchar('\n');
}

static const char *server_name(enum forward_family family)
{
	return family == FORWARD_NGINX   ? "nginx"
	       : family == FORWARD_ENVOY ? "Envoy"
					 : "Caddy, Traefik or HAProxy";
}

static void print_headers(struct app *app, const struct forward_report *report)
{
	bool allowed = report->decision.answer == FORWARD_ALLOWED;
	const char *title = "headers";

	for (size_t i = 0; i < report->answer.header_count; i++) {
		const struct http_header *header = &report->answer.headers[i];
		bool identity;
		const char *meaning = forward_meaning(header->name, &identity);

		if (meaning == NULL || header->value[0] == '\0') {
			continue;
		}
		row(app, title,
			app_text(app, "%s: %s  (%s%s)", header->name, header->value, meaning,
				identity && allowed ? "; for the application" : ""));
		title = "";
	}
}

static void print_text(struct app *app, const struct forward_report *report,
	const struct forward_asked *asked, const struct advice *advice)
{
	const struct forward_decision *decision = &report->decision;
	bool allowed = decision->answer == FORWARD_ALLOWED;
	enum colour colour = allowed ? COLOUR_GREEN : COLOUR_RED;

	row(app, "asked",
		app_text(app, "%s %s at %s%s%s", asked->method, asked->target,
			place_text(app, report), report->place.unix_path != NULL ? ":" : "",
			report->place.path));
	row(app, "family",
		app_text(app, "%s: it reads %s", forward_name(report->family),
			forward_reads(report->family)));
	printf("%s%-*s%s%s%s%s", text_begin(app->colour, COLOUR_DIM), TITLE_COLUMN, "decision",
		text_end(app->colour, COLOUR_DIM), text_begin(app->colour, colour),
		allowed ? "allow" : "deny", text_end(app->colour, colour));
	if (!allowed) {
		printf(" %d", decision->status);
	}
	putchar(' ');
	text_put(stdout, pol_str_of(decision->reason));
	putchar('\n');
	row(app, "answer",
		app_text(app, "%d: %s %s", report->answer.status, server_name(report->family),
			forward_effect(report->family, report->answer.status)));
	if (!allowed) {
		row(app, "", reason_text(app, report, asked));
	}
	print_headers(app, report);
	for (size_t i = 0; i < advice->count; i++) {
		row(app, i == 0 ? "note" : "", advice->lines[i]);
	}
}

/* --- with --json ------------------------------------------------------------------------------ */

static void put_headers(struct app *app, const struct forward_report *report, json_t *document)
{
	json_t *identity = json_object();
	json_t *headers = json_array();

	for (size_t i = 0; i < report->answer.header_count; i++) {
		const struct http_header *header = &report->answer.headers[i];
		bool is_identity;
		const char *meaning = forward_meaning(header->name, &is_identity);

		app_append(app, headers,
			json_pack("{s:o, s:o, s:s*}", "name", document_text(header->name), "value",
				document_text(header->value), "meaning", meaning));
		if (is_identity && json_object_set_new(identity, header->name,
					   document_text(header->value)) != 0) {
			app->no_memory = true;
		}
	}
	if (json_object_set_new(document, "identity", identity) != 0 ||
		json_object_set_new(document, "headers", headers) != 0) {
		app->no_memory = true;
	}
}

static void print_json(struct app *app, const struct forward_report *report,
	const struct forward_asked *asked, const struct advice *advice)
{
	const struct forward_decision *decision = &report->decision;
	json_t *lines = json_array();
	json_t *document = json_pack("{s:s, s:b, s:i, s:o, s:i, s:s, s:o}", "family",
		forward_name(report->family), "allow", decision->answer == FORWARD_ALLOWED,
		"status", decision->status, "reason", document_text(decision->reason),
		"http_status", report->answer.status, "effect",
		forward_effect(report->family, report->answer.status), "detail",
		document_text(reason_text(app, report, asked)));

	for (size_t i = 0; i < advice->count; i++) {
		app_append(app, lines, document_text(advice->lines[i]));
	}
	put_headers(app, report, document);
	if (json_object_set_new(document, "advice", lines) != 0) {
		app->no_memory = true;
	}
	app_document(app, document);
}

int forward_report_print(
	struct app *app, const struct forward_report *report, const struct forward_asked *asked)
{
	struct advice advice = { .count = 0 };

	switch (report->decision.answer) {
	case FORWARD_STRANGER:
		return stranger(app, report);
	case FORWARD_REFUSED:
		return refused(app, report);
	case FORWARD_NO_PATH:
		return no_path(app, report);
	case FORWARD_UNAVAILABLE:
		return unavailable(app, report);
	case FORWARD_DENIED:
	case FORWARD_ALLOWED:
		break;
	}
	advise(app, report, asked, &advice);
	if (app->want_json) {
		print_json(app, report, asked, &advice);
	} else {
		print_text(app, report, asked, &advice);
	}
	return report->decision.answer == FORWARD_ALLOWED ? EXIT_YES : EXIT_NO;
}
