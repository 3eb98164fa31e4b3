/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/args.h"

#define MAX_WORDS 12

static const enum flag flags[] = { FLAG_ROLE, FLAG_AT, FLAG_NAME, FLAG_VERBOSE };

struct parsed {
	struct pol_arena arena;
	struct args args;
	int at;
};

static void parse(struct parsed *parsed, bool leading, const char *const *words)
{
	static char copies[MAX_WORDS][64];
	static char *argv[MAX_WORDS + 1];
	int argc = 0;

	memset(&parsed->args, 0, sizeof parsed->args);
	pol_arena_init(&parsed->arena, 1 << 20);
	for (; words[argc] != NULL; argc++) {
		snprintf(copies[argc], sizeof copies[argc], "%s", words[argc]);
		argv[argc] = copies[argc];
	}
	argv[argc] = NULL;
	parsed->at = args_parse(&parsed->args, &parsed->arena, argc, argv, flags,
		sizeof flags / sizeof *flags, leading);
}

#define WORDS(...) ((const char *const[]){ "x", __VA_ARGS__, NULL })

Test(args, options_and_words_come_in_any_order)
{
	struct parsed parsed;

	parse(&parsed, false,
		WORDS("alice", "--name=Alice B", "-v", "viewer", "--json", "--", "--socket"));
	cr_assert_geq(parsed.at, 0, "%s", parsed.args.error);
	cr_expect_eq(parsed.args.word_count, 3);
	cr_expect_str_eq(parsed.args.words[0], "alice");
	cr_expect_str_eq(parsed.args.words[1], "viewer");
	cr_expect_str_eq(parsed.args.words[2], "--socket");
	cr_expect_str_eq(parsed.args.values[FLAG_NAME], "Alice B");
	cr_expect(parsed.args.given[FLAG_VERBOSE]);
	cr_expect(parsed.args.given[FLAG_JSON]);
	cr_expect_not(parsed.args.given[FLAG_SOCKET]);
	pol_arena_finish(&parsed.arena);
}

Test(args, the_leading_ones_end_at_the_first_word)
{
	struct parsed parsed;

	parse(&parsed, true, WORDS("--socket", "s", "key", "--json"));
	cr_expect_eq(parsed.at, 3);
	cr_expect_not(parsed.args.given[FLAG_JSON]);
	pol_arena_finish(&parsed.arena);
}

Test(args, lists_split_at_commas_and_gather_repeats)
{
	struct parsed parsed;

	parse(&parsed, false,
		WORDS("--role", "a,b", "--role", "c", "--at", "api:/a,b", "--at", "api:/c"));
	cr_assert_geq(parsed.at, 0, "%s", parsed.args.error);
	cr_expect_eq(parsed.args.lists[FLAG_ROLE].count, 3);
	cr_expect(pol_str_equal(parsed.args.lists[FLAG_ROLE].items[2], POL_STR("c")));
	cr_expect_eq(parsed.args.lists[FLAG_AT].count, 2);
	cr_expect(pol_str_equal(parsed.args.lists[FLAG_AT].items[0], POL_STR("api:/a,b")));
	pol_arena_finish(&parsed.arena);
}

struct mistake {
	const char *words[4];
	const char *error;
};

static const struct mistake mistakes[] = {
	{ { "x", "--naem", "y" }, "unknown option '--naem': did you mean '--name'?" },
	{ { "x", "--file" }, "unknown option '--file'" },
	{ { "x", "--frobnicate" }, "unknown option '--frobnicate'" },
	{ { "x", "--credential=s3cr3t" }, "unknown option '--credential'" },
	{ { "x", "-q" }, "unknown option '-q'" },
	{ { "x", "a", "--name" }, "--name needs a value" },
	{ { "x", "--json=yes" }, "--json takes no value" },
	{ { "x", "--name=a", "--name=b" }, "--name was given twice" },
	{ { "x", "--role=a,,b" }, "--role has an empty item between its commas" },
	{ { "x", "--role=a," }, "--role has an empty item between its commas" },
};

Test(args, a_mistake_is_named)
{
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct parsed parsed;

		parse(&parsed, false, mistakes[i].words);
		cr_expect_eq(parsed.at, -1, "%s", mistakes[i].error);
		cr_expect_str_eq(parsed.args.error, mistakes[i].error);
		pol_arena_finish(&parsed.arena);
	}
}

Test(args, the_nearest_word_is_near)
{
	static const char *const words[] = { "create", "list", "revoke" };

	cr_expect_str_eq(args_nearest("craete", words, 3), "create");
	cr_expect_str_eq(args_nearest("lst", words, 3), "list");
	cr_expect_null(args_nearest("purge", words, 3));
	cr_expect_null(args_nearest("", words, 3));
}
