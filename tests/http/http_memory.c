/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "client/http/authzen.h"
#include "client/http/memory.h"

enum { TEXT = 250 * 1000 };

/* The number of bytes that are counted at present. */
static size_t count(void)
{
	size_t low = 0, high = HTTP_MEMORY + 1;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (http_memory_has(middle)) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return HTTP_MEMORY - low;
}

/* A text that begins and ends with these, and is filled by parts, in which # becomes a number. */
static char *fill(const char *begin, const char *part, const char *end)
{
	char *text = malloc(TEXT + 64);
	size_t len = strlen(begin);

	memcpy(text, begin, len);
	for (unsigned i = 0; len < TEXT; i++) {
		for (const char *at = part; *at != '\0'; at++) {
			if (*at == '#') {
				len += (size_t)snprintf(text + len, 16, "%x", i);
			} else {
				text[len++] = *at;
			}
		}
	}
	strcpy(text + len, end);
	return text;
}

Test(http_memory, values_take_no_more_than_their_text_allows)
{
	static const char *const texts[][3] = {
		{ "[[]", ",[]", "]" },
		{ "[{}", ",{}", "]" },
		{ "[0", ",0", "]" },
		{ "[\"\"", ",\"\"", "]" },
		{ "[{\"a\":{}}", ",{\"a\":{}}", "]" },
		{ "{\"\":0", ",\"#\":0", "}" },
		{ "{\"\":{}", ",\"#\":{}", "}" },
		{ "\"", "\\n", "\"" },
	};

	http_memory_init();
	cr_assert_eq(count(), 0);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char *text = fill(texts[i][0], texts[i][1], texts[i][2]);
		json_t *value = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

		cr_assert_not_null(value, "%.40s", text);
		cr_expect_leq(count(), strlen(text) * HTTP_MEMORY_VALUES, "%.20s: %zu", text,
			count() / strlen(text));
		json_decref(value);
		cr_expect_eq(count(), 0, "%.20s", text);
		free(text);
	}
}

Test(http_memory, what_goes_beyond_the_bound_is_refused_and_not_counted)
{
	cr_expect(http_memory_take(HTTP_MEMORY - 1));
	cr_expect_not(http_memory_take(2));
	cr_expect_eq(count(), HTTP_MEMORY - 1);
	cr_expect(http_memory_take(1));
	cr_expect_not(http_memory_has(1));
	http_memory_give(HTTP_MEMORY);
	cr_expect_eq(count(), 0);
}

Test(http_memory, what_is_freed_is_wiped)
{
	json_malloc_t allocate;
	json_free_t free_it;
	char *text;

	http_memory_init();
	json_get_alloc_funcs(&allocate, &free_it);
	text = allocate(64);
	memset(text, 's', 64);
	free_it(text);
	free_it(NULL);
	text = allocate(64);
	for (size_t i = 16; i < 64; i++) { /* the allocator's own links are before */
		cr_expect_neq(text[i], 's');
	}
	free_it(text);
}

Test(http_memory, the_answer_to_a_batch_takes_no_more_than_is_reserved_for_it)
{
	const struct authzen_scope scope = { 0 };
	char body[8 * 1024] =
		"{\"subject\":{\"type\":\"ship\",\"id\":\"x\"},\"action\":{\"name\":\"a\"},"
		"\"resource\":{\"type\":\"r\",\"id\":\"1\"},\"evaluations\":[{}";
	size_t len = strlen(body), reserved;
	struct authzen_call call;
	struct authzen *authzen;

	for (unsigned i = 1; i < AUTHZEN_MAX_EVALUATIONS; i++) {
		const char *element = i % 2 == 0 ? ",{}" : ",7";

		memcpy(body + len, element, strlen(element));
		len += strlen(element);
	}
	memcpy(body + len, "]}", 2);
	len += 2;
	http_memory_init();
	reserved = authzen_answer_memory(AUTHZEN_EVALUATIONS, len);
	cr_assert_eq(authzen_begin(AUTHZEN_EVALUATIONS, &scope, body, len, &authzen), 0);
	cr_assert_not(authzen_next(authzen, &call));
	cr_assert_eq(authzen_answer(authzen).status, 200);
	cr_expect_leq(count(), reserved + len * HTTP_MEMORY_VALUES, "%zu of %zu and %zu", count(),
		reserved, len * HTTP_MEMORY_VALUES);
	cr_expect_gt(count(), reserved / 2);
	authzen_destroy(authzen);
	cr_expect_eq(count(), 0);
}
