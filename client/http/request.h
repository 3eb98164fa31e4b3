/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * request: reads what a web server asks, and makes the question to the daemon. Pure: it knows no
 * socket, no clock and no HTTP library.
 *
 * The web server has the client's request; what authz-http believes of it is what one family of
 * headers says, which the web server sets. Each way to say the same thing twice is refused, because
 * the application could believe the other one.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/authz.h"
#include "client/http/address.h"
#include "client/http/config.h"

enum {
	HTTP_MAX_FIELDS = 256, /* headers of a request; the names of some are looked for */
	HTTP_MAX_TOKEN = 4096, /* bytes of a token: far more than any that the daemon makes */
};

/* A header. Both texts are NUL-terminated; `len` also counts NUL bytes within the value. */
struct http_field {
	const char *name;
	size_t name_len;
	const char *value;
	size_t len;
};

/* A request as it came. */
struct http_head {
	const char *method;
	const char *target; /* raw: as in the request line, with its query */
	const struct http_field *fields;
	size_t count;
};

/* What is to be done with it. */
enum http_outcome {
	HTTP_REFUSE = 0, /* without a question: see status and reason */
	HTTP_ASK,        /* see request */
	HTTP_PASS,       /* a preflight request that the configuration lets pass */
};

/* The texts of `request` are views of the head and of the configuration, or lie in the question,
 * which must not be moved therefore. http_question_wipe ends it, as it may hold a secret. */
struct http_question {
	enum http_outcome outcome;
	int status;         /* of a refusal: 400, 401 or 403 */
	const char *reason; /* the same: static */
	bool has_token;     /* a token came, if not a good one */
	struct authz_request request;
	char ip[HTTP_ADDRESS_TEXT];
	char token[HTTP_MAX_TOKEN + 1];
};

/* Reads a request for a decision. */
void http_request_read(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out);

/* Reads who calls, for the console: out->request has the token, or as `principal` what the header
 * of the listener's `identity` says. False: neither, or both; see status. */
bool http_request_read_caller(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out);

/* Is this its name, in whatever letters? */
bool http_field_is(const struct http_field *field, const char *name);

/* Is the text a token of RFC 9110, section 5.6.2, as methods and headers' names are? */
bool http_request_is_word(const char *text);

/* Is the request well-formed as far as framing goes, and without a body? A refusal otherwise; then
 * the connection is to be closed, because where the next request begins is in doubt. */
bool http_request_is_framed(const struct http_head *head);

/* Is the target this path, with a query or without? */
bool http_request_is_path(const char *target, const char *path);

/* Is the target the prefix of HTTP_ENVOY, alone or with a path after it? */
bool http_request_has_prefix(const char *target, const char *prefix);

/* The tenant of a host, with a port or without; NULL is no host. False: the listener has none. */
bool http_request_find_tenant(
	const struct http_listener *listener, const char *host, const char **out);

/* May this header hold a token? */
bool http_request_is_secret(const struct http_listener *listener, const struct http_field *field);

/* A question that has no token yet, of whatever bytes it was made. */
void http_question_init(struct http_question *question);

void http_question_wipe(struct http_question *question);
