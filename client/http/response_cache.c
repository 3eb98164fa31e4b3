/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/response_cache.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { DATE_SIZE = 30 }; /* Mon, 30 Nov 2026 20:00:00 GMT */

bool http_response_cache_takes(const struct http_answer *answer)
{
	return answer->body_len == 0 && answer->type == NULL &&
	       answer->used <= HTTP_RESPONSE_CACHE_TEXT;
}

/* FNV-1a, of words. On a collision the response is made again. */
static struct http_response_cache_entry *entry_of(
	struct http_response_cache *cache, const struct http_answer *answer)
{
	uint64_t hash = UINT64_C(14695981039346656037), word;

	for (size_t at = 0; at < answer->used; at += sizeof word) {
		size_t rest = answer->used - at;

		word = 0;
		memcpy(&word, answer->text + at, rest < sizeof word ? rest : sizeof word);
		hash = (hash ^ word) * UINT64_C(1099511628211);
	}
	return &cache->entries[(hash >> 32 ^ hash >> 48) % HTTP_RESPONSE_CACHE_SIZE];
}

static bool is_of(const struct http_response_cache_entry *entry, const struct http_answer *answer)
{
	if (entry->status != answer->status || entry->count != answer->count ||
		entry->text_len != answer->used ||
		memcmp(entry->text, answer->text, answer->used) != 0) {
		return false;
	}
	for (size_t i = 0; i < answer->count; i++) {
		if (entry->names[i] != answer->headers[i].name) {
			return false;
		}
	}
	return true;
}

struct http_response_cache_entry *http_response_cache_find(
	struct http_response_cache *cache, const struct http_answer *answer, time_t now)
{
	struct http_response_cache_entry *entry = entry_of(cache, answer);

	if (entry->response == NULL || entry->second != now || !is_of(entry, answer)) {
		return NULL;
	}
	entry->uses++;
	return entry;
}

/* RFC 9110, section 5.6.7. The program never leaves the locale C. */
static bool add_date(struct MHD_Response *response, time_t now)
{
	char text[DATE_SIZE];
	struct tm tm;

	return gmtime_r(&now, &tm) != NULL &&
	       strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0 &&
	       MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, text) == MHD_YES;
}

struct http_response_cache_entry *http_response_cache_keep(struct http_response_cache *cache,
	const struct http_answer *answer, time_t now, struct MHD_Response *response)
{
	struct http_response_cache_entry *entry = entry_of(cache, answer);

	if (entry->uses > 0 || !add_date(response, now)) {
		return NULL;
	}
	if (entry->response != NULL) {
		MHD_destroy_response(entry->response);
	}
	*entry = (struct http_response_cache_entry){
		.response = response,
		.uses = 1,
		.second = now,
		.status = answer->status,
		.count = answer->count,
		.text_len = answer->used,
	};
	for (size_t i = 0; i < answer->count; i++) {
		entry->names[i] = answer->headers[i].name;
	}
	memcpy(entry->text, answer->text, answer->used);
	return entry;
}

void http_response_cache_leave(struct http_response_cache_entry *entry)
{
	assert(entry->uses > 0);
	entry->uses--;
}

void http_response_cache_finish(struct http_response_cache *cache)
{
	for (size_t i = 0; i < HTTP_RESPONSE_CACHE_SIZE; i++) {
		if (cache->entries[i].response != NULL) {
			MHD_destroy_response(cache->entries[i].response);
			cache->entries[i].response = NULL;
		}
	}
}
