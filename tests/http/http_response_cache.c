/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "client/http/response_cache.h"

enum { NOW = 784111777 };

static const struct http_listener nginx = { .family = HTTP_NGINX, .realm = "authz" };

static void allow(const char *principal, struct http_answer *out)
{
	struct authz_decision decision = { .verdict = AUTHZ_ALLOW, .status = 200, .reason = "ok" };

	cr_assert_lt(strlen(principal), sizeof decision.principal);
	strcpy(decision.principal, principal);
	http_answer_decide(&nginx, &decision, true, out);
}

static struct MHD_Response *make(void)
{
	static char none[1];

	return MHD_create_response_from_buffer(0, none, MHD_RESPMEM_PERSISTENT);
}

/* Keeps a response with this answer. Its first use is ended. */
static struct MHD_Response *keep(
	struct http_response_cache *cache, const struct http_answer *answer, time_t now)
{
	struct http_response_cache_entry *entry =
		http_response_cache_keep(cache, answer, now, make());

	cr_assert_not_null(entry);
	http_response_cache_leave(entry);
	return entry->response;
}

/* What is found; its use is ended. NULL: nothing. */
static struct MHD_Response *find(
	struct http_response_cache *cache, const struct http_answer *answer, time_t now)
{
	struct http_response_cache_entry *entry = http_response_cache_find(cache, answer, now);

	if (entry == NULL) {
		return NULL;
	}
	http_response_cache_leave(entry);
	return entry->response;
}

Test(http_response_cache, the_same_answer_finds_the_response_within_its_second)
{
	struct http_response_cache cache = { 0 };
	struct MHD_Response *response;
	struct http_answer answer, again;

	allow("ann", &answer);
	allow("ann", &again);
	cr_expect_null(find(&cache, &answer, NOW));
	response = keep(&cache, &answer, NOW);
	cr_expect_eq(find(&cache, &again, NOW), response);
	cr_expect_null(find(&cache, &again, NOW + 1));
	cr_expect_null(find(&cache, &again, NOW - 1), "the clock was set back");
	http_response_cache_finish(&cache);
	cr_expect_null(find(&cache, &answer, NOW));
}

Test(http_response_cache, the_response_has_the_date_of_its_second)
{
	struct http_response_cache cache = { 0 };
	struct http_answer answer;

	allow("ann", &answer);
	cr_expect_str_eq(MHD_get_response_header(keep(&cache, &answer, NOW), "Date"),
		"Sun, 06 Nov 1994 08:49:37 GMT");
	http_response_cache_finish(&cache);
}

/* Puts copies of the entry in all places, and ends its use. */
static void fill(struct http_response_cache *cache, struct http_response_cache_entry *entry)
{
	struct http_response_cache_entry copy;

	cr_assert_not_null(entry);
	http_response_cache_leave(entry);
	copy = *entry;
	for (size_t i = 0; i < HTTP_RESPONSE_CACHE_SIZE; i++) {
		cache->entries[i] = copy;
	}
}

/* With the same place for all of them, any part that differs is enough for another answer. */
Test(http_response_cache, another_answer_does_not_find_it)
{
	struct http_response_cache cache = { 0 };
	struct http_answer kept, other;

	allow("ann", &kept);
	keep(&cache, &kept, NOW);
	fill(&cache, http_response_cache_find(&cache, &kept, NOW));
	cr_expect_not_null(find(&cache, &kept, NOW));
	allow("anm", &other);
	cr_expect_null(find(&cache, &other, NOW), "another name");
	allow("anna", &other);
	cr_expect_null(find(&cache, &other, NOW), "a longer name");
	allow("ann", &other);
	other.status = 200;
	cr_expect_null(find(&cache, &other, NOW), "another status");
	allow("ann", &other);
	other.count--;
	cr_expect_null(find(&cache, &other, NOW), "a header less");
	allow("ann", &other);
	other.headers[2].name = "X-Authz-Key";
	cr_expect_null(find(&cache, &other, NOW), "a value under another name");
	for (size_t i = 1; i < HTTP_RESPONSE_CACHE_SIZE; i++) {
		cache.entries[i].response = NULL;
	}
	http_response_cache_finish(&cache);
}

Test(http_response_cache, a_response_in_use_is_not_replaced)
{
	struct http_response_cache cache = { 0 };
	struct http_response_cache_entry *entry;
	struct MHD_Response *later = make();
	struct http_answer answer;

	allow("ann", &answer);
	entry = http_response_cache_keep(&cache, &answer, NOW, make());
	cr_assert_not_null(entry);
	cr_expect_null(http_response_cache_keep(&cache, &answer, NOW + 1, later));
	http_response_cache_leave(entry);
	cr_expect_eq(http_response_cache_keep(&cache, &answer, NOW + 1, later), entry);
	cr_expect_eq(entry->response, later);
	http_response_cache_leave(entry);
	http_response_cache_finish(&cache);
}

Test(http_response_cache, denials_and_long_answers_are_not_kept)
{
	const struct authz_decision denied = { .status = 403, .reason = "no_grant" };
	char name[HTTP_RESPONSE_CACHE_TEXT];
	struct http_answer answer;

	allow("ann", &answer);
	cr_expect(http_response_cache_takes(&answer));
	http_answer_decide(&nginx, &denied, true, &answer);
	cr_expect_not(http_response_cache_takes(&answer));
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	allow(name, &answer);
	cr_expect_not(http_response_cache_takes(&answer));
}
