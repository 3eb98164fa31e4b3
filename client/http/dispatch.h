/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dispatch: which handler a request is for, what of its body is kept until then, and the answers to
 * requests that no handler gets.
 *
 * One thread.
 */

#include "client/http/door.h"

/* Keeps a part of the body, if the route takes one; what is too much is noted for http_dispatch. */
void http_dispatch_take_body(struct http_exchange *exchange, const char *part, size_t len);

/* Wipes and frees it. */
void http_dispatch_drop_body(struct http_exchange *exchange);

/* The request is complete: calls its handler, or answers; and drops the body. */
void http_dispatch(struct http_exchange *exchange);

/* Answers with a problem document (answer.h). */
void http_dispatch_problem(struct http_exchange *exchange, int status, const char *reason);

/* Refuses a request whose end is not sure, and ends the connection. */
void http_dispatch_refuse_framing(struct http_exchange *exchange);
