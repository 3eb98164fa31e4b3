/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/forward.h"

#define PROBLEM "application/problem+json"

struct reading {
	enum forward_family family;
	int status;
	const char *authz_status;
	const char *reason;
	const char *type;
	enum forward_answer answer;
	int decided; /* the status of the decision */
};

static const struct reading readings[] = {
	{ FORWARD_NGINX, 204, NULL, "ok", NULL, FORWARD_ALLOWED, 204 },
	{ FORWARD_ENVOY, 200, NULL, "ok", NULL, FORWARD_ALLOWED, 200 },
	{ FORWARD_NGINX, 403, "429", "quota", PROBLEM, FORWARD_DENIED, 429 },
	{ FORWARD_FORWARDED, 404, "404", "unknown_resource", PROBLEM, FORWARD_DENIED, 404 },
	{ FORWARD_FORWARDED, 400, "400", "malformed_path", PROBLEM, FORWARD_DENIED, 400 },
	{ FORWARD_FORWARDED, 400, "400", "foreign_header", PROBLEM, FORWARD_REFUSED, 400 },
	{ FORWARD_NGINX, 403, "400", "missing_header", PROBLEM, FORWARD_REFUSED, 400 },
	{ FORWARD_FORWARDED, 404, NULL, "not_found", PROBLEM, FORWARD_NO_PATH, 404 },
	{ FORWARD_FORWARDED, 405, NULL, "method", PROBLEM, FORWARD_REFUSED, 405 },
	{ FORWARD_NGINX, 403, "503", "unavailable", PROBLEM, FORWARD_UNAVAILABLE, 503 },
	{ FORWARD_ENVOY, 503, "503", "unavailable", PROBLEM, FORWARD_UNAVAILABLE, 503 },
	/* What no authz-http answers allows nothing. */
	{ FORWARD_NGINX, 204, NULL, NULL, NULL, FORWARD_STRANGER, 204 },
	{ FORWARD_NGINX, 200, NULL, NULL, "text/html", FORWARD_STRANGER, 200 },
	{ FORWARD_NGINX, 200, NULL, "ok", NULL, FORWARD_STRANGER, 200 },
	{ FORWARD_ENVOY, 204, NULL, "ok", NULL, FORWARD_STRANGER, 204 },
	{ FORWARD_NGINX, 204, NULL, "ok", PROBLEM, FORWARD_STRANGER, 204 },
	{ FORWARD_NGINX, 403, "403", NULL, PROBLEM, FORWARD_STRANGER, 403 },
	{ FORWARD_NGINX, 204, "403", "role", NULL, FORWARD_STRANGER, 403 },
	/* Nor does a number that is not a status. */
	{ FORWARD_NGINX, 403, "204", "role", PROBLEM, FORWARD_REFUSED, 403 },
	{ FORWARD_NGINX, 403, "99999999999", "role", PROBLEM, FORWARD_REFUSED, 403 },
	{ FORWARD_NGINX, 0, NULL, NULL, NULL, FORWARD_STRANGER, 0 },
};

static void add(struct http_answer *answer, const char *name, const char *value)
{
	if (value != NULL) {
		answer->headers[answer->header_count++] = (struct http_header){ name, value };
	}
}

Test(forward, an_answer_is_a_decision_only_when_authz_http_says_so)
{
	for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
		const struct reading *row = &readings[i];
		struct http_answer answer = { .status = row->status, .body = "" };
		struct forward_decision decision;

		add(&answer, "x-authz-status", row->authz_status);
		add(&answer, "X-AUTHZ-REASON", row->reason);
		add(&answer, "Content-Type", row->type);
		decision = forward_read(row->family, &answer);
		cr_expect_eq(decision.answer, row->answer, "row %zu: %d", i, decision.answer);
		cr_expect_eq(decision.status, row->decided, "row %zu: %d", i, decision.status);
	}
}

Test(forward, what_authz_http_refuses_by_itself_has_a_sentence)
{
	cr_expect(strstr(forward_refusal("foreign_header"), "another family") != NULL);
	cr_expect_null(forward_refusal("role"));
	cr_expect_null(forward_refusal(""));
}

Test(forward, each_family_has_a_name_and_zero_has_none)
{
	for (int family = FORWARD_NONE + 1; family < FORWARD_FAMILIES; family++) {
		cr_expect_eq((int)forward_find(forward_name(family)), family);
	}
	cr_expect_null(forward_name(FORWARD_NONE));
	cr_expect_eq(forward_find("caddy"), FORWARD_NONE);
	cr_expect_str_eq(forward_effect(FORWARD_NONE, 204), "");
}

Test(forward, nginx_passes_on_2xx_and_knows_two_denials)
{
	cr_expect_str_eq(forward_effect(FORWARD_NGINX, 204), "passes the request on");
	cr_expect_str_eq(
		forward_effect(FORWARD_NGINX, 401), "refuses the request with this status");
	cr_expect(strstr(forward_effect(FORWARD_NGINX, 429), "answers 500") != NULL);
	cr_expect(strstr(forward_effect(FORWARD_ENVOY, 204), "passes the request on") == NULL);
	cr_expect(strstr(forward_effect(FORWARD_ENVOY, 503), "failure_mode_allow") != NULL);
}
