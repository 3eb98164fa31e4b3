/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/covered.h"

#include <stdio.h>
#include <string.h>

static const char policy[] = "tree api { /loans { GET, POST, /{loan} { GET, DELETE } } }\n"
			     "role viewer {\n"
			     "    allow GET on api:/loans\n"
			     "    allow all on api:/loans/{loan} except DELETE   # noticed\n"
			     "    deny POST on api:/loans\n"
			     "}\n"
			     "role clerk inherits viewer {\n"
			     "    allow GET on api:/loans    # viewer has it\n"
			     "}\n"
			     "scope read { allow GET on api:/loans/** except api:/loans/{loan} }\n"
			     "stack other {\n"
			     "    authenticate required key\n"
			     "    account required network allow=10.0.0.0/8\n"
			     "    authorize required role\n"
			     "    authorize required scope\n"
			     "}\n"
			     "test \"a viewer reads loans from the office\" {\n"
			     "    as role viewer\n"
			     "    deny GET api:/loans because network\n"
			     "    from 10.1.1.1\n"
			     "    allow GET api:/loans, api:/loans/7\n"
			     "    deny DELETE api:/loans/7\n"
			     "}\n";

static const char *const results[] = { "noticed", "survives", "redundant", "invalid" };

static void try_all(struct loaded *loaded, bool shortcuts, char *out, size_t size)
{
	struct pol_coverage *coverage = covered(loaded, (struct pol_suite_options){ 0 });
	struct pol_mutation_base base = mutation_base(loaded, coverage);
	struct pol_mutations list;
	struct pol_arena arena;
	size_t used = 0;

	pol_arena_init(&arena, POL_SNAPSHOT_LIMIT);
	cr_assert_eq(pol_mutations_list(loaded->sources, loaded->count, &arena, &list), POL_OK);
	for (size_t i = 0; i < list.count; i++) {
		const struct pol_mutation *mutation = &list.items[i];
		enum pol_mutation_result result = POL_MUTATION_INVALID;

		if (!shortcuts || !pol_mutation_known(&base, mutation, &result)) {
			cr_assert_eq(pol_mutation_try(&base, mutation, &result), POL_OK);
		}
		used += (size_t)snprintf(out + used, size - used, "%u %s: %.*s\n",
			(unsigned)mutation->position.line, results[result],
			POL_STR_ARGS(mutation->text));
		cr_assert_lt(used, size);
	}
	pol_coverage_destroy(coverage);
	pol_arena_finish(&arena);
}

Test(mutation, each_statement_is_left_out_in_turn)
{
	struct loaded loaded = load_good(policy);
	char text[2048];

	try_all(&loaded, true, text, sizeof text);
	cr_expect_str_eq(text,
		"3 noticed: allow GET on api:/loans\n"
		"4 noticed: allow all on api:/loans/{loan} except DELETE\n"
		"4 noticed: except DELETE\n"
		"5 survives: deny POST on api:/loans\n"
		"8 redundant: allow GET on api:/loans\n"
		"10 survives: allow GET on api:/loans/** except api:/loans/{loan}\n"
		"10 survives: except api:/loans/{loan}\n"
		"12 invalid: authenticate required key\n"
		"13 noticed: account required network allow=10.0.0.0/8\n"
		"14 noticed: authorize required role\n"
		"15 survives: authorize required scope\n",
		"%s", text);
	unload(&loaded);
}

/* Of grants with conditions. */
static const char conditional[] =
	"tree api { /a { GET, PUT }, /u/{user} { GET }, /t/{team}/u/{user} { GET } }\n"
	"facts {\n resource.b bool\n resource.c bool\n}\n"
	"role r {\n"
	"    allow GET on api:/a when resource.b      # noticed\n"
	"    allow GET on api:/a when resource.c      # not the same\n"
	"    allow PUT on api:/a when resource.b\n"
	"    allow GET on api:/u/{user}, api:/t/{team}/u/{user} when {user} is principal.id\n"
	"}\n"
	"role s inherits r {\n"
	"    allow GET on api:/a when resource.b\n"
	"}\n"
	"role t {\n"
	"    allow GET on api:/a                      # lint: allow rule-covered\n"
	"    allow GET on api:/a when resource.b      # lint: allow rule-covered\n"
	"}\n"
	"test \"t\" {\n"
	"    as role r\n"
	"    given principal.id \"ann\", resource.b true, resource.c false\n"
	"    allow GET api:/a, api:/t/7/u/ann\n"
	"    deny GET api:/u/bob\n"
	"}\n";

Test(mutation, grants_with_conditions)
{
	struct loaded loaded = load_good(conditional);
	char fast[2048], slow[2048];

	try_all(&loaded, true, fast, sizeof fast);
	try_all(&loaded, false, slow, sizeof slow);
	cr_expect_str_eq(fast, slow);
	cr_expect_str_eq(fast,
		"7 noticed: allow GET on api:/a when resource.b\n"
		"8 survives: allow GET on api:/a when resource.c\n"
		"9 survives: allow PUT on api:/a when resource.b\n"
		"10 noticed: allow GET on api:/u/{user}, api:/t/{team}/u/{user} when {user} is "
		"principal.id\n"
		"13 redundant: allow GET on api:/a when resource.b\n"
		"16 survives: allow GET on api:/a\n"
		"17 redundant: allow GET on api:/a when resource.b\n",
		"%s", fast);
	unload(&loaded);
}

/* Both ways must give the same result. */
Test(mutation, the_shortcuts_agree_with_compiling)
{
	static const char *const folders[] = { "policy/examples/booking", "policy/examples/lendiq",
		"policy/examples/loanpro", "policy/examples/loop" };

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		struct loaded loaded = load_folder(folders[i]);
		char fast[16384];
		char slow[16384];

		try_all(&loaded, true, fast, sizeof fast);
		try_all(&loaded, false, slow, sizeof slow);
		cr_expect_str_eq(fast, slow);
		unload(&loaded);
	}
}

Test(mutation, a_rule_with_a_condition_is_left_out_like_any_other)
{
	struct loaded loaded = load_good(
		"tree api { /a { GET, POST } }\n"
		"role r {\n"
		"  allow GET on api:/a when context.ip in 10.0.0.0/8\n" /* 3 */
		"  allow POST on api:/a when context.ip in 10.0.0.0/8\n"
		"  deny POST on api:/a when context.mfa_age > 1h\n" /* 5 */
		"}\n"
		"role s inherits r {\n"
		"  allow GET on api:/a when context.ip in 11.0.0.0/8\n" /* 8 */
		"}\n"
		"test \"t\" {\n as role s\n from 10.0.0.1\n mfa\n allow GET, POST api:/a\n }\n");
	char text[2048];

	try_all(&loaded, true, text, sizeof text);
	cr_expect_str_eq(text,
		"3 noticed: allow GET on api:/a when context.ip in 10.0.0.0/8\n"
		"4 noticed: allow POST on api:/a when context.ip in 10.0.0.0/8\n"
		"5 survives: deny POST on api:/a when context.mfa_age > 1h\n"
		"8 survives: allow GET on api:/a when context.ip in 11.0.0.0/8\n",
		"%s", text);
	unload(&loaded);
}
