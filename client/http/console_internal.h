/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_internal: between console.c, which has the routes, console_admit.c, which knows who may,
 * console_call.c, which asks the daemon, and console_answer.c, which answers.
 */

#include "client/http/console.h"
#include "client/http/console_request.h"

#define HTTP_CONSOLE_JSON "application/json"

/* Is the request to be taken? False: it was answered. */
bool http_console_admit(struct http_exchange *exchange, enum http_console_kind kind);

/* Who calls. False: it was answered. */
bool http_console_find_caller(struct http_exchange *exchange, struct http_console_caller *out);

/* The session's secret that the request brings. */
bool http_console_find_session(const struct http_exchange *exchange, struct wire_str *out);

/* Handlers. */
void http_console_on_call(struct http_exchange *exchange);
void http_console_on_session_get(struct http_exchange *exchange);

/* An answer is begun, written, and given; that one counts towards the memory of all requests until
 * it was sent. */
void http_console_begin_answer(struct wire_buf *out);
void http_console_put(struct wire_buf *out, const char *text);
/* `name` is `"name":` with what is before it; NULL as text is null. */
void http_console_put_member(struct wire_buf *out, const char *name, const char *text);
void http_console_give(struct http_exchange *exchange, int status, struct wire_buf *out);

/* "local", one user's, or "team". */
const char *http_console_mode(const struct http_exchange *exchange);

/* Errors. `code` is one of console_methods.h. */
int http_console_status_of(const char *code);
void http_console_refuse(struct http_exchange *exchange, const char *code, const char *message);
void http_console_refuse_memory(struct http_exchange *exchange); /* none is left */
void http_console_answer_error(struct http_exchange *exchange, int status, const char *code,
	const struct wire_error *error);
