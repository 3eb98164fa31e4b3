/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of statements and files never changes what a policy means: policies of the corpus pass
 * their own tests with their statements in every order, as one file and as a file for each.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/ask/suite.h"
#include "tests/policy/load.h"

#define MOST 6
#define ROOM 8192

struct statements {
	struct pol_str items[MOST];
	size_t count;
};

/* A statement begins with a word in column 1. */
static struct statements split(struct pol_str text)
{
	struct statements out = { 0 };
	const char *end = text.ptr + text.len;

	for (const char *at = text.ptr; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *next = newline != NULL ? newline + 1 : end;

		if (*at >= 'a' && *at <= 'z') {
			cr_assert_lt(out.count, MOST);
			out.items[out.count++] = (struct pol_str){ at, 0 };
		}
		if (out.count > 0) {
			struct pol_str *last = &out.items[out.count - 1];

			last->len = (size_t)(next - last->ptr);
		}
		at = next;
	}
	return out;
}

/* The policy of the sources has tests and passes them. */
static void check(const struct pol_source *sources, size_t count, const char *path)
{
	struct pol_snapshot *snapshot = NULL;
	struct pol_suite_result result;
	struct pol_diags diags;

	pol_diags_init(&diags, sources, count);
	cr_assert_eq(pol_compile(sources, count, NULL, &diags, &snapshot), POL_OK, "%s:\n%.*s",
		path, diags.first != NULL ? (int)diags.first->message.len : 0,
		diags.first != NULL ? diags.first->message.ptr : "");
	result = pol_suite_run(snapshot, &diags, NULL, NULL);
	cr_assert_eq(result.failed, 0, "%s: %zu files, the first one:\n%.*s", path, count,
		POL_STR_ARGS(sources[0].text));
	cr_assert_gt(result.passed, 0, "%s", path);
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
}

static void check_order(const struct statements *statements, const char *path)
{
	static const char *const names[MOST] = { "0.policy", "1.policy", "2.policy", "3.policy",
		"4.policy", "5.policy" };
	struct pol_source each[MOST];
	static char text[ROOM];
	struct pol_source whole = { POL_STR("0.policy"), { text, 0 } };

	for (size_t i = 0; i < statements->count; i++) {
		each[i] = (struct pol_source){ pol_str_of(names[i]), statements->items[i] };
		cr_assert_lt(whole.text.len + statements->items[i].len, sizeof text);
		memcpy(text + whole.text.len, statements->items[i].ptr, statements->items[i].len);
		whole.text.len += statements->items[i].len;
	}
	check(&whole, 1, path);
	check(each, statements->count, path);
}

/* Checks every order of the statements from number `fixed` on. Returns how many there are. */
static size_t permute(struct statements *statements, size_t fixed, const char *path)
{
	size_t orders = 0;

	if (fixed == statements->count) {
		check_order(statements, path);
		return 1;
	}
	for (size_t i = fixed; i < statements->count; i++) {
		struct pol_str first = statements->items[i];

		statements->items[i] = statements->items[fixed];
		statements->items[fixed] = first;
		orders += permute(statements, fixed + 1, path);
		statements->items[fixed] = statements->items[i];
		statements->items[i] = first;
	}
	return orders;
}

static void check_folder(const char *path, size_t expected_orders)
{
	struct loaded loaded = load_folder(path);
	struct statements statements;

	cr_assert_eq(loaded.count, 1, "%s", path);
	statements = split(loaded.sources[0].text);
	cr_assert_eq(permute(&statements, 0, path), expected_orders, "%s", path);
	unload(&loaded);
}

Test(order, a_grant_covers_exactly_the_nodes_of_its_pattern_in_every_order)
{
	check_folder("tests/corpus/accept/shared-names-allow", 120);
}

Test(order, a_deny_covers_every_node_of_its_pattern_in_every_order)
{
	check_folder("tests/corpus/accept/shared-names-deny", 24);
}

Test(order, a_pattern_finds_a_name_that_other_trees_have_without_methods_in_every_order)
{
	check_folder("tests/corpus/accept/shared-names-pattern", 24);
}
