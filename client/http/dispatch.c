/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "client/http/console.h"
#include "client/http/memory.h"
#include "client/wire.h"

/* A HEAD is answered as a GET is; libmicrohttpd leaves the body out. */
static bool is_method(const char *method, const char *wanted)
{
	return strcmp(method, wanted) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(wanted, "GET") == 0);
}

/* *out_path: there is one for this path at least. */
static const struct http_route *find_route(const struct http_exchange *exchange, bool *out_path)
{
	const struct http_route *route = exchange->door->routes;

	*out_path = false;
	for (; route->path != NULL; route++) {
		if (http_request_is_path(exchange->target, route->path)) {
			*out_path = true;
			if (is_method(exchange->head.method, route->method)) {
				return route;
			}
		}
	}
	return NULL;
}

static bool is_check(const struct http_exchange *exchange)
{
	const struct http_listener *listener = exchange->door->listener;

	if (exchange->door->check == NULL) {
		return false;
	}
	return listener->family == HTTP_ENVOY
		       ? http_request_has_prefix(exchange->target, listener->prefix)
		       : http_request_is_path(exchange->target, "/check");
}

void http_dispatch_problem(struct http_exchange *exchange, int status, const char *reason)
{
	struct http_answer answer;

	if (http_console_is_target(exchange)) {
		http_console_problem(exchange, status, reason);
		return;
	}
	http_answer_problem(status, reason, &answer);
	http_exchange_answer(exchange, &answer);
}

void http_dispatch_refuse_framing(struct http_exchange *exchange)
{
	struct http_answer answer;

	exchange->close = true;
	if (http_console_is_target(exchange)) {
		http_console_problem(exchange, 400, "malformed_request");
		return;
	}
	http_answer_refuse(exchange->door->listener, 400, "malformed_request", false, &answer);
	http_exchange_answer(exchange, &answer);
}

void http_dispatch_drop_body(struct http_exchange *exchange)
{
	if (exchange->body != NULL) {
		wire_wipe(exchange->body, exchange->body_len);
	}
	free(exchange->body);
	http_memory_give(exchange->body_room);
	exchange->body = NULL;
	exchange->body_len = 0;
	exchange->body_room = 0;
}

static void check(struct http_exchange *exchange)
{
	if (http_request_is_framed(&exchange->head)) {
		exchange->door->check(exchange);
	} else {
		http_dispatch_refuse_framing(exchange);
	}
}

static void take_route(struct http_exchange *exchange)
{
	bool has_path;
	const struct http_route *route = find_route(exchange, &has_path);

	if (route == NULL) {
		http_dispatch_problem(exchange, has_path ? 405 : 404,
			has_path ? "unknown_method" : "unknown_path");
	} else if (exchange->body_too_large) {
		exchange->close = true;
		http_dispatch_problem(exchange, 413, "body_too_large");
	} else if (exchange->no_memory) {
		http_dispatch_problem(exchange, 503, "overloaded");
	} else if (route->max_body == 0 && !http_request_is_framed(&exchange->head)) {
		http_dispatch_refuse_framing(exchange);
	} else {
		route->handle(exchange);
	}
}

void http_dispatch(struct http_exchange *exchange)
{
	exchange->begin = uv_hrtime();
	if (is_check(exchange)) {
		check(exchange);
	} else {
		take_route(exchange);
	}
	http_dispatch_drop_body(exchange);
}

/* The room doubles, so that a body in parts of a byte is not copied for each of them. */
static bool make_room(struct http_exchange *exchange, size_t needed, size_t most)
{
	size_t room = exchange->body_room;
	char *body;

	if (needed <= room) {
		return true;
	}
	room = room > most / 2 ? most : 2 * room;
	room = room < needed ? needed : room;
	if (!http_memory_take(room - exchange->body_room)) {
		return false;
	}
	body = malloc(room);
	if (body == NULL) {
		http_memory_give(room - exchange->body_room);
		return false;
	}
	if (exchange->body_len > 0) {
		memcpy(body, exchange->body, exchange->body_len);
		wire_wipe(exchange->body, exchange->body_len);
	}
	free(exchange->body);
	exchange->body = body;
	exchange->body_room = room;
	return true;
}

void http_dispatch_take_body(struct http_exchange *exchange, const char *part, size_t len)
{
	bool has_path;
	const struct http_route *route = find_route(exchange, &has_path);

	/* The console refuses another user's program whatever its body is. */
	if (is_check(exchange) || route == NULL || route->max_body == 0 ||
		exchange->body_too_large || exchange->no_memory ||
		exchange->own->peer == HTTP_PEER_FOREIGN) {
		return;
	}
	if (len > route->max_body - exchange->body_len) {
		exchange->body_too_large = true;
	} else if (!make_room(exchange, exchange->body_len + len, route->max_body)) {
		exchange->no_memory = true;
	} else {
		memcpy(exchange->body + exchange->body_len, part, len);
		exchange->body_len += len;
	}
}
