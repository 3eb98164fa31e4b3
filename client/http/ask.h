/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ask: the connections to the daemon, on a libuv loop: libauthz handles, on which the questions of
 * all web servers are sent one after the other without waiting for answers. One handle has room for
 * AUTHZ_MAX_REQUESTS; there are as many as there may be connections that ask, and those after the
 * first are used when it is full.
 *
 * The loop's thread. A question is given up with http_ask_cancel, and its callback is not called
 * then. What was asked in one turn of the loop is sent together, before the loop waits.
 */

#include <uv.h>

#include "client/authz.h"
#include "client/http/config.h"

enum { HTTP_MAX_CHANNELS = HTTP_MAX_CONNECTIONS / AUTHZ_MAX_REQUESTS };

/* A handle, and what watches it. */
struct http_channel {
	struct http_ask *ask;
	struct authz *authz;
	uv_poll_t *poll; /* of the present connection; NULL: there is none */
	uv_timer_t timer;
	bool queued;       /* something was asked in this turn */
	bool watches_room; /* to send in: authz_process could not send all */
};

struct http_ask {
	uv_loop_t *loop;
	uv_prepare_t prepare;
	struct http_channel channels[HTTP_MAX_CHANNELS];
	size_t count;
	int timeout_ms; /* of the configuration */
};

/* A question that is outstanding. */
struct http_asked {
	struct http_channel *channel;
	uint64_t id; /* 0: there is none */
};

/* A method of the daemon and its packed parameters; none: an empty map. */
struct http_call {
	const char *method;
	const void *params;
	size_t len;
	unsigned timeout_ms; /* for its answer; 0: as the configuration says */
};

/* `socket` is the daemon's. 0, or a negative AUTHZ_E*. It does not connect. http_ask_close is to be
 * called in any case. */
int http_ask_open(struct http_ask *ask, uv_loop_t *loop, const struct http_config *config,
	const char *socket);

/* The path of the daemon's socket. */
const char *http_ask_socket(const struct http_ask *ask);

/* The callback is called later, unless the function fails with a negative AUTHZ_E*. *out is for
 * http_ask_cancel. */
int http_ask_check(struct http_ask *ask, const struct authz_request *request,
	authz_on_decision on_decision, void *data, struct http_asked *out);
int http_ask_call(struct http_ask *ask, const struct http_call *call, authz_on_reply on_reply,
	void *data, struct http_asked *out);

void http_ask_cancel(const struct http_asked *asked);

/* Does this error mean that the connection ended before the answer, as when the daemon is
 * restarted, and was the question not repeated before? Then it is to be asked once more. What is
 * asked here changes nothing. */
bool http_ask_may_repeat(int error, bool *repeated);

/* Drops what is outstanding and closes the handles, which the loop then frees. */
void http_ask_close(struct http_ask *ask);
