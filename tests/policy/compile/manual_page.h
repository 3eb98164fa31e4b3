/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * manual_page: the words of the manual page authz-policy(5) and of the reference, to compare them
 * with the program's own tables.
 */

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MANUAL    "policy/authz-policy.5.scd"
#define REFERENCE "policy/REFERENCE.md"

#define WORDS 128
#define WORD  64

struct words {
	size_t count;
	char at[WORDS][WORD];
};

static inline char *read_page(const char *path)
{
	static char pages[2][1 << 17];
	char *page = pages[strcmp(path, MANUAL) == 0];
	FILE *file = fopen(path, "rb");
	size_t len;

	cr_assert_not_null(file, "%s: run from the project's root", path);
	len = fread(page, 1, sizeof pages[0] - 1, file);
	cr_assert_lt(len, sizeof pages[0] - 1);
	fclose(file);
	page[len] = '\0';
	return page;
}

/* A copy of what stands between two texts of the page. */
static inline char *part(const char *path, const char *from, const char *to)
{
	const char *begin = strstr(read_page(path), from);
	const char *end;

	cr_assert_not_null(begin, "%s has no '%s'", path, from);
	begin += strlen(from);
	end = strstr(begin, to);
	cr_assert_not_null(end, "%s has no '%s' after '%s'", path, to, from);
	return strndup(begin, (size_t)(end - begin));
}

static inline bool has(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->at[i], word) == 0) {
			return true;
		}
	}
	return false;
}

static inline void add(struct words *words, const char *text, size_t len)
{
	cr_assert_lt(words->count, WORDS);
	cr_assert_lt(len, WORD);
	memcpy(words->at[words->count], text, len);
	words->at[words->count][len] = '\0';
	words->count++;
}

static inline void add_word(struct words *words, const char *word)
{
	add(words, word, strlen(word));
}

static inline void expect_same(
	const struct words *page, const struct words *program, const char *what)
{
	for (size_t i = 0; i < page->count; i++) {
		cr_expect(has(program, page->at[i]),
			"%s: the page has '%s', and the program has not", what, page->at[i]);
	}
	for (size_t i = 0; i < program->count; i++) {
		cr_expect(has(page, program->at[i]),
			"%s: the program has '%s', and the page has not", what, program->at[i]);
	}
	cr_expect_eq(page->count, program->count, "%s: something is there twice", what);
}

/* The words of the text that stand between two marks of this kind: `a`, *a*. */
static inline void add_marked(struct words *words, const char *text, char mark)
{
	const char *at = text;

	while ((at = strchr(at, mark)) != NULL) {
		size_t len = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789_-");

		if (len > 0 && at[1 + len] == mark) {
			add(words, at + 1, len);
			at += len + 1;
		}
		at++;
	}
}

/* The names in `name=` of the text. */
static inline void add_arguments(struct words *words, const char *text)
{
	for (const char *at = strchr(text, '='); at != NULL; at = strchr(at + 1, '=')) {
		const char *begin = at;

		while (begin > text && strchr("abcdefghijklmnopqrstuvwxyz0123456789_", begin[-1])) {
			begin--;
		}
		if (begin < at) {
			add(words, begin, (size_t)(at - begin));
		}
	}
}
