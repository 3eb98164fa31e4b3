/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * answer: makes the answer to a web server of a decision. Pure.
 *
 * Whether the request passes is decided by `verdict` alone, never by a status that the daemon sent.
 * One exception must be configured (`missing pass`): a denial because facts are missing, which the
 * application knows, passes. A zeroed decision denies.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/authz.h"
#include "client/http/config.h"

enum {
	HTTP_ANSWER_HEADERS = 16,
	HTTP_ANSWER_TEXT = 2048, /* bytes of all values: four names of AUTHZ_NAME_SIZE and more */
	HTTP_ANSWER_BODY = 512,
	HTTP_RETRY = 1, /* seconds, when no daemon answered */
};

/* Its texts lie in itself: it must not be moved. */
struct http_answer {
	int status;
	size_t count;
	struct {
		const char *name; /* static */
		const char *value;
	} headers[HTTP_ANSWER_HEADERS];
	const char *type; /* of the body; NULL: there is none */
	size_t body_len;
	size_t used; /* of text */
	char text[HTTP_ANSWER_TEXT];
	char body[HTTP_ANSWER_BODY];
};

/* Does the request pass? */
bool http_answer_passes(
	const struct http_listener *listener, const struct authz_decision *decision);

/* The answer to a request for a decision. `has_token`: one came with it. */
void http_answer_decide(const struct http_listener *listener, const struct authz_decision *decision,
	bool has_token, struct http_answer *out);

/* The answer without a question: `status` and `reason` (static) of a refusal. */
void http_answer_refuse(const struct http_listener *listener, int status, const char *reason,
	bool has_token, struct http_answer *out);

/* The answer to a preflight request that passes. */
void http_answer_pass(const struct http_listener *listener, struct http_answer *out);

/* The answer to a request that is not one for a decision: problem details, in no family's way. */
void http_answer_problem(int status, const char *reason, struct http_answer *out);
