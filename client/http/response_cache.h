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
	RESPONSE_CACHE_SIZE = 64,
	RESPONSE_CACHE_TEXT = 256, /* bytes of all values; a longer answer is not kept */
};

/* A response that is not to be changed. */
struct response_cache_entry {
	struct MHD_Response *response; /* NULL: the entry is empty */
	size_t uses;                   /* until response_cache_leave; it is not replaced before */
	time_t second;
	int status;
	size_t count;                           /* headers, without Date */
	const char *names[HTTP_ANSWER_HEADERS]; /* static */
	size_t used;
	char text[RESPONSE_CACHE_TEXT];
};

/* A zeroed one is empty. */
struct response_cache {
	struct response_cache_entry entries[RESPONSE_CACHE_SIZE];
};

/* May responses with this answer be kept? */
bool response_cache_takes(const struct http_answer *answer);

/* The entry of the answer in this second, or NULL. response_cache_leave ends its use. */
struct response_cache_entry *response_cache_find(
	struct response_cache *cache, const struct http_answer *answer, time_t now);

/* Keeps the response made of the answer, to which it adds Date. The result is as that of
 * response_cache_find; NULL: it is not kept, and still the caller's. */
struct response_cache_entry *response_cache_keep(struct response_cache *cache,
	const struct http_answer *answer, time_t now, struct MHD_Response *response);

void response_cache_leave(struct response_cache_entry *entry);

/* No entry is used any more. */
void response_cache_finish(struct response_cache *cache);
