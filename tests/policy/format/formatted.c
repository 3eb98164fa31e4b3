/* SPDX-License-Identifier: Apache-2.0 */
#include "formatted.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ast_text.h"
#include "policy/format/format.h"

char *formatted(struct pol_str file)
{
	struct pol_source source = { POL_STR_INIT("a.policy"), file };
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_str out;
	char *text = NULL;

	pol_arena_init(&arena, POL_FORMAT_MEMORY);
	pol_diags_init(&diags, &source, 1);
	if (pol_format(&diags, &arena, &out) == POL_OK) {
		text = malloc(out.len + 1);
		cr_assert_not_null(text);
		memcpy(text, out.ptr, out.len);
		text[out.len] = '\0';
	} else {
		cr_assert_gt(diags.errors, 0);
	}
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	return text;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

char *formatted_well(const char *name, struct pol_str file)
{
	char *before = ast_text(file), *comments = ast_comments(file);
	char *text = formatted(file);
	char *after, *kept, *again;

	cr_assert_not_null(before, "%s: does not parse:\n%.*s", name, POL_STR_ARGS(file));
	cr_assert_not_null(text, "%s: cannot be formatted:\n%.*s", name, POL_STR_ARGS(file));
	after = ast_text(pol_str_of(text));
	kept = ast_comments(pol_str_of(text));
	again = formatted(pol_str_of(text));
	cr_assert_not_null(after, "%s: formatted, it does not parse:\n%s", name, text);
	cr_assert_str_eq(after, before, "%s: the meaning changed:\n%s\n---\n%s\n---\n%s", name,
		text, before, after);
	cr_assert_str_eq(kept, comments, "%s: comments changed:\n%s", name, text);
	cr_assert_str_eq(again, text, "%s: formatted again it changes:\n%s", name, text);
	for (const char *end = strchr(text, '\n'); end != NULL; end = strchr(end + 1, '\n')) {
		cr_assert(end == text || !is_blank(end[-1]), "%s: spaces end a line", name);
	}
	free(before);
	free(comments);
	free(after);
	free(kept);
	free(again);
	return text;
}

void formatted_becomes(const char *text, const char *expected)
{
	char *got = formatted_well("the text", pol_str_of(text));

	cr_expect_str_eq(got, expected, "got:\n%s---\nexpected:\n%s", got, expected);
	free(got);
}

void formatted_stays(const char *text)
{
	formatted_becomes(text, text);
}
