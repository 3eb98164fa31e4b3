/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * http: one request over HTTP/1.1, made by libcurl, and its answer.
 *
 * No proxy is used, no redirection is followed, and the target is sent as it is given. libcurl is
 * loaded by the first request: linked to, it and the thirty libraries that it needs would make
 * every run of the tool take ten milliseconds longer.
 */

#include <stddef.h>

#include "tools/app.h"

/* An answer has at most this many headers, and a body of this many bytes: authz-http's have fewer,
 * and another server's are not of interest. */
#define HTTP_MAX_HEADERS 64
#define HTTP_MAX_BODY    65536

struct http_header {
	const char *name;
	const char *value;
};

struct http_request {
	const char *host;      /* "127.0.0.1:8080"; the header Host */
	const char *unix_path; /* of the socket that is connected to; NULL: host over TCP */
	const char *method;
	const char *target; /* of the request line */
	const struct http_header *headers;
	size_t header_count;
	int timeout_ms;
};

/* All text is in the run's arena, and ends with a zero byte. */
struct http_answer {
	int status;
	struct http_header headers[HTTP_MAX_HEADERS];
	size_t header_count; /* those after the last one that fits are dropped */
	const char *body;    /* as much of it as HTTP_MAX_BODY */
	size_t body_len;
};

enum http_result {
	HTTP_ANSWERED = 0,
	HTTP_NOT_CONNECTED, /* *out_error is the errno of connect, or 0 */
	HTTP_NO_HOST,       /* the name has no address */
	HTTP_LATE,          /* no whole answer in the time */
	HTTP_NOT_HTTP,      /* the connection ended, or what came is no answer */
	HTTP_NO_LIBRARY,    /* libcurl is not installed, or no memory */
};

/* Asks. Only HTTP_ANSWERED sets *out. */
enum http_result http_ask(struct app *app, const struct http_request *request,
	struct http_answer *out, int *out_error);

/* The value of the first header of this name, in any case; NULL: there is none. */
const char *http_header(const struct http_answer *answer, const char *name);
