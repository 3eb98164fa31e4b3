/* SPDX-License-Identifier: Apache-2.0 */
/* reply: makes the response of an exchange. */
#include <stdint.h>
#include <stdlib.h>

#include "client/http/console.h"
#include "client/http/door.h"

static struct MHD_Response *make_response(
	const void *body, size_t len, enum MHD_ResponseMemoryMode mode)
{
	/* libmicrohttpd takes the bytes as not constant, and changes nothing. */
	return MHD_create_response_from_buffer(len, (void *)(uintptr_t)(len > 0 ? body : ""), mode);
}

/* libmicrohttpd takes no empty value, and a space before it is no part of a value. */
static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value[0] != '\0' ? value : " ") == MHD_YES;
}

static bool add_headers(struct MHD_Response *response, const char *const *headers)
{
	bool good = true;

	for (; headers != NULL && *headers != NULL && good; headers += 2) {
		good = add_header(response, headers[0], headers[1]);
	}
	return good;
}

/* What keeps other pages out, of each answer of the console. */
static bool add_console_headers(const struct http_exchange *exchange)
{
	struct MHD_Response *response = exchange->response;
	const char *name = "Content-Security-Policy";

	if (!http_console_is_target(exchange)) {
		return true;
	}
	return add_headers(response, http_console_headers()) &&
	       (MHD_get_response_header(response, name) != NULL ||
		       add_header(response, name, HTTP_CONSOLE_POLICY));
}

void http_exchange_drop_response(struct http_exchange *exchange)
{
	if (exchange->shared != NULL) {
		http_response_cache_leave(exchange->shared);
		exchange->shared = NULL;
	} else if (exchange->response != NULL) {
		MHD_destroy_response(exchange->response);
	}
	exchange->response = NULL;
}

/* An answer without one of its headers says less than it must: there is none then, and the
 * connection ends. */
static void make_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	bool good = true;

	exchange->response = make_response(answer->body, answer->body_len, MHD_RESPMEM_MUST_COPY);
	if (exchange->response == NULL) {
		return;
	}
	for (size_t i = 0; i < answer->count && good; i++) {
		good = add_header(
			exchange->response, answer->headers[i].name, answer->headers[i].value);
	}
	if (good && answer->type != NULL) {
		good = add_header(exchange->response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	}
	if (!good) {
		http_exchange_drop_response(exchange);
	}
}

/* One that closes its connection has a header more. */
static bool may_share(const struct http_exchange *exchange, const struct http_answer *answer)
{
	return !exchange->close && !exchange->door->program->connections.draining &&
	       http_response_cache_takes(answer);
}

static void share_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	struct http_response_cache *cache = &exchange->door->program->responses;
	time_t now = time(NULL);

	exchange->shared = http_response_cache_find(cache, answer, now);
	if (exchange->shared == NULL) {
		make_answer(exchange, answer);
		if (exchange->response != NULL) {
			exchange->shared =
				http_response_cache_keep(cache, answer, now, exchange->response);
		}
	} else {
		exchange->response = exchange->shared->response;
	}
}

void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	exchange->status = answer->status;
	if (may_share(exchange, answer)) {
		share_answer(exchange, answer);
	} else {
		make_answer(exchange, answer);
	}
	http_exchange_answered(exchange);
}

/* Gives the exchange's response its headers, and answers. */
static void reply(struct http_exchange *exchange, const char *type, const char *const *headers)
{
	struct MHD_Response *response = exchange->response;

	if (response != NULL &&
		((type != NULL && !add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type)) ||
			!add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ||
			!add_headers(response, headers) || !add_console_headers(exchange))) {
		http_exchange_drop_response(exchange);
	}
	http_exchange_answered(exchange);
}

void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
	const char *body, size_t len, const char *const *headers)
{
	exchange->status = status;
	exchange->response = make_response(body, len, MHD_RESPMEM_MUST_COPY);
	reply(exchange, type, headers);
}

void http_exchange_show(struct http_exchange *exchange, const char *type, const void *body,
	size_t len, const char *const *headers)
{
	exchange->status = 200;
	exchange->response = make_response(body, len, MHD_RESPMEM_PERSISTENT);
	reply(exchange, type, headers);
}

static void free_body(void *body)
{
	wire_buf_finish(body);
	free(body);
}

void http_exchange_give(struct http_exchange *exchange, int status, const char *type,
	struct wire_buf *body, const char *const *headers)
{
	struct wire_buf *kept = malloc(sizeof *kept);

	exchange->status = status;
	exchange->response = NULL;
	if (kept != NULL && body->status == WIRE_OK) {
		*kept = *body;
		exchange->response = MHD_create_response_from_buffer_with_free_callback_cls(
			kept->len, kept->data, free_body, kept);
	}
	if (exchange->response == NULL) {
		wire_buf_finish(body);
		free(kept);
	}
	*body = (struct wire_buf){ .max = 0 };
	reply(exchange, type, headers);
}
