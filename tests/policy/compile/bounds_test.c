/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small policies whose lists are multiplied out to very large ones. Each is refused, with the
 * memory that REFERENCE.md promises: the address space of the test is limited to that.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "policy/snapshot/snapshot.h"
#include "tests/policy/large.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* For what is not the compiler's: the C library, and the rendered diagnostics. */
#define APART ((size_t)2 * 1024 * 1024)

/* Adds "/a0, /a1, ...", count of them. */
static void add_paths(struct large *text, const char *name, int count)
{
	LARGE_ADD_EACH(text, count, "%s/%s%d", i > 0 ? ", " : "", name, i);
}

/* Adds a tree of nodes with an action each, and a rule of many actions on many patterns. */
static void add_rule(struct large *text, int nodes, const char *rule, int actions, int patterns)
{
	large_add(text, "tree t {\n");
	LARGE_ADD_EACH(text, nodes, "/a%d { x%d }\n", i, i);
	large_add(text, "}\nrole r { %s x0", rule);
	LARGE_ADD_EACH(text, actions - 1, ", x%d", i + 1);
	large_add(text, " on t:/**");
	LARGE_ADD_EACH(text, patterns - 1, ", t:/**");
	large_add(text, " }\n");
}

/* A sanitizer takes address space of its own, so the test is without a limit there. */
static void limit_memory(size_t more)
{
	struct rlimit limit;
	size_t pages = 0;
	FILE *file;

	if (SANITIZED) {
		return;
	}
	file = fopen("/proc/self/statm", "r");
	cr_assert_not_null(file);
	cr_assert_eq(fscanf(file, "%zu", &pages), 1);
	fclose(file);
	limit.rlim_cur = limit.rlim_max = pages * (size_t)sysconf(_SC_PAGESIZE) + more;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

/* As large_ends_with, within the memory that compiling may take. */
static void ends_with(struct large *text, const char *wanted)
{
	limit_memory(pol_compile_limit(text->len) + APART);
	large_ends_with(text, wanted);
}

#define TOO_LARGE "the policy is too large: to compile it would take more than"

Test(bounds, lists_of_paths_in_each_other, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	add_paths(&text, "a", 1000);
	large_add(&text, " {\n");
	add_paths(&text, "b", 990);
	large_add(&text, " { GET } } }\n");
	ends_with(&text,
		"test.policy:2:1: error: 991000 nodes and 990000 actions, when the lists of "
		"paths are multiplied out: more than");
}

Test(bounds, lists_of_two_many_levels_deep, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { ");
	LARGE_ADD_EACH(&text, 60, "/a, /b { ");
	large_add(&text, "GET ");
	LARGE_ADD_EACH(&text, 61, "} ");
	large_add(&text, "\n");
	ends_with(&text, "when the lists of paths are multiplied out");
}

Test(bounds, many_actions_in_many_nodes, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	add_paths(&text, "a", 900);
	large_add(&text, " {\n");
	add_paths(&text, "b", 900);
	large_add(&text, " {\n");
	LARGE_ADD_EACH(&text, 512, "x%d\n", i);
	large_add(&text, "} } }\n");
	ends_with(&text, "810900 nodes and 414720000 actions, when");
}

Test(bounds, nodes_without_any_list_fit, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, 60000, "/a%d { read GET, write PUT }\n", i);
	large_add(&text, "}\nrole r { allow read on t:/** }\n");
	ends_with(&text, NULL);
}

Test(bounds, actions_and_patterns_of_a_grant, .timeout = 2400)
{
	struct large text = { 0 };

	add_rule(&text, 4000, "allow", 4000, 8001);
	ends_with(&text,
		"look for actions in more than 30000000 nodes, each action in the nodes of each");
}

Test(bounds, actions_and_nodes_of_a_wildcard, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, 20000, "/a%d { x%d }\n", i, i % 300);
	large_add(&text, "}\nrole r { allow x0");
	LARGE_ADD_EACH(&text, 299, ", x%d", i + 1);
	large_add(&text, " on t:/*");
	LARGE_ADD_EACH(&text, 20, ", t:/*");
	large_add(&text, " }\n");
	ends_with(&text, "look for actions in more than 30000000 nodes, each action in the nodes");
}

Test(bounds, actions_and_patterns_of_an_exception, .timeout = 2400)
{
	struct large text = { 0 };

	add_rule(&text, 3000, "allow all on t:/** except", 2999, 20001);
	ends_with(&text,
		"look for actions in more than 30000000 nodes, each action in the nodes of each");
}

/* Fewer pairs than that, each of which makes a set. */
Test(bounds, sets_of_an_exception, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, 3000, "/a%d { x%d }\n", i, i);
	large_add(&text, "}\nrole r {\n");
	LARGE_ADD_EACH(&text, 1500, "allow all on t:/** except x%d, x%d\n", i, i + 1);
	large_add(&text, "}\n");
	ends_with(&text, NULL);
}

Test(bounds, actions_and_resources_of_a_test, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\ntest \"many\" { allow a");
	LARGE_ADD_EACH(&text, 20000, ", a");
	large_add(&text, " t:/");
	LARGE_ADD_EACH(&text, 20000, ", t:/");
	large_add(&text, " }\n");
	ends_with(&text, "this line expects 400040001 decisions, each action at each resource");
}

Test(bounds, suffixes_of_a_long_path, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\nrole r { allow a on t:/a { ");
	LARGE_ADD_EACH(&text, 60, "/a { ");
	LARGE_ADD_EACH(&text, 80000, "/a,");
	LARGE_ADD_EACH(&text, 62, "} ");
	large_add(&text, "\n");
	ends_with(&text, TOO_LARGE);
}

Test(bounds, stacks_that_include_one, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\nstack big {\n");
	LARGE_ADD_EACH(&text, 1000, "account optional permit\n");
	large_add(&text, "}\n");
	LARGE_ADD_EACH(&text, 7000, "stack s%d {\naccount include big\n}\n", i);
	ends_with(&text, TOO_LARGE);
}

Test(bounds, exclusive_sets_that_are_inherited, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\nrole r0 { allow a on t:/ }\nrole q { allow a on t:/ }\n");
	LARGE_ADD_EACH(&text, 5000, "role r%d inherits r%d\n", i + 1, i);
	LARGE_ADD_EACH(&text, 5000, "exclusive r%d, q\n", i);
	ends_with(&text, TOO_LARGE);
}

Test(bounds, roles_that_inherit_in_a_line, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, 6000, "/a%d { GET }\n", i);
	large_add(&text, "}\nrole r0 { allow GET on t:/a0 }\n");
	LARGE_ADD_EACH(
		&text, 5999, "role r%d inherits r%d { allow GET on t:/a%d }\n", i + 1, i, i + 1);
	ends_with(&text, NULL);
}
