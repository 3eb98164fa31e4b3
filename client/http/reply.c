/* SPDX-License-Identifier: Apache-2.0 */
/* reply: makes the response of an exchange. */
#include <stdint.h>

#include "client/http/door.h"

static struct MHD_Response *make_response(const char *body, size_t len)
{
	/* It copies the bytes, and takes them as not constant all the same. */
	return MHD_create_response_from_buffer(
		len, (void *)(uintptr_t)(len > 0 ? body : ""), MHD_RESPMEM_MUST_COPY);
}

/* libmicrohttpd takes no empty value, and a space before it is no part of a value. */
static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value[0] != '\0' ? value : " ") == MHD_YES;
}

/* An answer without one of its headers says less than it must: the connection ends instead. */
static void drop(struct http_exchange *exchange)
{
	MHD_destroy_response(exchange->response);
	exchange->response = NULL;
}

void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	bool good = true;

	exchange->status = answer->status;
	exchange->response = make_response(answer->body, answer->body_len);
	if (exchange->response != NULL) {
		for (size_t i = 0; i < answer->count && good; i++) {
			good = add_header(exchange->response, answer->headers[i].name,
				answer->headers[i].value);
		}
		if (good && answer->type != NULL) {
			good = add_header(
				exchange->response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
		}
		if (!good) {
			drop(exchange);
		}
	}
	http_exchange_answered(exchange);
}

void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
	const char *body, size_t len, const char *const *headers)
{
	bool good;

	exchange->status = status;
	exchange->response = make_response(body, len);
	if (exchange->response != NULL) {
		good = add_header(exchange->response, MHD_HTTP_HEADER_CONTENT_TYPE, type) &&
		       add_header(exchange->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		for (; headers != NULL && *headers != NULL && good; headers += 2) {
			good = add_header(exchange->response, headers[0], headers[1]);
		}
		if (!good) {
			drop(exchange);
		}
	}
	http_exchange_answered(exchange);
}
