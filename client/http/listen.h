/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * listen: the listening sockets. A socket that a supervisor passed (daemon/host/activation) takes
 * the place of one that would be opened at the same path.
 */

#include "client/http/config.h"

struct activation;

/* A listening, non-blocking descriptor, to be closed by the caller; or a negative errno, after a
 * message on standard error. `activation` may be NULL. A dead socket is replaced, one that a
 * process serves is not. */
int http_listen(const struct http_listener *listener, const struct activation *activation);

/* Is it a Unix socket that http_listen made, and no supervisor? */
bool http_listen_is_made(const struct http_listener *listener, const struct activation *activation);

/* Removes the file of a Unix socket that http_listen made. */
void http_listen_remove(const struct http_listener *listener, const struct activation *activation);
