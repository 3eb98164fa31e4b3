/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>

#include "tests/policy/compiled_text.h"

/* More literal children of one node than are searched one by one, and more patterns in one role
 * than are prefetched at a time. */
enum { COLLECTIONS = 40, TEXT = 65536 };

struct text {
	char bytes[TEXT];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->used += (size_t)vsnprintf(
		text->bytes + text->used, sizeof text->bytes - text->used, format, args);
	va_end(args);
	cr_assert_lt(text->used, sizeof text->bytes);
}

static void put_tree(struct text *text)
{
	put(text, "tree api {\n");
	for (int i = 0; i < COLLECTIONS; i++) {
		put(text,
			"\t/c%d { list GET, create POST, /{id} { read GET, /notes { GET }, /Notes "
			"{ PUT } "
			"}, "
			"/files/{path...} { GET, PUT } }\n",
			i);
	}
	put(text, "}\n");
}

/* What stands before the collection's number, and after it. */
static const char *const patterns[][2] = {
	{ "GET on api:/c", "" },
	{ "list on api:/c", "/**" },
	{ "GET on api:/c", "/{id}" },
	{ "read on api:/c", "/*" },
	{ "GET on api:/c", "/{id}/notes" },
	{ "PUT on api:/c", "/{id}/Notes" },
	{ "all on api:/c", "/files/{path...}" },
	{ "GET on api:/c", "/{id}/**" },
	{ "PUT on api:/*/{id}/Notes, api:/c", "/files/**" },
	{ "GET on api:/c", " { /, /{id} { /, /notes } }" },
};

#define PATTERNS (sizeof patterns / sizeof *patterns)

static void put_grant(struct text *text, int collection)
{
	const char *const *pattern = patterns[(size_t)collection % PATTERNS];

	put(text, "\t%s %s%d%s\n", collection % 7 == 3 ? "deny" : "allow", pattern[0], collection,
		pattern[1]);
}

static bool is_same(const struct pol_permset *a, const struct pol_permset *b)
{
	return a->count > 0 && pol_permset_covers(a, b) && pol_permset_covers(b, a);
}

Test(prefetch, a_role_of_many_grants_has_what_roles_of_one_have_together)
{
	struct text *text = calloc(1, sizeof *text);
	struct pol_snapshot *snapshot;

	cr_assert_not_null(text);
	put_tree(text);
	put(text, "role many {\n");
	for (int i = 0; i < COLLECTIONS; i++) {
		put_grant(text, i);
	}
	put(text, "}\nrole whole inherits one0");
	for (int i = 1; i < COLLECTIONS; i++) {
		put(text, ", one%d", i);
	}
	put(text, "\n");
	for (int i = 0; i < COLLECTIONS; i++) {
		put(text, "role one%d {\n", i);
		put_grant(text, i);
		put(text, "}\n");
	}
	snapshot = compiled_text_good(text->bytes);
	cr_expect(is_same(&snapshot->roles[0].allow, &snapshot->roles[1].allow));
	cr_expect(is_same(&snapshot->roles[0].deny, &snapshot->roles[1].deny));
	pol_snapshot_unref(snapshot);
	free(text);
}

Test(prefetch, wrong_patterns_among_many_are_reported_where_they_stand)
{
	struct text *text = calloc(1, sizeof *text);
	struct compiled_text *out = malloc(sizeof *out);
	const char *bytes = text != NULL ? text->bytes : NULL;

	cr_assert(text != NULL && out != NULL);
	put_tree(text);
	put(text, "role many {\n");
	for (int i = 0; i < COLLECTIONS; i++) {
		if (i == 5) {
			put(text, "\tallow GET on api:/c5/{id}/nothing\n");
		} else if (i == 9) {
			put(text, "\tallow GET on other:/c9, api:/c9, api:/c9/{key}\n");
		} else {
			put(text, "\tallow GET on api:/c%d/{id}\n", i);
		}
	}
	put(text, "}\n");
	compiled_text_of(out, &bytes, 1);
	cr_expect_str_eq(out->said,
		"error 49:28 no node 'nothing' is declared here in tree 'api'\n"
		"error 53:15 unknown tree 'other'\n"
		"error 53:43 no '{key}' here: the parameter is declared as '{id}'\n",
		"%s", out->said);
	cr_expect_null(out->snapshot);
	free(out);
	free(text);
}
