/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/tree.h"
#include "tests/policy/compiled_text.h"

/* Grants with a condition: what roles and scopes allow and deny when it holds. */

#define HEAD                                                                                       \
	"tree api { /x { go, stop, /y { go } }, /u/{user} { go, /{id} { go } }, "                  \
	"/t/{team}/u/{user} { go }, /f/{path...} { go }, /s/{user}/{id}/{user} { go } }\n"         \
	"facts {\nresource.b bool # lint: allow fact-unused\n"                                     \
	"resource.c bool # lint: allow fact-unused\nresource.s string # lint: allow fact-unused\n" \
	"}\n"
/* The first line after HEAD is the seventh. */

static void says(const char *text, const char *expected)
{
	compiled_text_says(HEAD, text, expected);
}

static struct pol_snapshot *compile(const char *text)
{
	struct compiled_text compiled;

	compiled_text_joined(&compiled, HEAD, text);
	cr_assert_str_eq(compiled.said, "");
	return compiled.snapshot;
}

/* Adds " VERB:NODE" for each permission; nodes by their number. */
static void put_set(
	const struct pol_snapshot *snapshot, const struct pol_permset *set, char *out, size_t size)
{
	for (uint32_t node = 0; node < snapshot->node_count; node++) {
		struct pol_run run = pol_tree_node_run(snapshot, node);

		for (uint32_t i = run.first; i < run.first + run.count; i++) {
			size_t used = strlen(out);
			uint32_t parent = snapshot->nodes[node].parent;

			if (pol_permset_has(set, i)) {
				snprintf(out + used, size - used, " %.*s:%.*s/%.*s",
					POL_STR_ARGS(snapshot->verbs[snapshot->permissions[i]]),
					POL_STR_ARGS(snapshot->nodes[parent].name),
					POL_STR_ARGS(snapshot->nodes[node].name));
			}
		}
	}
}

/* All that a role or scope grants, a line for each part. */
static void holds(const struct pol_snapshot *snapshot, const struct pol_grantee *grantee,
	const char *expected)
{
	char text[4096] = "", sum[4096] = "", sometimes[4096] = "";
	struct pol_permset_pool *pool;
	struct pol_arena arena;
	struct pol_permset all = { 0 };

	pol_arena_init(&arena, 1 << 20);
	pool = pol_permset_pool_create(&arena);
	if (grantee->allow.count > 0) {
		strcat(text, "allow");
		put_set(snapshot, &grantee->allow, text, sizeof text);
		strcat(text, "\n");
	}
	if (grantee->deny.count > 0) {
		strcat(text, "deny");
		put_set(snapshot, &grantee->deny, text, sizeof text);
		strcat(text, "\n");
	}
	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		const struct pol_conditional *one = &grantee->conditionals[i];
		size_t used;

		strcat(text, one->deny ? "deny" : "allow");
		put_set(snapshot, &one->set, text, sizeof text);
		used = strlen(text);
		used += (size_t)snprintf(text + used, sizeof text - used, " when ");
		pol_condition_format(snapshot, one->condition, text + used, sizeof text - used);
		strcat(text, "\n");
		cr_expect_eq(pol_permset_pool_union(pool, &all, &one->set, &all), POL_OK);
	}
	cr_expect_str_eq(text, expected, "%.*s:\n%s", POL_STR_ARGS(grantee->name), text);
	put_set(snapshot, &all, sum, sizeof sum);
	put_set(snapshot, &grantee->sometimes, sometimes, sizeof sometimes);
	cr_expect_str_eq(sum, sometimes);
	for (uint32_t i = 0; i < all.count; i++) {
		cr_expect(pol_sketch_may_have(&grantee->sketch, all.numbers[i]));
	}
	pol_permset_pool_destroy(pool);
	pol_arena_finish(&arena);
}

static void role_holds(const char *text, const char *role, const char *expected)
{
	struct pol_snapshot *snapshot = compile(text);
	uint32_t number = pol_snapshot_role(snapshot, pol_str_of(role));

	cr_assert_neq(number, POL_NONE);
	holds(snapshot, &snapshot->roles[number], expected);
	pol_snapshot_unref(snapshot);
}

Test(conditional, grants_with_a_condition_are_apart)
{
	role_holds("role r {\nallow go on api:/x\nallow stop on api:/x when resource.b\n"
		   "deny go on api:/x/y when resource.c\n}\n",
		"r",
		"allow go:api/x\nallow stop:api/x when resource.b\ndeny go:x/y when resource.c\n");
}

Test(conditional, grants_with_one_condition_and_effect_are_joined)
{
	role_holds("role r {\nallow go on api:/x when resource.b\n"
		   "allow stop on api:/x when resource.c\n"
		   "allow go on api:/x/y when resource.b is true\n"
		   "deny go on api:/x/y when resource.b\n}\n",
		"r",
		"allow go:api/x go:x/y when resource.b\nallow stop:api/x when resource.c\n"
		"deny go:x/y when resource.b\n");
}

Test(conditional, scopes_and_role_anyone_have_them)
{
	struct pol_snapshot *snapshot =
		compile("role anyone { allow go on api:/x when resource.b }\n"
			"scope s { allow go on api:/x when resource.c }\n");

	holds(snapshot, &snapshot->roles[snapshot->anyone], "allow go:api/x when resource.b\n");
	holds(snapshot, &snapshot->scopes[0], "allow go:api/x when resource.c\n");
	pol_snapshot_unref(snapshot);
}

Test(conditional, they_are_inherited)
{
	static const char text[] =
		"role a { allow go on api:/x when resource.b\n"
		"deny stop on api:/x when resource.c }\n"
		"role b { allow stop on api:/x when resource.b }\n"
		"role c inherits a, b {\nallow go on api:/x/y when resource.c\n}\n"
		"role d inherits c { allow go on api:/u/{user} }\n";
	static const char inherited[] = "allow go:x/y when resource.c\n"
					"allow go:api/x stop:api/x when resource.b\n"
					"deny stop:api/x when resource.c\n";
	char expected[256];

	role_holds(text, "c", inherited);
	snprintf(expected, sizeof expected, "allow go:u/user\n%s", inherited);
	role_holds(text, "d", expected);
}

Test(conditional, an_exception_stands_before_the_condition)
{
	role_holds("role r { allow all on api:/x/** except stop on api:/x when resource.b }\n", "r",
		"allow go:api/x go:x/y when resource.b\n");
}

Test(conditional, a_parameter_is_a_segment_of_each_path)
{
	struct pol_snapshot *snapshot =
		compile("role r {\nallow go on api:/u/{user}, api:/u/{user}/{id} when {user} is "
			"principal.id\n}\n");
	const struct pol_conditional *one = snapshot->roles[0].conditionals;

	holds(snapshot, &snapshot->roles[0],
		"allow go:u/user go:user/id when {user} is principal.id\n");
	cr_expect_eq(one->condition->predicate->left.kind, POL_OPERAND_SEGMENT);
	cr_expect_eq(one->condition->predicate->left.number, 1);
	pol_snapshot_unref(snapshot);
}

Test(conditional, paths_in_which_a_parameter_is_another_segment_are_conditionals_of_their_own)
{
	struct pol_snapshot *snapshot = compile(
		"role r {\nallow go on api:/t/{team}/u/{user}, api:/u/{user}, api:/u/{user}/** "
		"except go on api:/u/{user}/{id}\nwhen {user} is principal.id\n}\n");
	const struct pol_grantee *role = &snapshot->roles[0];

	holds(snapshot, role,
		"allow go:u/user when {user} is principal.id\n"
		"allow go:u/user when {user} is principal.id\n");
	cr_expect_eq(role->conditionals[0].condition->predicate->left.number, 3);
	cr_expect_eq(role->conditionals[1].condition->predicate->left.number, 1);
	cr_expect_eq(snapshot->role_origins[0].rule_count, 2);
	cr_expect_eq(snapshot->role_origins[0].rules[0].condition, role->conditionals[0].condition);
	cr_expect_eq(snapshot->grant_count, 1);
	pol_snapshot_unref(snapshot);
}

Test(conditional, rules_have_their_conditions)
{
	struct pol_snapshot *snapshot =
		compile("role r {\nallow go on api:/x\nallow stop on api:/x when resource.b\n}\n");
	const struct pol_origin *origin = &snapshot->role_origins[0];

	cr_assert_eq(origin->rule_count, 2);
	cr_expect_null(origin->rules[0].condition);
	cr_expect_eq(origin->rules[1].condition, snapshot->roles[0].conditionals[0].condition);
	pol_snapshot_unref(snapshot);
}

/* --- messages --------------------------------------------------------------------------------- */

Test(conditional, mistakes_with_parameters)
{
	says("role r {\nallow go on api:/u/{user}, api:/x when {user} is principal.id\n}\n",
		"error 8:28 no '{user}' in this path: each path of the grant names what its "
		"condition compares\n"
		"note 8:41 compared here\n");
	says("role r {\nallow go on api:/u/{user} when {usr} is principal.id\n}\n",
		"error 8:13 no '{usr}' in this path: each path of the grant names what its "
		"condition compares\n"
		"note 8:33 compared here\n");
	says("role r {\nallow go on api:/f/{path...} when {path} is principal.id\n}\n",
		"error 8:36 '{path...}' is the rest of a path: a condition compares one segment\n");
	says("role r {\nallow go on api:/s/{user}/{id}/{user} when {user} is principal.id\n}\n",
		"error 8:32 '{user}' twice in one path: a condition of the grant compares it\n");
	says("role r {\nallow go on api:/u/{user} when {user} is 17\n}\n",
		"error 8:42 {user} is a string, but 17 is an int: write \"17\"\n");
}

Test(conditional, one_that_is_written_as_before_has_messages_in_each_place)
{
	says("role r {\nallow go on api:/u/{user} when {user} is principal.id\n"
	     "allow go on api:/x when {user} is principal.id\n}\n",
		"error 9:13 no '{user}' in this path: each path of the grant names what its "
		"condition compares\n"
		"note 9:26 compared here\n");
	says("role r {\nallow go on api:/x when resource.b and not resource.b\n"
	     "  allow stop on api:/x when resource.b and not resource.b\n}\n",
		"warning 8:25 this condition is never true, whatever the facts are\n"
		"warning 9:29 this condition is never true, whatever the facts are\n");
	says("role r {\nallow go on api:/x when resource.b\nallow read on authz:/audit when "
	     "resource.b\n}\n",
		"error 9:33 the tree 'authz' knows no conditions: a management call brings no "
		"facts\n");
}

Test(conditional, the_tree_authz_knows_none)
{
	says("role r {\nallow read on authz:/audit when resource.b\n}\n",
		"error 8:33 the tree 'authz' knows no conditions: a management call brings no "
		"facts\n");
}

Test(conditional, a_rule_without_a_condition_covers_one_with_it)
{
	says("role r {\nallow go on api:/x\nallow go on api:/x when resource.b\n}\n",
		"warning 9:1 another rule covers this one whole: its condition never matters\n"
		"note 8:1 that one\n");
	says("role r {\nallow go on api:/x when resource.b\nallow go on api:/x\n}\n",
		"warning 8:1 another rule covers this one whole: its condition never matters\n"
		"note 9:1 that one\n");
	says("role r {\nallow go, stop on api:/x when resource.b\n"
	     "allow go on api:/x when resource.b\n}\n",
		"warning 9:1 another rule covers this one whole\nnote 8:1 that one\n");
	says("role r {\nallow go, stop on api:/x when resource.b\n"
	     "allow go on api:/x when resource.c\nallow stop, go on api:/x/y, api:/x\n"
	     "deny stop on api:/x when resource.b\n}\n",
		"warning 8:1 another rule covers this one whole: its condition never matters\n"
		"note 10:1 that one\n"
		"warning 9:1 another rule covers this one whole: its condition never matters\n"
		"note 10:1 that one\n");
	says("role r {\nallow go on api:/x when resource.b\nallow go on api:/x when "
	     "resource.c\n}\n",
		"");
}

Test(conditional, a_role_of_conditional_grants_grants_something)
{
	says("role r { allow go on api:/x when resource.b }\n", "");
	says("role r { deny go on api:/x when resource.b }\n", "");
	says("role r { allow go on api:/x when resource.b\ndeny go on api:/x }\n",
		"warning 7:6 role 'r' grants nothing: it denies all that it allows\n");
	says("role r { allow go on api:/x\ndeny go on api:/x when resource.b }\n", "");
}

Test(conditional, a_mistake_in_a_condition_gives_one_message)
{
	says("role r {\nallow go on api:/x when resource.d\nallow go on api:/x\n}\n"
	     "role s inherits r { allow go on api:/x when resource.s is 7 }\n",
		"error 8:25 unknown fact 'resource.d': did you mean 'resource.b'?\n"
		"error 11:59 resource.s is a string, but 7 is an int: write \"7\"\n");
	says("condition c = resource.d\nrole r { allow go on api:/x when c }\n",
		"error 7:15 unknown fact 'resource.d': did you mean 'resource.b'?\n");
}
