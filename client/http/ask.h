/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ask: the connection to the daemon, on a libuv loop: one libauthz handle, on which the questions
 * of all web servers are sent one after the other without waiting for answers.
 *
 * The loop's thread. A question is given up with http_ask_cancel, and its callback is not called
 * then. What was asked in one turn of the loop is sent together, before the loop waits.
 */

#include <uv.h>

#include "client/authz.h"
#include "client/http/config.h"

struct http_ask {
	uv_loop_t *loop;
	struct authz *authz;
	uv_poll_t *poll; /* of the present connection; NULL: there is none */
	uv_timer_t timer;
	uv_prepare_t prepare;
	bool queued; /* something was asked in this turn */
};

/* 0, or a negative AUTHZ_E*. It does not connect. */
int http_ask_open(struct http_ask *ask, uv_loop_t *loop, const struct http_config *config);

/* The callback is called later, unless the function fails with a negative AUTHZ_E*. *out_id is for
 * http_ask_cancel. */
int http_ask_check(struct http_ask *ask, const struct authz_request *request,
	authz_on_decision on_decision, void *data, uint64_t *out_id);
int http_ask_call(struct http_ask *ask, const char *method, const void *params, size_t len,
	authz_on_reply on_reply, void *data, uint64_t *out_id);

void http_ask_cancel(struct http_ask *ask, uint64_t id);

/* Does this error mean that the connection ended before the answer, as when the daemon is
 * restarted, and was the question not repeated before? Then it is to be asked once more. What is
 * asked here changes nothing. */
bool http_ask_may_repeat(int error, bool *repeated);

/* Drops what is outstanding and closes the handles, which the loop then frees. */
void http_ask_close(struct http_ask *ask);
