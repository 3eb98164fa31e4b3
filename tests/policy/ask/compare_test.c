/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/compare.h"

#include "tests/policy/ask/compared.h"

#define TREE                                                                                       \
	"tree api { /loans { list GET, create POST\n /{loan} { read GET\n update PUT PATCH\n"      \
	" delete DELETE\n /notes { GET, POST } } }\n /health { GET } }\n"

Test(compare, a_rewriting_that_changes_nothing_gives_nothing)
{
	check(TREE "role a { allow GET on api:/** }\nrole b inherits a {\nallow update on "
		   "api:/loans/{loan}\n}\nrole c { allow GET, POST on api:/loans }\n"
		   "exclusive a, c\nstack other {\nauthenticate required key\naccount include "
		   "net\nauthorize required role\n}\nstack net { account required network "
		   "allow=10.0.0.0/8,192.168.0.0/16 }\n",
		"tree api { /health { GET } }\ntree api { /loans { create POST, list GET\n /{id} { "
		"read GET\n delete DELETE\n update PATCH PUT\n /notes { POST, GET } } } }\n"
		"exclusive c, a\nrole c { allow list on api:/loans\nallow create on api:/loans }\n"
		"role b { allow GET on api:/health, api:/loans/**\nallow PUT, PATCH on "
		"api:/loans/* }\nrole a \"Reads\" { allow GET on api:/**\n}\n"
		"stack other {\nauthenticate required key\naccount required network "
		"allow=192.168.0.0/16,10.0.0.0/8\nauthorize required role\n}\n",
		"");
}

Test(compare, whole_subtrees_are_one_pattern)
{
	check(TREE "role a { allow GET on api:/health }\nscope s { allow all on api:/loans/** }\n",
		TREE
		"role a { allow all on api:/** }\nscope s { allow GET on api:/loans/{loan} }\n",
		"role a +\n"
		"  gained GET,POST api:/loans/**\n"
		"  gained PUT,PATCH,DELETE api:/loans/{loan}\n"
		"scope s -\n"
		"  lost GET api:/loans\n"
		"  lost POST api:/loans/**\n"
		"  lost PUT,PATCH,DELETE api:/loans/{loan}\n"
		"  lost GET api:/loans/{loan}/notes\n");
}

Test(compare, roles_may_come_and_go)
{
	check(TREE "role a { allow GET on api:/health }\n",
		TREE "role b { allow GET on api:/health }\n",
		"role b new +\n  gained GET api:/health\n"
		"role a removed -\n  lost GET api:/health\n");
}

Test(compare, a_denial_counts_whatever_else_is_held)
{
	check(TREE "role a { allow GET on api:/** }\nrole b { deny GET on api:/health\nallow POST "
		   "on api:/loans }\n",
		TREE "role a { allow GET on api:/**\ndeny GET on api:/loans }\nrole b { allow POST "
		     "on api:/loans }\n",
		"role a -\n  lost GET api:/loans\n  denied GET api:/loans\n"
		"role b +\n  undenied GET api:/health\n");
}

Test(compare, new_nodes_are_gained_by_those_who_hold_them)
{
	check("tree api { /a { GET } }\nrole a { allow GET on api:/** }\nrole b { allow GET on "
	      "api:/a }\n",
		"tree api { /a { GET }\n /b { GET, POST\n /c { GET } } }\nrole a { allow GET on "
		"api:/** }\nrole b { allow GET on api:/a }\n",
		"tree api\n  declared POST api:/b\n  declared GET api:/b/**\n"
		"role a +\n  gained GET api:/b/**\n");
}

/* Without the literal the parameter answers, as it does a request. */
Test(compare, a_literal_that_goes_gives_its_paths_to_the_parameter_beside_it)
{
	const char *with = "tree api { /a { /secret { GET }\n /{x} { GET, PUT\n /n { GET } } } }\n"
			   "role a { allow all on api:/a/{x}\nallow GET on api:/a/{x}/n }\n";
	const char *without = "tree api { /a { /{x} { GET, PUT\n /n { GET } } } }\n"
			      "role a { allow all on api:/a/{x}\nallow GET on api:/a/{x}/n }\n";

	check(with, without,
		"tree api\n  dropped GET api:/a/secret\n"
		"role a +\n  gained PUT api:/a/secret\n  gained GET api:/a/secret/**\n");
	check(without, with,
		"tree api\n  declared GET api:/a/secret\n"
		"role a -\n  lost PUT api:/a/secret\n  lost GET api:/a/secret/**\n");
}

Test(compare, head_goes_with_get_until_it_is_declared)
{
	check("tree api { /a { GET } }\nrole a { allow GET on api:/a }\n",
		"tree api { /a { GET, HEAD } }\nrole a { allow GET on api:/a }\n",
		"tree api\n  declared HEAD api:/a\nrole a -\n  lost HEAD api:/a\n");
	check("tree api { /a { GET } }\nrole a { allow GET on api:/a }\n",
		"tree api { /a { GET, HEAD } }\nrole a { allow GET, HEAD on api:/a }\n",
		"tree api\n  declared HEAD api:/a\n");
}

Test(compare, the_methods_of_an_action_count)
{
	check("tree api { /a { update PUT, delete DELETE } }\n",
		"tree api { /a { update PUT PATCH, delete DELETE } }\n",
		"tree api + -\n  declared PATCH api:/a\n"
		"  altered action update of api:/a: PUT -> PUT PATCH\n");
	check("tree api { /a { GET } }\n", "tree api { strict_slash yes\n /a { GET } }\n",
		"tree api + -\n  altered strict_slash: no -> yes\n");
}

Test(compare, environments_limits_and_exclusive_roles)
{
	check(TREE "environment live prefix a_\nenvironment test prefix b_\nlimits { key_ttl 365d\n"
		   "rotation_overlap 24h }\nrole a { allow GET on api:/** }\nrole b { allow GET on "
		   "api:/** }\nrole c { allow GET on api:/** }\nexclusive a, b\n",
		TREE "environment live prefix a_\nenvironment dev prefix d_\nlimits { "
		     "rotation_overlap 90m }\nrole a { allow GET on api:/** }\nrole b { allow GET "
		     "on api:/** }\nrole c { allow GET on api:/** }\nexclusive a, b, c\n",
		"environment dev new +\n  added prefix d_\n"
		"environment test removed -\n  removed prefix b_\n"
		"limits + -\n  altered key_ttl: 365d -> no limit\n"
		"  altered rotation_overlap: 1d -> 90m\n"
		"exclusive -\n  added a, c\n  added b, c\n");
	check(TREE "role a { allow GET on api:/** }\nrole b { allow GET on api:/** }\nrole c { "
		   "allow GET on api:/** }\nexclusive a, b, c\n",
		TREE "role a { allow GET on api:/** }\nrole b { allow GET on api:/** }\nrole c { "
		     "allow GET on api:/** }\n",
		"exclusive +\n  removed a, b, c\n");
}

Test(compare, stacks_are_compared_after_inclusion)
{
	const char *begin = "stack other {\nauthenticate required key\n";
	char before[512], after[512];

	snprintf(before, sizeof before,
		"%saccount required mfa max_age=1h\naccount required network allow=10.0.0.0/8\n"
		"authorize required role\n}\nstack gone {\naccount required mfa\n}\n",
		begin);
	snprintf(after, sizeof after,
		"%saccount include net\naccount required mfa max_age=2h\n"
		"authorize required role\n}\nstack net {\naccount required network "
		"allow=10.0.0.0/8\n}\n",
		begin);
	check(before, after,
		"stack other + -\n  removed account required mfa max_age=1h\n"
		"  added account required mfa max_age=2h\n");
}

Test(compare, principals_gain_what_their_roles_allow_at_their_places)
{
	const char *roles = TREE "role a { allow GET on api:/loans/** }\nrole b { allow POST on "
				 "api:/loans/** }\n";
	char before[1024], after[1024];

	snprintf(before, sizeof before, "%sprincipal p {\n role a\n role b at api:/loans/7\n}\n",
		roles);
	snprintf(after, sizeof after,
		"%sprincipal p {\n peer user nobody\n role b\n role a at "
		"api:/loans/8/notes\n}\n",
		roles);
	check(before, after,
		"principal p + -\n"
		"  gained POST api:/loans/**\n"
		"  lost GET api:/loans/**\n"
		"  lost GET api:/loans/7/** at api:/loans/7\n"
		"  gained POST api:/loans/8/notes at api:/loans/8/notes\n"
		"  added peer user nobody\n");
}

Test(compare, what_a_role_gives_ends_with_it)
{
	const char *roles = TREE "role a { allow GET on api:/health }\n";
	char before[512], after[512];

	snprintf(before, sizeof before, "%sprincipal p { role a until 2025-12-02 }\n", roles);
	snprintf(after, sizeof after, "%sprincipal p { role a until 2025-12-03 }\n", roles);
	check(before, after,
		"principal p +\n  gained GET api:/health from +86400\n  none from +172800\n");
	snprintf(before, sizeof before, "%sprincipal p { role a until 2025-11-01 }\n", roles);
	check(before, after, "principal p +\n  gained GET api:/health\n  none from +172800\n");
}

Test(compare, a_role_with_another_name_changes_nothing_for_a_principal)
{
	check(TREE "role a { allow GET on api:/** }\nprincipal p { role a }\n",
		TREE "role b { allow GET on api:/** }\nprincipal p { role b }\n",
		"role b new +\n  gained GET api:/**\nrole a removed -\n  lost GET api:/**\n");
}

/* A tree of 64 nodes a level, so that a set has several chunks. */
static struct pol_snapshot *make_large(const char *roles)
{
	char *text = malloc(1 << 20);
	size_t used = 0;
	struct pol_snapshot *snapshot;

	cr_assert_not_null(text);
	used += (size_t)sprintf(text, "tree api {\n");
	for (int i = 0; i < 64; i++) {
		used += (size_t)sprintf(text + used, "/c%d { GET, POST\n", i);
		for (int k = 0; k < 32; k++) {
			used += (size_t)sprintf(text + used, "/d%d { GET, POST }\n", k);
		}
		used += (size_t)sprintf(text + used, "}\n");
	}
	sprintf(text + used, "}\n%s", roles);
	snapshot = compiled_text_good(text);
	free(text);
	return snapshot;
}

Test(compare, what_is_nearly_whole_is_written_with_its_exceptions)
{
	struct pol_snapshot *one = make_large("role a { allow POST on api:/c3/d4, api:/c9/** }\n");
	struct pol_snapshot *other = make_large("role a { allow all on api:/** }\n");
	struct said *said = calloc(1, sizeof *said);
	struct pol_compare *compare;
	struct pol_difference difference;

	cr_assert_eq(pol_compare_open(one, other, &compare), POL_OK);
	cr_assert_eq(pol_compare_roles(compare, pol_snapshot_role(one, POL_STR("a")),
			     pol_snapshot_role(other, POL_STR("a")), &difference),
		POL_OK);
	difference.name = POL_STR("a");
	on_difference(said, &difference);
	cr_expect_str_eq(said->text,
		"role a +\n  gained GET api:/**\n"
		"  gained POST api:/** except api:/c3/d4,api:/c9/**\n",
		"got:\n%s", said->text);
	cr_assert_eq(difference.count, 2);
	cr_expect_eq(difference.changes[0].permissions, 64 * 33);
	cr_expect_eq(difference.changes[1].permissions, 64 * 33 - 34);
	pol_compare_close(compare);
	free(said);
	pol_snapshot_unref(one);
	pol_snapshot_unref(other);
}
