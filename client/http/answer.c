/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The statuses of denials (RFC 9110, and 429 of RFC 6585); another one becomes 403. */
static const struct {
	int status;
	const char *title;
} titles[] = {
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 503, "Service Unavailable" },
};

static const char *title_of(int status)
{
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
		if (titles[i].status == status) {
			return titles[i].title;
		}
	}
	return NULL;
}

/* The bounds hold every header and every value that this file makes. */
__attribute__((format(printf, 3, 4))) static void add(
	struct http_answer *answer, const char *name, const char *format, ...)
{
	char *value = answer->text + answer->used;
	size_t room = sizeof answer->text - answer->used;
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(value, room, format, list);
	va_end(list);
	if (n < 0 || (size_t)n >= room || answer->count == HTTP_ANSWER_HEADERS) {
		return;
	}
	answer->headers[answer->count].name = name;
	answer->headers[answer->count].value = value;
	answer->count++;
	answer->used += (size_t)n + 1;
}

/* The same for a text as it is, in a fifth of the time: an allowed answer has six. */
static void add_text(struct http_answer *answer, const char *name, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > sizeof answer->text - answer->used || answer->count == HTTP_ANSWER_HEADERS) {
		return;
	}
	answer->headers[answer->count].name = name;
	answer->headers[answer->count].value = memcpy(answer->text + answer->used, text, size);
	answer->count++;
	answer->used += size;
}

/* A reason is [a-z0-9_]+, as the daemon promises; anything else would break the JSON text. */
static const char *safe_reason(const char *reason)
{
	const char *at = reason;

	while ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_') {
		at++;
	}
	return at > reason && *at == '\0' ? reason : "denied";
}

/* Problem details, RFC 9457. */
static void put_problem(struct http_answer *out, int status, const char *reason)
{
	int n = snprintf(out->body, sizeof out->body,
		"{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"reason\":\"%s\"}\n",
		title_of(status), status, reason);

	out->body_len = n > 0 && (size_t)n < sizeof out->body ? (size_t)n : 0;
	out->type = "application/problem+json";
}

static void begin(struct http_answer *out)
{
	out->count = 0;
	out->used = 0;
	out->body_len = 0;
	out->type = NULL;
	add_text(out, "Cache-Control", "no-store");
}

/* nginx makes 500 of any other status than 2xx, 401 and 403; the headers have what is lost. */
static void deny(const struct http_listener *listener, const struct authz_decision *decision,
	bool has_token, struct http_answer *out)
{
	const char *reason = safe_reason(decision->reason);
	int status = title_of(decision->status) != NULL ? decision->status : 403;

	begin(out);
	out->status = status;
	if (listener->family == HTTP_NGINX && status != 401) {
		out->status = 403;
	}
	add(out, "X-Authz-Status", "%d", status);
	add_text(out, "X-Authz-Reason", reason);
	if (status == 401) {
		add(out, "WWW-Authenticate", "Bearer realm=\"%s\"%s", listener->realm,
			has_token ? ", error=\"invalid_token\"" : "");
	}
	if (status == 429 && decision->has_quota) {
		add(out, "Retry-After", "%" PRId64, decision->quota_reset);
		add(out, "RateLimit", "\"default\";r=%" PRId64 ";t=%" PRId64,
			decision->quota_remaining, decision->quota_reset);
	}
	if (status == 503) {
		add(out, "Retry-After", "%d", HTTP_RETRY);
	}
	put_problem(out, status, reason);
}

/* Each header that is not left out, also an empty one: a web server that copies them to the request
 * for the application overwrites what the client sent, and Caddy copies its own variable's name in
 * place of one that is absent. What passes undecided has all, since the application must know. */
static void allow(const struct http_listener *listener, const struct authz_decision *decision,
	struct http_answer *out)
{
	const struct {
		enum http_answer_header bit;
		const char *name, *value;
	} headers[] = {
		{ HTTP_ANSWER_HEADER_REASON, "X-Authz-Reason", safe_reason(decision->reason) },
		{ HTTP_ANSWER_HEADER_PRINCIPAL, "X-Authz-Principal", decision->principal },
		{ HTTP_ANSWER_HEADER_KEY, "X-Authz-Key", decision->key },
		{ HTTP_ANSWER_HEADER_TENANT, "X-Authz-Tenant", decision->tenant },
		{ HTTP_ANSWER_HEADER_ENVIRONMENT, "X-Authz-Environment", decision->environment },
		{ HTTP_ANSWER_HEADER_RENEW, "X-Authz-Renew", decision->renew ? "1" : "0" },
	};
	unsigned left_out = decision->verdict == AUTHZ_ALLOW ? listener->headers_left_out : 0;

	begin(out);
	out->status = listener->family == HTTP_ENVOY ? 200 : 204;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		if ((left_out & headers[i].bit) == 0) {
			add_text(out, headers[i].name, headers[i].value);
		}
	}
}

bool http_answer_passes(const struct http_listener *listener, const struct authz_decision *decision)
{
	/* A module can give any reason, but no names of facts. */
	return decision->verdict == AUTHZ_ALLOW ||
	       (listener->missing_pass && decision->missing_count > 0 &&
		       strcmp(decision->reason, "missing_fact") == 0);
}

void http_answer_decide(const struct http_listener *listener, const struct authz_decision *decision,
	bool has_token, struct http_answer *out)
{
	struct authz_decision denial;

	if (http_answer_passes(listener, decision)) {
		allow(listener, decision, out);
		return;
	}
	/* Envoy takes a 5xx for a failure of authz-http, and may be set to let the request pass
	 * then. So a decision of the daemon is never answered with one. */
	denial = *decision;
	if (denial.status >= 500 && listener->family == HTTP_ENVOY) {
		denial.status = 403;
	}
	deny(listener, &denial, has_token, out);
}

void http_answer_refuse(const struct http_listener *listener, int status, const char *reason,
	bool has_token, struct http_answer *out)
{
	struct authz_decision decision = { .status = status };

	snprintf(decision.reason, sizeof decision.reason, "%s", reason);
	deny(listener, &decision, has_token, out);
}

void http_answer_pass(const struct http_listener *listener, struct http_answer *out)
{
	struct authz_decision decision = { .verdict = AUTHZ_ALLOW };

	snprintf(decision.reason, sizeof decision.reason, "preflight");
	allow(listener, &decision, out);
}

void http_answer_problem(int status, const char *reason, struct http_answer *out)
{
	begin(out);
	out->status = status;
	add_text(out, "X-Authz-Reason", reason);
	if (status == 503) {
		add(out, "Retry-After", "%d", HTTP_RETRY);
	}
	put_problem(out, status, reason);
}
