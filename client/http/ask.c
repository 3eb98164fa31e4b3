/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/ask.h"

#include <poll.h>
#include <stdlib.h>

/* Errors reach each question's callback. */
static void process(struct http_ask *ask)
{
	ask->queued = false;
	(void)authz_process(ask->authz);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	process(poll->data);
}

static void on_due(uv_timer_t *timer)
{
	process(timer->data);
}

/* Before the loop waits. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct http_ask *ask = prepare->data;

	if (ask->queued) {
		process(ask);
	}
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void stop_poll(struct http_ask *ask)
{
	if (ask->poll != NULL) {
		uv_poll_stop(ask->poll);
		uv_close((uv_handle_t *)ask->poll, on_closed);
		ask->poll = NULL;
	}
}

/* Without memory for a watch the questions end at their deadlines, by the timer. */
static void on_watch(void *data, int fd, short events)
{
	struct http_ask *ask = data;

	if (events == 0) {
		stop_poll(ask);
		return;
	}
	if (ask->poll == NULL) {
		ask->poll = calloc(1, sizeof *ask->poll);
		if (ask->poll == NULL || uv_poll_init(ask->loop, ask->poll, fd) < 0) {
			free(ask->poll);
			ask->poll = NULL;
			return;
		}
		ask->poll->data = ask;
	}
	uv_poll_start(
		ask->poll, UV_READABLE | ((events & POLLOUT) != 0 ? UV_WRITABLE : 0), on_ready);
}

static void on_timer(void *data, int timeout_ms)
{
	struct http_ask *ask = data;

	if (timeout_ms < 0) {
		uv_timer_stop(&ask->timer);
	} else {
		uv_update_time(ask->loop);
		uv_timer_start(&ask->timer, on_due, (uint64_t)timeout_ms, 0);
	}
}

int http_ask_open(struct http_ask *ask, uv_loop_t *loop, const struct http_config *config)
{
	struct authz_options options = {
		.socket = config->authz,
		.timeout_ms = (int)config->timeout_ms,
		.server_uid = config->has_server ? config->server : 0,
	};
	int r;

	*ask = (struct http_ask){ .loop = loop };
	r = authz_create(&options, &ask->authz);
	if (r < 0) {
		return r;
	}
	uv_timer_init(loop, &ask->timer);
	uv_prepare_init(loop, &ask->prepare);
	ask->timer.data = ask;
	ask->prepare.data = ask;
	uv_prepare_start(&ask->prepare, on_prepare);
	return authz_watch(ask->authz, on_watch, on_timer, ask);
}

static int started(struct http_ask *ask, int r, uint64_t *out_id)
{
	if (r == AUTHZ_OK) {
		ask->queued = true;
		*out_id = authz_started(ask->authz);
	}
	return r;
}

int http_ask_check(struct http_ask *ask, const struct authz_request *request,
	authz_on_decision on_decision, void *data, uint64_t *out_id)
{
	return started(ask, authz_check_start(ask->authz, request, on_decision, data), out_id);
}

int http_ask_call(struct http_ask *ask, const char *method, const void *params, size_t len,
	authz_on_reply on_reply, void *data, uint64_t *out_id)
{
	return started(
		ask, authz_call_start(ask->authz, method, params, len, on_reply, data), out_id);
}

bool http_ask_may_repeat(int error, bool *repeated)
{
	bool may = error == AUTHZ_ECLOSED && !*repeated;

	*repeated = *repeated || may;
	return may;
}

void http_ask_cancel(struct http_ask *ask, uint64_t id)
{
	(void)authz_cancel(ask->authz, id);
}

void http_ask_close(struct http_ask *ask)
{
	if (ask->authz == NULL) {
		return;
	}
	authz_destroy(ask->authz);
	ask->authz = NULL;
	stop_poll(ask);
	uv_close((uv_handle_t *)&ask->timer, NULL);
	uv_close((uv_handle_t *)&ask->prepare, NULL);
}
