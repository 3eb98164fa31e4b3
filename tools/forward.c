/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/forward.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The headers that name method and target of the client's request; NULL: the request line does. */
static const struct {
	const char *name;
	const char *method;
	const char *target;
	const char *reads;
} families[FORWARD_FAMILIES] = {
	[FORWARD_NGINX] = { "nginx", "X-Original-Method", "X-Original-URI",
		"X-Original-Method and X-Original-URI, which nginx.conf must set" },
	[FORWARD_FORWARDED] = { "forwarded", "X-Forwarded-Method", "X-Forwarded-Uri",
		"X-Forwarded-Method and X-Forwarded-Uri, as Caddy, Traefik and HAProxy send them" },
	[FORWARD_ENVOY] = { "envoy", NULL, NULL,
		"the request line, its path after the prefix, as Envoy sends it" },
};

enum forward_family forward_find(const char *name)
{
	for (int family = FORWARD_NONE + 1; family < FORWARD_FAMILIES; family++) {
		if (strcmp(families[family].name, name) == 0) {
			return (enum forward_family)family;
		}
	}
	return FORWARD_NONE;
}

const char *forward_name(enum forward_family family)
{
	return families[family].name;
}

const char *forward_reads(enum forward_family family)
{
	return families[family].reads;
}

static struct http_header token_header(struct app *app, const struct forward_asked *asked)
{
	const char *before = asked->cookie != NULL   ? app_text(app, "%s=", asked->cookie)
			     : asked->header != NULL ? ""
						     : "Bearer ";
	const char *name = asked->cookie != NULL   ? "Cookie"
			   : asked->header != NULL ? asked->header
						   : "Authorization";

	return (struct http_header){ name,
		app_text(app, "%s%.*s", before, (int)app->token_len, app->token) };
}

void forward_put(struct app *app, enum forward_family family, const struct forward_asked *asked,
	struct http_header out[static FORWARD_HEADERS], struct http_request *request)
{
	size_t count = 0;

	/* nginx, Caddy and Traefik ask with GET, whatever the method of the client's request. */
	request->method = "GET";
	request->target = asked->path;
	if (families[family].method != NULL) {
		out[count++] = (struct http_header){ families[family].method, asked->method };
		out[count++] = (struct http_header){ families[family].target, asked->target };
	} else {
		request->method = asked->method;
		request->target = app_text(app, "%s%s", asked->path, asked->target);
	}
	if (app->token_len > 0) {
		out[count++] = token_header(app, asked);
	}
	if (asked->ip != NULL) {
		out[count++] = (struct http_header){ "X-Forwarded-For", asked->ip };
	}
	request->headers = out;
	request->header_count = count;
}

/* --- the answer ------------------------------------------------------------------------------- */

static bool is_problem(const struct http_answer *answer)
{
	static const char type[] = "application/problem+json";
	const char *given = http_header(answer, "Content-Type");

	return given != NULL && strncasecmp(given, type, sizeof type - 1) == 0;
}

/* Reasons for which authz-http does not ask the daemon. */
static const struct {
	const char *reason;
	const char *text;
} refusals[] = {
	{ "missing_header", "a header that says what the client asked for is missing" },
	{ "foreign_header", "a header of another family came with it" },
	{ "doubled_header", "a header that must come once came twice" },
	{ "malformed_header", "a header that says what the client asked for is empty" },
	{ "malformed_method", "the client's method is not a method of HTTP" },
	{ "malformed_address", "X-Forwarded-For has what is not an address" },
	{ "method_override", "a header could give the application another method" },
	{ "unknown_host", "`tenant from host` is set, and no line `host` has this host" },
};

const char *forward_refusal(const char *reason)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		if (strcmp(refusals[i].reason, reason) == 0) {
			return refusals[i].text;
		}
	}
	return NULL;
}

/* A denial has X-Authz-Status, which also nginx's family gets; what is not an answer about a
 * request has problem details alone. */
static enum forward_answer answer_of(enum forward_family family, const struct http_answer *answer,
	const struct forward_decision *decision, bool denied)
{
	int allowed = family == FORWARD_ENVOY ? 200 : 204;

	if (decision->reason[0] == '\0') {
		return FORWARD_STRANGER;
	}
	if (!denied && answer->status == allowed && !is_problem(answer)) {
		return FORWARD_ALLOWED;
	}
	if (!is_problem(answer) || answer->status < 400) {
		return FORWARD_STRANGER;
	}
	if (decision->status == 503) {
		return FORWARD_UNAVAILABLE;
	}
	if (!denied) {
		return answer->status == 404 ? FORWARD_NO_PATH : FORWARD_REFUSED;
	}
	return forward_refusal(decision->reason) != NULL ? FORWARD_REFUSED : FORWARD_DENIED;
}

struct forward_decision forward_read(enum forward_family family, const struct http_answer *answer)
{
	const char *status = http_header(answer, "X-Authz-Status");
	const char *reason = http_header(answer, "X-Authz-Reason");
	long number = status != NULL ? strtol(status, NULL, 10) : 0;
	bool denied = number >= 400 && number < 600;
	struct forward_decision decision = {
		.status = denied ? (int)number : answer->status,
		.reason = reason != NULL ? reason : "",
	};

	decision.answer = answer_of(family, answer, &decision, denied);
	return decision;
}

/* --- what it means ---------------------------------------------------------------------------- */

const char *forward_effect(enum forward_family family, int status)
{
	bool passes = status >= 200 && status < 300;

	switch (family) {
	case FORWARD_NGINX:
		return passes ? "passes the request on"
		       : status == 401 || status == 403
			       ? "refuses the request with this status"
			       : "answers 500: it knows 2xx, 401 and 403 alone";
	case FORWARD_FORWARDED:
		return passes ? "passes the request on" : "hands this answer to the client";
	case FORWARD_ENVOY:
		return status == 200 ? "passes the request on"
		       : status >= 500
			       ? "takes it for a failure: answers 403, or lets the request pass "
				 "if failure_mode_allow is set"
			       : "hands this answer to the client";
	case FORWARD_NONE:
	case FORWARD_FAMILIES:
		break;
	}
	return "";
}

const char *forward_meaning(const char *header, bool *out_identity)
{
	static const struct {
		const char *name;
		bool identity;
		const char *meaning;
	} meanings[] = {
		{ "X-Authz-Principal", true, "whose token it is" },
		{ "X-Authz-Key", true, "the id of the key" },
		{ "X-Authz-Tenant", true, "the tenant of the key" },
		{ "X-Authz-Environment", true, "the environment of the key" },
		{ "X-Authz-Renew", true, "1: the key is due to be renewed" },
		{ "X-Authz-Reason", true, "why the daemon decided so" },
		{ "X-Authz-Status", false, "the status for the client" },
		{ "WWW-Authenticate", false, "asks the client for a token" },
		{ "Retry-After", false, "seconds before another try is of use" },
		{ "RateLimit", false, "what is left of the quota" },
		{ "RateLimit-Policy", false, "the quota" },
		{ "Content-Type", false, "of the body, which says why" },
		{ "Cache-Control", false, "no cache keeps this answer" },
	};

	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (strcasecmp(meanings[i].name, header) == 0) {
			*out_identity = meanings[i].identity;
			return meanings[i].meaning;
		}
	}
	*out_identity = false;
	return NULL;
}
