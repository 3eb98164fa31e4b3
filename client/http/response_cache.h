/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * response_cache: the responses without a body that were made last. All allowed requests of one
 * caller get the same one, and making it is a quarter of the work for a request, because
 * libmicrohttpd allocates memory three times for each header. It has the time of day in it, so it
 * is good for a second.
 *
 * There is no secret in such a response. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <microhttpd.h>

#include "client/http/answer.h"

enum {
	HTTP_RESPONSE_CACHE_SIZE = 64,
	HTTP_RESPONSE_CACHE_TEXT = 256, /* bytes of all values; a longer answer is not kept */
};

/* A response that is not to be changed. */
struct http_response_cache_entry {
	struct MHD_Response *response; /* NULL: the entry is empty */
	size_t uses; /* until http_response_cache_leave; it is not replaced before */
	time_t second;
	int status;
	size_t count;                           /* headers, without Date */
	const char *names[HTTP_ANSWER_HEADERS]; /* static */
	size_t text_len;
	char text[HTTP_RESPONSE_CACHE_TEXT];
};

/* A zeroed one is empty. */
struct http_response_cache {
	struct http_response_cache_entry entries[HTTP_RESPONSE_CACHE_SIZE];
};

/* May responses with this answer be kept? */
bool http_response_cache_takes(const struct http_answer *answer);

/* The entry of the answer in this second, or NULL. http_response_cache_leave ends its use. */
struct http_response_cache_entry *http_response_cache_find(
	struct http_response_cache *cache, const struct http_answer *answer, time_t now);

/* Keeps the response made of the answer, to which it adds Date. The result is as that of
 * http_response_cache_find; NULL: it is not kept, and still the caller's. */
struct http_response_cache_entry *http_response_cache_keep(struct http_response_cache *cache,
	const struct http_answer *answer, time_t now, struct MHD_Response *response);

void http_response_cache_leave(struct http_response_cache_entry *entry);

/* No entry is used any more. */
void http_response_cache_finish(struct http_response_cache *cache);
