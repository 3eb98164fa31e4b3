/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/covered.h"

#include <stdio.h>
#include <string.h>

/* What is not covered, one a line: "KIND NAME: TEXT". */
struct left {
	char text[2048];
	size_t used;
	size_t covered;
	size_t total;
};

static void put(struct left *left, const struct pol_coverage_item *item)
{
	static const char *const kinds[] = { "rule", "role", "scope", "line" };
	int len = snprintf(left->text + left->used, sizeof left->text - left->used,
		"%s %.*s%s%.*s\n", kinds[item->kind], POL_STR_ARGS(item->name),
		item->text.len > 0 ? ": " : "", POL_STR_ARGS(item->text));

	cr_assert_gt(item->position.line, 0);
	left->used += (size_t)len;
	cr_assert_lt(left->used, sizeof left->text);
}

static bool is_chosen(void *context, struct pol_str test)
{
	return pol_str_equal(test, pol_str_of(context));
}

static struct left cover_some(const char *text, const char *test)
{
	struct loaded loaded = load_good(text);
	struct pol_coverage *coverage;
	struct pol_coverage_item item;
	struct left left = { .used = 0 };
	struct pol_suite_options options = { 0 };
	char name[64];

	if (test != NULL) {
		snprintf(name, sizeof name, "%s", test);
		options.choose = is_chosen;
		options.context = name;
	}
	coverage = covered(&loaded, options);
	for (size_t i = 0; pol_coverage_item(coverage, i, &item); i++) {
		if (!item.covered) {
			put(&left, &item);
		}
	}
	for (int kind = 0; kind < POL_COVERAGE_KINDS; kind++) {
		struct pol_coverage_count count =
			pol_coverage_count(coverage, (enum pol_coverage_kind)kind);

		left.covered += count.covered;
		left.total += count.total;
	}
	pol_coverage_destroy(coverage);
	unload(&loaded);
	return left;
}

static struct left cover(const char *text)
{
	return cover_some(text, NULL);
}

#define TREE "tree api { /loans { GET, POST, /{loan} { GET, DELETE } } }\n"

Test(coverage, nothing_is_covered_without_tests)
{
	struct left left = cover(TREE "role viewer { allow GET on api:/** }\n"
				      "scope read { allow GET on api:/** }\n"
				      "stack other { authenticate required key\n"
				      "authorize required role }\n");

	cr_expect_str_eq(left.text,
		"role viewer\nrule viewer: allow GET on api:/**\n"
		"scope read\nrule read: allow GET on api:/**\n"
		"line other: authenticate required key\nline other: authorize required role\n");
	cr_expect_eq(left.covered, 0);
	cr_expect_eq(left.total, 6);
}

Test(coverage, an_allowed_request_covers_the_rules_that_allow_it_and_the_roles_on_the_way)
{
	struct left left =
		cover(TREE "role viewer { allow GET on api:/loans/**\n allow POST on api:/loans }\n"
			   "role middle inherits viewer\n"
			   "role clerk inherits middle { allow GET on api:/loans\n"
			   "    deny DELETE on api:/loans/{loan} }\n"
			   "role other { allow GET on api:/loans }\n"
			   "test \"a\" {\n as role clerk\n allow GET api:/loans\n }\n");

	cr_expect_str_eq(left.text,
		"rule viewer: allow POST on api:/loans\n"
		"rule clerk: deny DELETE on api:/loans/{loan}\n"
		"role other\nrule other: allow GET on api:/loans\n",
		"%s", left.text);
}

Test(coverage, only_a_denial_that_fires_covers_a_rule_that_denies)
{
	static const char policy[] =
		TREE "role viewer { allow all on api:/**\n deny DELETE on api:/** }\n"
		     "test \"fires\" {\n as role viewer\n deny DELETE api:/loans/7\n }\n"
		     "test \"refused before\" {\n as role viewer\n key expired\n"
		     "    deny DELETE api:/loans/7\n }\n";

	cr_expect_str_eq(cover_some(policy, "fires").text, "rule viewer: allow all on api:/**\n");
	cr_expect_str_eq(cover_some(policy, "refused before").text,
		"role viewer\nrule viewer: allow all on api:/**\n"
		"rule viewer: deny DELETE on api:/**\n");
}

Test(coverage, a_rule_with_a_condition_is_covered_when_that_holds)
{
	static const char policy[] = TREE
		"role base { allow GET on api:/loans when context.ip in 10.0.0.0/8\n"
		"    deny GET on api:/loans when context.mfa_age > 1h\n }\n"
		"role clerk inherits base { allow GET on api:/loans\n    when context.time < "
		"2000-01-01T00:00:00Z }\n"
		"test \"holds\" {\n as role clerk\n from 10.0.0.1\n mfa\n allow GET api:/loans\n "
		"}\n"
		"test \"false\" {\n as role clerk\n from 11.0.0.1\n mfa\n deny GET api:/loans\n }\n"
		"test \"unknown\" {\n as role clerk\n from 10.0.0.1\n deny GET api:/loans because "
		"missing_fact\n }\n";
	struct left left = cover_some(policy, "holds");

	cr_expect_str_eq(left.text,
		"rule base: deny GET on api:/loans when context.mfa_age > 1h\n"
		"rule clerk: allow GET on api:/loans\n",
		"%s", left.text);
	left = cover_some(policy, "false");
	cr_expect_str_eq(left.text,
		"role base\nrule base: allow GET on api:/loans when context.ip in 10.0.0.0/8\n"
		"rule base: deny GET on api:/loans when context.mfa_age > 1h\nrole clerk\nrule "
		"clerk: allow GET on api:/loans\n",
		"%s", left.text);
	left = cover_some(policy, "unknown");
	cr_expect_str_eq(left.text,
		"rule base: allow GET on api:/loans when context.ip in 10.0.0.0/8\n"
		"rule clerk: allow GET on api:/loans\n",
		"%s", left.text);
}

Test(coverage, a_denied_request_covers_no_rule_that_allows)
{
	struct left left = cover(TREE "role viewer { allow GET on api:/** }\n"
				      "scope write { allow POST on api:/** }\n"
				      "test \"a\" {\n as role viewer\n with scope write\n"
				      "    deny GET api:/loans because scope\n }\n");

	cr_expect_str_eq(left.text, "role viewer\nrule viewer: allow GET on api:/**\n"
				    "scope write\nrule write: allow POST on api:/**\n");
}

Test(coverage, a_scope_is_covered_by_what_it_narrows_to_and_by_what_it_includes)
{
	struct left left = cover(TREE "role viewer { allow all on api:/** }\n"
				      "scope read { allow GET on api:/** }\n"
				      "scope write includes read { allow POST on api:/** }\n"
				      "test \"a\" {\n as role viewer\n with scope write\n"
				      "    allow GET api:/loans\n }\n");

	cr_expect_str_eq(left.text, "rule write: allow POST on api:/**\n");
}

Test(coverage, a_place_where_a_role_is_not_held_covers_nothing)
{
	struct left left = cover(TREE "role viewer { allow GET on api:/** }\n"
				      "test \"a\" {\n as role viewer at api:/loans/7\n"
				      "    deny GET api:/loans/8\n }\n");

	cr_expect_str_eq(left.text, "role viewer\nrule viewer: allow GET on api:/**\n");
}

Test(coverage, roles_do_not_count_where_no_line_goes_by_them)
{
	struct left left = cover(TREE "role viewer { allow GET on api:/** }\n"
				      "stack other { authenticate required key\n"
				      "    authorize required permit }\n"
				      "test \"a\" {\n as role viewer\n allow GET api:/loans\n }\n");

	cr_expect_str_eq(left.text, "role viewer\nrule viewer: allow GET on api:/**\n");
}

Test(coverage, anyone_is_covered_like_a_role)
{
	struct left left = cover(TREE "role anyone { allow GET on api:/loans\n"
				      "    deny DELETE on api:/loans/{loan} }\n"
				      "test \"a\" {\n allow GET api:/loans\n }\n");

	cr_expect_str_eq(left.text, "rule anyone: deny DELETE on api:/loans/{loan}\n");
}

Test(coverage, a_line_is_covered_when_its_answer_counts)
{
	struct left left = cover(TREE "role viewer { allow GET on api:/** }\n"
				      "stack other { authenticate sufficient key\n"
				      "    authenticate required principal\n"
				      "    account include office\n"
				      "    authorize required role\n    authorize required scope\n"
				      "    record optional log }\n"
				      "stack office { account required network allow=10.0.0.0/8\n"
				      "    account optional warn\n"
				      "    account required permit }\n"
				      "test \"a\" {\n as role viewer\n from 10.1.1.1\n"
				      "    allow GET api:/loans\n }\n");

	cr_expect_str_eq(left.text, "line other: authenticate required principal\n"
				    "line other: authorize required scope\n");
}

Test(coverage, a_line_that_several_stacks_include_is_one)
{
	struct left left = cover(TREE "stack a { authenticate required key\n"
				      "    account include common\n"
				      "    authorize required role }\n"
				      "stack other { authenticate required deny\n"
				      "    account include common\n"
				      "    authorize required scope }\n"
				      "stack common { account required permit }\n"
				      "test \"a\" {\n service a\n deny GET api:/loans\n }\n");

	cr_expect_str_eq(left.text,
		"line other: authenticate required deny\nline other: authorize required scope\n");
	cr_expect_eq(left.total, 5);
}

Test(coverage, an_item_counts_the_tests_that_cover_it_each_once)
{
	struct loaded loaded =
		load_good(TREE "role viewer { allow GET on api:/loans\n"
			       "allow GET on api:/loans/{loan}\n"
			       "allow DELETE on api:/loans/{loan} }\n"
			       "test \"a\" { as role viewer\n"
			       "allow GET api:/loans, api:/loans/1\n"
			       "allow GET api:/loans }\n"
			       "test \"b\" { as role viewer\nallow GET api:/loans }\n");
	struct pol_coverage *coverage = covered(&loaded, (struct pol_suite_options){ 0 });
	struct pol_coverage_item item;
	const uint32_t tests[] = { 2, 2, 1, 0 }; /* the role, and its rules */

	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		cr_assert(pol_coverage_item(coverage, i, &item));
		cr_expect_eq(item.tests, tests[i], "%zu: %u", i, (unsigned)item.tests);
		cr_expect_eq(item.covered, tests[i] > 0);
	}
	pol_coverage_destroy(coverage);
	unload(&loaded);
}
