/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * http_test: a request as a web server makes it, without a socket.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "client/http/request.h"

#define FIELD_OF(name, value, len)                                                                 \
	{                                                                                          \
		(name), sizeof(name) - 1, (value), (len)                                           \
	}

/* A text with its NUL bytes as a header's value. */
#define FIELD(name, value) FIELD_OF(name, value, sizeof(value) - 1)

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* What is made of a request for a decision with these headers. Static; good until the next call. */
static inline const struct http_question *read_request(const struct http_listener *listener,
	const char *target, const struct http_field *fields, size_t count)
{
	static struct http_question question;
	struct http_head head = {
		.method = "GET", .target = target, .fields = fields, .count = count
	};

	memset(&question, 0x5a, sizeof question);
	http_request_read(listener, &head, &question);
	return &question;
}

/* The same of what nginx asks: GET /loans with one more header, or two. */
static inline const struct http_question *read_nginx(
	const struct http_listener *listener, const struct http_field *more, size_t count)
{
	struct http_field fields[8] = { FIELD("X-Original-Method", "GET"),
		FIELD("X-Original-URI", "/loans") };

	cr_assert_leq(count, LENGTH(fields) - 2);
	if (count > 0) {
		memcpy(fields + 2, more, count * sizeof *more);
	}
	return read_request(listener, "/check", fields, count + 2);
}

/* Fails unless it is refused so. */
static inline void expect_refused(
	const struct http_question *question, int status, const char *reason)
{
	cr_assert_eq(question->outcome, HTTP_REFUSE, "not refused; expected %s", reason);
	cr_expect_str_eq(question->reason, reason);
	cr_expect_eq(question->status, status, "%d %s", question->status, reason);
}
