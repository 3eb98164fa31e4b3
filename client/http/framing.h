/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * framing: is the head of a request written in the one way that leaves no doubt where its lines,
 * its names and its body end (RFC 9112)? libmicrohttpd 0.9.75 also accepts lines that end with a
 * bare LF, cuts a value at a NUL, and appends a folded line to the header's name, so that another
 * program could have read another request.
 *
 * libmicrohttpd replaces the separators in the head by NUL and hands out pointers into it. Where
 * these do not lie one after the other as the bytes of a plain head would, something else was
 * there.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/http/request.h"

/* Where libmicrohttpd found the parts of the request line; head->target has the target as it came.
 */
struct http_line {
	const char *method;  /* the first byte of the head */
	const char *target;  /* up to its query */
	const char *version; /* HTTP/1.1 */
	size_t size;         /* bytes of the head, with the empty line */
};

/* False: it is to be refused, and the connection to be closed. */
bool http_framing_is_plain(const struct http_line *line, const struct http_head *head);

/* Does a body in chunks follow? libmicrohttpd also takes chunks whose lines end with a bare LF, and
 * does not show them, so that where the next request begins may be in doubt: the connection is to
 * be closed after the answer. */
bool http_framing_has_chunks(const struct http_head *head);
