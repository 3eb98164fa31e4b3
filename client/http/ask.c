/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/ask.h"

#include <poll.h>
#include <stdlib.h>

static void on_ready(uv_poll_t *poll, int status, int events);

/* Watches for room to send in only after authz_process could not send all: what is queued before is
 * sent before the loop waits. libuv makes two system calls for each change. */
static void watch_room(struct http_channel *channel)
{
	bool wanted = channel->poll != NULL && (authz_events(channel->authz) & POLLOUT) != 0;

	if (wanted != channel->watches_room) {
		channel->watches_room = wanted;
		if (channel->poll != NULL) {
			uv_poll_start(
				channel->poll, UV_READABLE | (wanted ? UV_WRITABLE : 0), on_ready);
		}
	}
}

/* Errors reach each question's callback. */
static void process(struct http_channel *channel)
{
	channel->queued = false;
	(void)authz_process(channel->authz);
	watch_room(channel);
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

	for (size_t i = 0; i < ask->count; i++) {
		if (ask->channels[i].queued) {
			process(&ask->channels[i]);
		}
	}
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void stop_poll(struct http_channel *channel)
{
	if (channel->poll != NULL) {
		uv_poll_stop(channel->poll);
		uv_close((uv_handle_t *)channel->poll, on_closed);
		channel->poll = NULL;
	}
	channel->watches_room = false;
}

/* Without memory for a watch the questions end at their deadlines, by the timer. */
static void on_watch(void *data, int fd, short events)
{
	struct http_channel *channel = data;

	if (events == 0) {
		stop_poll(channel);
		return;
	}
	if (channel->poll == NULL) {
		channel->poll = calloc(1, sizeof *channel->poll);
		if (channel->poll == NULL ||
			uv_poll_init(channel->ask->loop, channel->poll, fd) < 0) {
			free(channel->poll);
			channel->poll = NULL;
			return;
		}
		channel->poll->data = channel;
		uv_poll_start(channel->poll, UV_READABLE, on_ready);
	}
}

static void on_timer(void *data, int timeout_ms)
{
	struct http_channel *channel = data;

	if (timeout_ms < 0) {
		uv_timer_stop(&channel->timer);
	} else {
		uv_update_time(channel->ask->loop);
		uv_timer_start(&channel->timer, on_due, (uint64_t)timeout_ms, 0);
	}
}

static int open_channel(
	struct http_channel *channel, struct http_ask *ask, const struct authz_options *options)
{
	int r = authz_create(options, &channel->authz);

	if (r < 0) {
		return r;
	}
	channel->ask = ask;
	uv_timer_init(ask->loop, &channel->timer);
	channel->timer.data = channel;
	ask->count++;
	return authz_watch(channel->authz, on_watch, on_timer, channel);
}

int http_ask_open(
	struct http_ask *ask, uv_loop_t *loop, const struct http_config *config, const char *socket)
{
	size_t count = (config->connections + AUTHZ_MAX_REQUESTS - 1) / AUTHZ_MAX_REQUESTS;
	struct authz_options options = {
		.socket = socket,
		.timeout_ms = (int)config->timeout_ms,
		.server_uid = config->has_server ? config->server : 0,
	};
	int r = 0;

	*ask = (struct http_ask){ .loop = loop, .timeout_ms = (int)config->timeout_ms };
	uv_prepare_init(loop, &ask->prepare);
	ask->prepare.data = ask;
	uv_prepare_start(&ask->prepare, on_prepare);
	while (r == 0 && ask->count < count) {
		r = open_channel(&ask->channels[ask->count], ask, &options);
	}
	return r;
}

const char *http_ask_socket(const struct http_ask *ask)
{
	return authz_socket(ask->channels[0].authz);
}

/* Is this channel full, so that the next one is to be tried? */
static bool is_full(int error)
{
	return error == AUTHZ_ELIMIT || error == AUTHZ_EBUSY;
}

static int started(struct http_channel *channel, int r, struct http_asked *out)
{
	if (r == AUTHZ_OK) {
		channel->queued = true;
		*out = (struct http_asked){ channel, authz_started(channel->authz) };
	}
	return r;
}

int http_ask_check(struct http_ask *ask, const struct authz_request *request,
	authz_on_decision on_decision, void *data, struct http_asked *out)
{
	int r = AUTHZ_ELIMIT;

	for (size_t i = 0; i < ask->count && is_full(r); i++) {
		struct http_channel *channel = &ask->channels[i];

		r = started(channel, authz_check_start(channel->authz, request, on_decision, data),
			out);
	}
	return r;
}

int http_ask_call(struct http_ask *ask, const struct http_call *call, authz_on_reply on_reply,
	void *data, struct http_asked *out)
{
	int r = AUTHZ_ELIMIT;

	for (size_t i = 0; i < ask->count && is_full(r); i++) {
		struct http_channel *channel = &ask->channels[i];

		/* A question keeps the time that it was begun with. */
		authz_set_timeout(channel->authz,
			call->timeout_ms > 0 ? (int)call->timeout_ms : ask->timeout_ms);
		r = started(channel,
			authz_call_start(channel->authz, call->method, call->params, call->len,
				on_reply, data),
			out);
		authz_set_timeout(channel->authz, ask->timeout_ms);
	}
	return r;
}

bool http_ask_may_repeat(int error, bool *repeated)
{
	bool may = error == AUTHZ_ECLOSED && !*repeated;

	*repeated = *repeated || may;
	return may;
}

void http_ask_cancel(const struct http_asked *asked)
{
	(void)authz_cancel(asked->channel->authz, asked->id);
}

void http_ask_close(struct http_ask *ask)
{
	for (size_t i = 0; i < ask->count; i++) {
		struct http_channel *channel = &ask->channels[i];

		authz_destroy(channel->authz);
		channel->authz = NULL;
		stop_poll(channel);
		uv_close((uv_handle_t *)&channel->timer, NULL);
	}
	uv_close((uv_handle_t *)&ask->prepare, NULL);
}
