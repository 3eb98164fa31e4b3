/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_guard: may a request reach the console at all? Pure.
 *
 * A browser sends what any page asks it to send. What it adds itself, and no page can change, says
 * whose page it was: Host (another name that was made to lead here is DNS rebinding), Origin, and
 * Sec-Fetch-Site. A request that changes must also have a content type that no form can send.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/http/request.h"

enum http_console_kind {
	HTTP_CONSOLE_PAGE = 0, /* a link may lead here from anywhere */
	HTTP_CONSOLE_READ,     /* by the page alone */
	HTTP_CONSOLE_CHANGE,   /* the same, with a body */
};

/* Why not; all static. */
struct http_console_refusal {
	const char *code; /* as in console_methods.h */
	const char *message;
};

/* NULL: it may. `origins` are where the page is; none: the host that the request names, as http or
 * https, for a listener that no browser reaches but through a web server. */
const struct http_console_refusal *http_console_guard(const struct http_head *head,
	const struct http_origins *origins, enum http_console_kind kind);

/* NULL, or what is wrong with the text of an origin: it must be as a browser sends it. */
const char *http_console_check_origin(const char *text);
