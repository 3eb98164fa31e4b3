/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/door.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/http/console.h"
#include "client/http/dispatch.h"
#include "client/http/framing.h"
#include "client/http/memory.h"
#include "client/wire.h"

/* Connections that may wait to be taken, of which libmicrohttpd takes some in each turn. */
enum { WAITING_TURNS = 1024 };

/* --- the loop --------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

/* True: it is to be called again after HTTP_WARM_REST. */
static bool tend(struct http_program *program, uint64_t now)
{
	bool more;

	/* One that is silent is closed after `idle`; what is no whole request after another one
	 * was sent a byte at a time. */
	http_connections_end_slow(
		&program->connections, now, (uint64_t)program->config->idle * 2 * 1000);
	more = http_connections_cool(&program->connections, now);
	if (program->connections.draining && program->connections.first == NULL) {
		program->drained(program);
	}
	return more;
}

/* When libmicrohttpd is to be called again: milliseconds. It says at once as long as a connection
 * is hopeful, for which there is nothing to do before the daemon's answer is there. */
static uint64_t next_run(const struct http_door *door)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(door->daemon, &timeout) != MHD_YES) {
		return UINT64_MAX;
	}
	return timeout == 0 && door->hopeful > 0 && !door->busy ? HTTP_HOPEFUL_PAUSE : timeout;
}

/* Reads and writes what it can, and asks when to be called again. */
static void run(struct http_door *door)
{
	uint64_t timeout;
	bool again;

	door->resumed = false;
	door->busy = false;
	MHD_run(door->daemon);
	if (door->busy) {
		/* The first run made responses, and the second one sends them. */
		door->busy = false;
		MHD_run(door->daemon);
	}
	again = tend(door->program, uv_now(door->timer.loop));
	if (door->resumed) {
		return; /* the timer is due already */
	}
	timeout = next_run(door);
	if (again && timeout > HTTP_WARM_REST) {
		timeout = HTTP_WARM_REST;
	}
	if (timeout < UINT64_MAX) {
		uv_timer_start(&door->timer, on_timer, timeout, 0);
	} else {
		uv_timer_stop(&door->timer);
	}
}

static void on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

/* Lets it run in the next turn of the loop, which does not wait before. */
static void wake(struct http_door *door)
{
	if (!door->resumed) {
		door->resumed = true;
		uv_timer_start(&door->timer, on_timer, 0, 0);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run(poll->data);
}

/* --- the request ------------------------------------------------------------------------------ */

static enum MHD_Result on_field(void *data, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t len)
{
	struct http_exchange *exchange = data;

	(void)kind;
	if (exchange->field_count == HTTP_MAX_FIELDS) {
		exchange->too_many_fields = true;
		return MHD_NO;
	}
	exchange->fields[exchange->field_count++] = (struct http_field){
		.name = name,
		.name_len = name_len,
		.value = value != NULL ? value : "",
		.len = value != NULL ? len : 0,
	};
	return MHD_YES;
}

/* --- the life of an exchange ------------------------------------------------------------------ */

static struct http_exchange *begin_exchange(struct http_door *door)
{
	struct http_exchange *exchange = door->spare;

	if (exchange != NULL) {
		door->spare = exchange->next;
		door->spare_count--;
	} else {
		exchange = malloc(sizeof *exchange);
	}
	if (exchange != NULL) {
		memset(exchange, 0, offsetof(struct http_exchange, fields));
		http_question_init(&exchange->question);
		exchange->door = door;
	}
	return exchange;
}

/* Nothing of the request is in it any more. */
static void end_exchange(struct http_exchange *exchange)
{
	struct http_door *door = exchange->door;

	if (door->spare_count == HTTP_SPARE) {
		free(exchange);
		return;
	}
	exchange->next = door->spare;
	door->spare = exchange;
	door->spare_count++;
}

static void free_spare(struct http_door *door)
{
	while (door->spare != NULL) {
		struct http_exchange *exchange = door->spare;

		door->spare = exchange->next;
		free(exchange);
	}
	door->spare_count = 0;
}

/* The first call for a request: the raw target, before libmicrohttpd decodes a copy of it. What is
 * returned is the exchange; NULL ends the connection. */
static void *on_target(void *data, const char *target, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_connection *own = info != NULL ? info->socket_context : NULL;
	struct http_exchange *exchange = own != NULL ? begin_exchange(data) : NULL;

	if (exchange == NULL) {
		return NULL;
	}
	exchange->connection = connection;
	exchange->own = own;
	exchange->target = strdup(target);
	if (exchange->target == NULL) {
		end_exchange(exchange);
		return NULL;
	}
	own->asks = true;
	return exchange;
}

/* The daemon's answer may be there in a moment. */
static void hope(struct http_exchange *exchange)
{
	exchange->hopeful = true;
	exchange->door->hopeful++;
}

static void end_hope(struct http_exchange *exchange)
{
	if (exchange->hopeful) {
		exchange->hopeful = false;
		exchange->door->hopeful--;
	}
}

static void suspend(struct http_exchange *exchange)
{
	struct http_door *door = exchange->door;

	end_hope(exchange);
	exchange->suspended = true;
	exchange->next = door->waiting;
	exchange->link = &door->waiting;
	if (door->waiting != NULL) {
		door->waiting->link = &exchange->next;
	}
	door->waiting = exchange;
	MHD_suspend_connection(exchange->connection);
}

static void resume(struct http_exchange *exchange)
{
	exchange->suspended = false;
	*exchange->link = exchange->next;
	if (exchange->next != NULL) {
		exchange->next->link = exchange->link;
	}
	MHD_resume_connection(exchange->connection);
}

static enum MHD_Result send_answer(struct http_exchange *exchange)
{
	enum MHD_Result sent;

	if (exchange->response == NULL) {
		return MHD_NO; /* without memory the connection ends, which denies */
	}
	sent = MHD_queue_response(
		exchange->connection, (unsigned)exchange->status, exchange->response);
	http_exchange_drop_response(exchange);
	exchange->phase = HTTP_SENT;
	exchange->door->busy = true;
	return sent;
}

/* The head is there. An answer here closes the connection, so that only what ends it is refused
 * here: whose body would have no sure end. */
static enum MHD_Result take_head(struct http_exchange *exchange, const struct http_line *line)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct http_line whole = *line;

	http_connection_has_head(exchange->own, line->method);
	exchange->head.method = line->method;
	MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, on_field, exchange);
	exchange->head.fields = exchange->fields;
	exchange->head.count = exchange->field_count;
	exchange->head.target = exchange->target;
	whole.size = info != NULL ? info->header_size : 0;
	if (exchange->too_many_fields) {
		exchange->close = true;
		http_dispatch_problem(exchange, 431, "too_many_headers");
	} else if (!http_framing_is_plain(&whole, &exchange->head)) {
		http_dispatch_refuse_framing(exchange);
	} else {
		exchange->close = http_framing_has_chunks(&exchange->head);
		return MHD_YES;
	}
	return send_answer(exchange);
}

/* Called once when the headers are there, then for each part of the body, then at the end, and
 * again until an answer was made, unless the connection is suspended. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context)
{
	struct http_exchange *exchange = *context;

	(void)data;
	(void)connection;
	if (exchange == NULL) {
		return MHD_NO;
	}
	if (exchange->head.method == NULL) {
		const struct http_line line = { method, url, version, 0 };

		return take_head(exchange, &line);
	}
	if (*upload_size > 0) {
		http_dispatch_take_body(exchange, upload, *upload_size);
		exchange->door->busy = true;
		*upload_size = 0;
		return MHD_YES;
	}
	if (exchange->phase == HTTP_READING) {
		exchange->phase = HTTP_WAITING;
		exchange->own->whole = true;
		http_dispatch(exchange);
		if (exchange->phase == HTTP_WAITING) {
			hope(exchange);
		}
	} else if (exchange->hopeful && ++exchange->turns == HTTP_HOPEFUL_TURNS) {
		suspend(exchange);
	}
	return exchange->phase == HTTP_ANSWERED ? send_answer(exchange) : MHD_YES;
}

/* libmicrohttpd keeps the headers in the connection's memory, where the next request would find
 * them. They are its bytes, which it gives as constant. */
static void wipe_fields(struct http_exchange *exchange)
{
	for (size_t i = 0; i < exchange->field_count; i++) {
		const struct http_field *field = &exchange->fields[i];

		if (http_request_is_secret(exchange->door->listener, field)) {
			wire_wipe((void *)(uintptr_t)field->value, field->len);
		}
	}
}

static enum MHD_Result on_cookie(void *data, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t len)
{
	(void)data;
	(void)kind;
	(void)name;
	(void)name_len;
	if (value != NULL) {
		wire_wipe((void *)(uintptr_t)value, len);
	}
	return MHD_YES;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct http_exchange *exchange = *context;

	(void)data;
	(void)code;
	if (exchange == NULL) {
		return;
	}
	end_hope(exchange);
	if (exchange->asked.id != 0) {
		http_ask_cancel(&exchange->asked);
		exchange->door->program->metrics.in_flight--;
	}
	if (exchange->finish != NULL) {
		exchange->finish(exchange->state);
	}
	http_exchange_drop_response(exchange);
	wipe_fields(exchange);
	MHD_get_connection_values_n(connection, MHD_COOKIE_KIND, on_cookie, NULL);
	http_question_wipe(&exchange->question);
	http_dispatch_drop_body(exchange);
	http_memory_give(exchange->counted + exchange->reserved);
	wire_wipe(exchange->target, strlen(exchange->target)); /* its query is anything */
	free(exchange->target);
	http_connection_rests(&exchange->door->program->connections, exchange->own,
		uv_now(exchange->door->timer.loop));
	end_exchange(exchange);
	*context = NULL;
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http_door *door = data;
	struct http_program *program = door->program;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		program->metrics.connections++;
		*context = http_connection_begin(
			&program->connections, connection, uv_now(door->timer.loop));
		if (door->console != NULL && *context != NULL) {
			http_console_begin_connection(door->console, *context);
		}
	} else {
		if (door->console != NULL && *context != NULL) {
			http_console_end_connection(door->console, *context);
		}
		program->metrics.connections--;
		http_connection_end(&program->connections, *context);
		*context = NULL;
	}
}

/* --- answers ---------------------------------------------------------------------------------- */

void http_exchange_answered(struct http_exchange *exchange)
{
	exchange->phase = HTTP_ANSWERED;
	exchange->close = exchange->close || exchange->door->program->connections.draining;
	if (exchange->close && exchange->response != NULL) {
		MHD_add_response_header(exchange->response, "Connection", "close");
	}
	if (exchange->suspended || exchange->hopeful) {
		wake(exchange->door);
	}
	end_hope(exchange);
	if (exchange->suspended) {
		resume(exchange);
	}
}

/* --- the door --------------------------------------------------------------------------------- */

static size_t keep_raw(void *data, struct MHD_Connection *connection, char *text)
{
	(void)data;
	(void)connection;
	return strlen(text);
}

int http_door_open(struct http_door *door, uv_loop_t *loop, int fd, unsigned connections)
{
	const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	const union MHD_DaemonInfo *info;
	int r;

	door->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, door,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT, connections,
		MHD_OPTION_CONNECTION_TIMEOUT, door->program->config->idle,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, keep_raw, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, door, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, door,
		MHD_OPTION_END);
	if (door->daemon == NULL) {
		return -ENOMEM;
	}
	info = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	r = info != NULL ? uv_poll_init(loop, &door->poll, info->epoll_fd) : -EINVAL;
	if (r < 0) {
		MHD_stop_daemon(door->daemon);
		return r;
	}
	uv_timer_init(loop, &door->timer);
	door->poll.data = door;
	door->timer.data = door;
	door->open = true;
	door->listens = true;
	return uv_poll_start(&door->poll, UV_READABLE, on_poll);
}

void http_door_stop_listening(struct http_door *door, bool has_successor)
{
	bool more = !has_successor;

	if (!door->listens) {
		return;
	}
	door->listens = false;
	for (unsigned i = 0; i < WAITING_TURNS && more; i++) {
		uint64_t begun = door->program->connections.begun;

		MHD_run(door->daemon);
		more = door->program->connections.begun > begun;
	}
	close(MHD_quiesce_daemon(door->daemon));
}

void http_door_drain(struct http_door *doors, size_t count)
{
	http_connections_drain(&doors->program->connections);
	for (size_t i = 0; i < count; i++) {
		wake(&doors[i]);
	}
}

void http_door_close(struct http_door *door)
{
	if (!door->open) {
		return;
	}
	door->open = false;
	uv_close((uv_handle_t *)&door->poll, NULL);
	uv_close((uv_handle_t *)&door->timer, NULL);
	/* libmicrohttpd aborts the program if a connection is suspended then. */
	while (door->waiting != NULL) {
		resume(door->waiting);
	}
	MHD_stop_daemon(door->daemon);
	free_spare(door);
}
