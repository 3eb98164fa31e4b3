/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_request: reads the bodies that the page sends. Pure, apart from jansson's memory.
 *
 *     {"method": "keys.list", "params": {…}}      a call
 *     {"ticket": "…"}                             of a one-time link
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/http/console_methods.h"
#include "client/wire.h"

enum {
	HTTP_CONSOLE_MAX_CALL = 128 * 1024, /* bytes of a call */
	HTTP_CONSOLE_MAX_TICKET = 1024,     /* bytes of what has a ticket */
};

/* Who calls, as the daemon gets it: at most one of the two. NULL: the program itself. */
struct http_console_caller {
	struct wire_str token;
	struct wire_str impersonate;
};

/* http_console_finish_call frees it, and wipes what may hold a secret. */
struct http_console_call {
	const struct http_console_method *method; /* NULL: of the program itself */
	json_t *body;                             /* of such a call */
	struct wire_buf params;                   /* packed, of a call of the daemon */
	bool everywhere;                          /* it waits for all hosts */
};

#define HTTP_CONSOLE_NO_MEMORY "no memory is left: try again in a moment"

/* Why a body is refused. */
struct http_console_error {
	const char *code; /* static */
	struct wire_error text;
};

/* Reads a call. False: *err says why. */
bool http_console_read_call(const char *body, size_t len, const struct http_console_caller *caller,
	struct http_console_call *out, struct http_console_error *err);

/* The call of a method without parameters. False: no memory. */
bool http_console_make_call(const char *method, const struct http_console_caller *caller,
	struct http_console_call *out);

/* The name and the parameters of a call that the program answers itself. */
const char *http_console_local_method(const struct http_console_call *call);
const json_t *http_console_local_params(const struct http_console_call *call);

void http_console_finish_call(struct http_console_call *call);

/* Reads {"ticket": TEXT}. A new value, to be freed; NULL: *err says why. */
json_t *http_console_read_ticket(const char *body, size_t len, struct http_console_error *err);
