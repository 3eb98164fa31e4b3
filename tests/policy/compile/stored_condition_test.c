/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/stored.h"
#include "policy/snapshot/stored_internal.h"
#include "policy/snapshot/tree.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/kept_lines.h"

/* Grants with a condition of roles that are kept in the store. */

#define TREES                                                                                      \
	"tree api { /x { go, stop }, /u/{user} { go }, /t/{team}/u/{user} { go }, "                \
	"/s/{user}/{id}/{user} { go }, /\"a when b\" { go }, /\"ends when\" { go }, "              \
	"/100%25 { go } }\n"

static const char policy[] = TREES
	"facts {\n resource.owner string\n resource.amount int\n principal.limit int\n"
	" resource.status draft | active | old\n resource.open bool\n principal.teams strings\n}\n"
	"condition own = resource.owner is principal.id\n"
	"condition small = resource.amount <= principal.limit and not resource.status is old\n"
	"role all_of_them { allow go on api:/x when resource.open and principal.teams has \"x\" }\n"
	"role viewer { allow stop on api:/x when own\ndeny go on api:/x when resource.open }\n";

/* A later one: an amount is a time, `old` is gone, `resource.open` is gone. */
static const char later[] = TREES
	"facts {\n resource.owner string\n resource.amount time\n principal.limit int\n"
	" resource.status draft | active\n principal.teams strings\n}\n"
	"condition c = resource.owner is \"\" and resource.amount < 2026-01-01 and principal.limit "
	"< 1 and resource.status is draft and principal.teams has \"\"\n";

static struct pol_stored *parse(
	const struct pol_snapshot *snapshot, const char *const *grants, size_t count)
{
	struct pol_str texts[256];
	struct pol_stored_fault fault = { .why = "" };
	struct pol_stored *stored = NULL;

	for (size_t i = 0; i < count; i++) {
		texts[i] = pol_str_of(grants[i]);
	}
	cr_assert_eq(pol_stored_text_parse(snapshot, texts, count, &fault, &stored), POL_OK, "%s",
		fault.why);
	return stored;
}

static struct pol_stored *read_lines(const struct pol_snapshot *snapshot, struct kept_lines *lines)
{
	const struct pol_stored_source source = { kept_lines_next, kept_lines_missing, lines };
	struct pol_stored *stored = NULL;

	lines->next = 0;
	lines->missing[0] = '\0';
	cr_assert_eq(pol_stored_lines_read(snapshot, &source, &stored), POL_OK);
	return stored;
}

/* All lines of what is stored, one below the other. */
static void says(
	const struct pol_snapshot *snapshot, const struct pol_stored *stored, const char *expected)
{
	struct kept_lines lines = { .count = 0 };
	char text[8192] = "";

	cr_assert_eq(pol_stored_lines_write(snapshot, stored, kept_lines_keep, &lines), POL_OK);
	for (size_t i = 0; i < lines.count; i++) {
		strcat(strcat(text, lines.items[i]), "\n");
	}
	cr_expect_str_eq(text, expected, "%s", text);
}

static const char *const grants[] = {
	"allow go on api:/x when own",
	"allow stop on api:/x",
	"deny go, stop on api:/x when not small or resource.open",
	"allow go on api:/u/{user}, api:/t/{team}/u/{user} when {user} is principal.id and own",
	"allow go on api:/\"a when b\", api:/\"ends when\", api:/100%25 when resource.open",
	"deny go on api:/u/{user} when {user} in principal.teams, \"a \\\" b\"",
};
#define GRANT_COUNT (sizeof grants / sizeof *grants)

Test(stored_condition, names_are_put_in_when_it_is_written_and_it_is_read_back)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	struct pol_stored *stored = parse(snapshot, grants, GRANT_COUNT), *again;
	struct kept_lines lines = { .count = 0 };
	size_t allowed, denied, again_allowed, again_denied;

	says(snapshot, stored,
		"+stop api:/x\n"
		"+go api:/x when resource.owner is principal.id\n"
		"-go,stop api:/x when principal.limit < resource.amount or resource.status is old "
		"or resource.open\n"
		"+go api:/u/{user} when {user} is principal.id and resource.owner is principal.id\n"
		"+go api:/t/{team}/u/{user} when {user} is principal.id and resource.owner is "
		"principal.id\n"
		"+go api:/a%20when b when resource.open\n"
		"+go api:/ends%20when when resource.open\n"
		"+go api:/100%25 when resource.open\n"
		"-go api:/u/{user} when principal.teams has {user} or {user} is \"a \\\" b\"\n");
	cr_assert_eq(pol_stored_lines_write(snapshot, stored, kept_lines_keep, &lines), POL_OK);
	again = read_lines(snapshot, &lines);
	cr_expect_str_eq(lines.missing, "");
	cr_expect_eq(again->conditional_count, stored->conditional_count);
	pol_stored_count(stored, &allowed, &denied);
	pol_stored_count(again, &again_allowed, &again_denied);
	cr_expect_eq(allowed, 7);
	cr_expect_eq(denied, 3);
	cr_expect_eq(again_allowed, allowed);
	cr_expect_eq(again_denied, denied);
	for (uint32_t i = 0; i < again->conditional_count; i++) {
		cr_expect_eq(again->conditionals[i].deny, stored->conditionals[i].deny);
		cr_expect(pol_permset_covers(
			&again->conditionals[i].set, &stored->conditionals[i].set));
	}
	pol_stored_unref(stored);
	pol_stored_unref(again);
	pol_snapshot_unref(snapshot);
}

Test(stored_condition, where_a_fact_is_gone_nothing_is_allowed_and_all_is_denied)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	struct pol_snapshot *next_one = compiled_text_good(later);
	struct pol_stored *stored = parse(snapshot, grants, GRANT_COUNT), *read;
	struct kept_lines lines = { .count = 0 };

	cr_assert_eq(pol_stored_lines_write(snapshot, stored, kept_lines_keep, &lines), POL_OK);
	read = read_lines(next_one, &lines);
	says(next_one, read,
		"+stop api:/x\n"
		"-go,stop api:/x\n"
		"+go api:/x when resource.owner is principal.id\n"
		"+go api:/u/{user} when {user} is principal.id and resource.owner is principal.id\n"
		"+go api:/t/{team}/u/{user} when {user} is principal.id and resource.owner is "
		"principal.id\n"
		"-go api:/u/{user} when principal.teams has {user} or {user} is \"a \\\" b\"\n");
	cr_expect_str_eq(lines.missing,
		"-go,stop api:/x when principal.limit < resource.amount or resource.status is old "
		"or resource.open\n"
		"+go api:/a%20when b when resource.open\n"
		"+go api:/ends%20when when resource.open\n"
		"+go api:/100%25 when resource.open\n");
	pol_stored_unref(stored);
	pol_stored_unref(read);
	pol_snapshot_unref(next_one);
	pol_snapshot_unref(snapshot);
}

Test(stored_condition, each_way_in_which_a_line_may_not_fit)
{
	static const struct {
		const char *condition;
		bool fits;
	} cases[] = {
		{ "resource.owner is \"a\"", true },
		{ "resource.amount < principal.limit", false }, /* a time and an int */
		{ "resource.status is old", false },
		{ "resource.status is draft", true },
		{ "resource.open", false },
		{ "{user} is \"a\"", true },
		{ "{team} is \"a\"", false },
		{ "c", true }, /* a name that this policy declares */
		{ "d", false },
		{ "resource.owner is", false },
		{ "resource.owner is \"a\" }\nrole y {", false },
		{ "resource.owner is \"a\" except go on api:/x", false },
		{ "", false },
	};
	struct pol_snapshot *snapshot = compiled_text_good(later);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int deny = 0; deny < 2; deny++) {
			struct kept_lines lines = { .count = 0 };
			char line[256];
			struct pol_stored *read;

			snprintf(line, sizeof line, "%cgo api:/u/{user} when %s", deny ? '-' : '+',
				cases[i].condition);
			kept_lines_keep(&lines, pol_str_of(line));
			read = read_lines(snapshot, &lines);
			cr_expect_eq(read->conditional_count, cases[i].fits, "%s", line);
			cr_expect_eq(lines.missing[0] == '\0', cases[i].fits, "%s", line);
			cr_expect_eq(read->allow.count, 0, "%s", line);
			cr_expect_eq(read->deny.count, deny && !cases[i].fits, "%s", line);
			pol_stored_unref(read);
		}
	}
	pol_snapshot_unref(snapshot);
}

Test(stored_condition, a_literal_with_when_that_was_written_before_there_were_conditions)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	struct kept_lines lines = { .count = 0 };
	struct pol_stored *read;

	kept_lines_keep(&lines, POL_STR("-go api:/a when b"));
	kept_lines_keep(&lines, POL_STR("+go api:/ends when"));
	read = read_lines(snapshot, &lines);
	cr_expect_str_eq(lines.missing, "");
	says(snapshot, read, "+go api:/ends%20when\n-go api:/a%20when b\n");
	pol_stored_unref(read);
	pol_snapshot_unref(snapshot);
}

Test(stored_condition, mistakes_are_reported_with_their_column)
{
	static const struct {
		const char *grant;
		uint32_t column;
		const char *why;
	} cases[] = {
		{ "allow go on api:/x when resource.ownr is \"a\"", 25,
			"unknown fact 'resource.ownr': did you mean 'resource.owner'?" },
		{ "allow go on api:/x when resource.owner is 7", 43,
			"resource.owner is a string, but 7 is an int: write \"7\"" },
		{ "allow go on api:/x when ownn", 25,
			"unknown condition 'ownn': did you mean 'own'?" },
		{ "allow go on api:/x when {user} is \"a\"", 13,
			"no '{user}' in this path: each path of the grant names what its condition "
			"compares" },
		{ "allow go on api:/s/*/{id}/{user} when {user} is \"a\"", 0,
			"selects a node in which a parameter of the condition has its name twice" },
		{ "allow read on authz:/audit when own", 33,
			"the tree 'authz' knows no conditions: a management call brings no facts" },
	};
	struct pol_snapshot *snapshot = compiled_text_good(policy);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pol_str text = pol_str_of(cases[i].grant);
		struct pol_stored_fault fault = { .entry = 7 };
		struct pol_stored *stored = NULL;

		cr_assert_eq(pol_stored_text_parse(snapshot, &text, 1, &fault, &stored),
			POL_EINVALID, "%s", cases[i].grant);
		cr_expect_eq(fault.column, cases[i].column, "%s: %u", fault.why, fault.column);
		cr_expect_str_eq(fault.why, cases[i].why);
	}
	pol_snapshot_unref(snapshot);
}

/* "+2 -1 when": what a role of the snapshot has under conditions. */
static void counts(
	const struct pol_snapshot *snapshot, uint32_t role, unsigned allows, unsigned denies)
{
	const struct pol_grantee *grantee = &snapshot->roles[role];
	unsigned allowed = 0, denied = 0;

	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		denied += grantee->conditionals[i].deny;
		allowed += !grantee->conditionals[i].deny;
		cr_expect(pol_permset_covers(&grantee->sometimes, &grantee->conditionals[i].set));
	}
	cr_expect_eq(allowed, allows);
	cr_expect_eq(denied, denies);
	for (uint32_t i = 0; i < grantee->sometimes.count; i++) {
		cr_expect(pol_sketch_may_have(&grantee->sketch, grantee->sometimes.numbers[i]));
	}
}

Test(stored_condition, stored_roles_inherit_conditionals)
{
	static const char *const own[] = { "allow go on api:/x when own",
		"deny stop on api:/x when resource.open" };
	const struct pol_stored_parent viewer = { 0, POL_STR("viewer") }, first = { 3, { 0 } };
	struct pol_snapshot *base = compiled_text_good(policy), *snapshot = NULL;
	struct pol_stored *stored = parse(base, own, 2), *none = parse(base, own, 0);
	const struct pol_stored_role roles[] = {
		{ 3, 1, POL_STR("first"), { 0 }, stored, &viewer, 1, false },
		{ 4, 1, POL_STR("second"), { 0 }, none, &first, 1, false },
		{ 5, 1, POL_STR("viewer"), { 0 }, stored, &viewer, 1, true },
	};
	size_t fault;

	cr_assert_eq(pol_stored_extend(base, roles, 3, &fault, &snapshot), POL_OK);
	pol_stored_unref(stored);
	pol_stored_unref(none);
	counts(snapshot, pol_stored_find(snapshot, 3, 1), 2, 2);
	counts(snapshot, pol_stored_find(snapshot, 4, 1), 2, 2);
	counts(snapshot, pol_stored_find(snapshot, 5, 1), 0, 2);
	pol_snapshot_unref(snapshot);
	pol_snapshot_unref(base);
}

/* A role of 200 conditional grants; `more` are those of a second one that inherits two of them. */
static struct pol_snapshot *extend_grown(const struct pol_snapshot *base, int more)
{
	static char texts[200][64];
	static const struct pol_stored_parent parents[] = { { 1, { 0 } }, { 2, { 0 } } };
	const char *lines[200];
	struct pol_stored *own[3];
	struct pol_stored_role roles[3];
	struct pol_snapshot *snapshot = NULL;
	size_t fault;

	for (int r = 0; r < 3; r++) {
		int count = r < 2 ? 200 : more;

		for (int i = 0; i < count; i++) {
			snprintf(texts[i], sizeof texts[i],
				"allow go on api:/x when resource.amount < %d", r * 1000 + i);
			lines[i] = texts[i];
		}
		own[r] = parse(base, lines, (size_t)count);
		roles[r] = (struct pol_stored_role){ .number = (uint64_t)r + 1,
			.tenant = 1,
			.name = POL_STR("grown"),
			.own = own[r],
			.parents = parents,
			.parent_count = r < 2 ? 0 : 2 };
	}
	cr_assert_eq(pol_stored_extend(base, roles, 3, &fault, &snapshot), POL_OK);
	for (int r = 0; r < 3; r++) {
		pol_stored_unref(own[r]);
	}
	return snapshot;
}

Test(stored_condition, a_role_with_what_it_inherits_grows_to_512_conditionals)
{
	struct pol_snapshot *base = compiled_text_good(policy);
	struct pol_snapshot *full = extend_grown(base, 112), *over = extend_grown(base, 113);

	cr_expect_eq(pol_stored_overgrown(base, full), POL_NONE);
	cr_expect_eq(pol_stored_overgrown(full, over), pol_stored_find(over, 3, 1));
	cr_expect_eq(pol_stored_overgrown(base, over), pol_stored_find(over, 3, 1));
	cr_expect_eq(pol_stored_overgrown(over, over), POL_NONE, "it did not grow");
	cr_expect_eq(pol_stored_overgrown(over, full), POL_NONE);
	pol_snapshot_unref(full);
	pol_snapshot_unref(over);
	pol_snapshot_unref(base);
}
