/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/compared.h"

#define FACTS                                                                                      \
	"facts { principal.branch string\nresource.branch string\nresource.owner string\n"         \
	"resource.status draft | active | archived default active\ncontext.amount int\n"           \
	"context.urgent bool default false }\n"
#define TREE "tree api { /loans { list GET\n/{loan} { read GET\nupdate PUT\napprove POST } } }\n"
#define LOAN " on api:/loans/{loan} "
/* Each fact is read, and nobody holds the role. */
#define READER                                                                                     \
	"role reader { allow update" LOAN "when principal.branch is resource.branch and "          \
	"resource.owner is principal.id and resource.status is draft and context.amount < 1 and "  \
	"context.urgent }\n"
#define POLICY FACTS TREE READER

Test(compare_conditions, what_is_written_otherwise_but_equal_is_no_difference)
{
	check(POLICY "condition small = context.amount <= 500\n"
		     "role a { allow read" LOAN "when small and resource.status in draft, active\n"
		     "allow update" LOAN "when not (context.urgent or context.amount > 5)\n"
		     "allow approve" LOAN "\ndeny approve" LOAN
		     "when resource.status is archived }\n",
		POLICY "role a { allow read" LOAN
		       "when not resource.status is archived and context.amount < 501\n"
		       "allow update" LOAN
		       "when context.urgent is not true and context.amount < 6\n"
		       "allow approve" LOAN "\ndeny approve" LOAN
		       "when not resource.status in active, draft }\n",
		"");
}

Test(compare_conditions, every_principal_has_a_kind)
{
	check(TREE "role a { allow read" LOAN "when principal.kind in user, service }\nrole b { "
		   "allow read" LOAN "}\n",
		TREE "role a { allow read" LOAN "when principal.kind is not none }\nrole b { "
		     "allow read" LOAN "when principal.kind is user\nallow read" LOAN
		     "when principal.kind is not user }\n",
		"");
}

Test(compare_conditions, a_condition_makes_a_grant_wider_or_narrower_or_both)
{
	check(POLICY "role a { allow read" LOAN "when context.amount <= 500\n"
		     "allow update" LOAN "when context.amount <= 500\n"
		     "allow approve" LOAN "when context.amount <= 500 }\n",
		POLICY "role a { allow read" LOAN "when context.amount <= 500 or context.urgent\n"
		       "allow update" LOAN "when context.amount <= 499\n"
		       "allow approve" LOAN "when context.amount > 100 }\n",
		"fact context.urgent\n  reads GET api:/loans/{loan}\n"
		"role a + -\n"
		"  wider GET api:/loans/{loan}: context.amount <= 500 -> context.amount <= 500 or "
		"context.urgent\n"
		"  narrower PUT api:/loans/{loan}: context.amount <= 500 -> context.amount <= 499\n"
		"  both POST api:/loans/{loan}: context.amount <= 500 -> context.amount > 100\n");
}

Test(compare_conditions, what_is_gained_or_lost_is_so_on_a_condition)
{
	check(POLICY "role a { allow read" LOAN "when context.urgent\nallow update" LOAN
		     "when context.urgent\nallow approve" LOAN "}\n",
		POLICY "role a { allow read" LOAN "\nallow approve" LOAN
		       "when context.urgent\nallow list on api:/loans when context.amount is 1 }\n",
		"fact context.amount\n  reads GET api:/loans\n"
		"fact context.urgent\n  reads POST api:/loans/{loan}\n"
		"role a + -\n"
		"  gained GET api:/loans when context.amount is 1\n"
		"  wider GET api:/loans/{loan}: context.urgent -> always\n"
		"  lost PUT api:/loans/{loan} when context.urgent\n"
		"  narrower POST api:/loans/{loan}: always -> context.urgent\n");
}

Test(compare_conditions, denials_have_conditions_too)
{
	check(POLICY "role a { allow read" LOAN "\ndeny update" LOAN "when context.urgent\n"
		     "deny approve" LOAN "when context.amount > 9 }\n",
		POLICY "role a { allow read" LOAN "\ndeny read" LOAN "when context.urgent\n"
		       "deny approve" LOAN "when context.amount > 8 }\n",
		"fact context.urgent\n  reads GET api:/loans/{loan}\n"
		"role a + -\n"
		"  narrower GET api:/loans/{loan}: always -> context.urgent is false or "
		"context.urgent absent\n"
		"  denied GET api:/loans/{loan} when context.urgent\n"
		"  undenied PUT api:/loans/{loan} when context.urgent\n"
		"  denied POST api:/loans/{loan}: context.amount > 9 -> context.amount > 8\n");
}

Test(compare_conditions, a_default_or_a_type_that_changes_is_said_with_what_it_does)
{
	check("facts { resource.a bool default true\nresource.b string\nresource.c x | y }\n" TREE
	      "role a { allow read" LOAN "when resource.a\nallow update" LOAN
	      "when resource.b is \"1\" }\nrole c { deny read" LOAN "when resource.c is x }\n"
	      "role d { deny update" LOAN "when resource.a }\n",
		"facts { resource.a bool\nresource.b int\nresource.c y | x\nresource.d int }\n" TREE
		"role a { allow read" LOAN "when resource.a\nallow update" LOAN
		"when resource.b is 1 }\nrole c { deny read" LOAN "when resource.c is x }\n"
		"role d { deny update" LOAN "when resource.a }\n",
		"fact resource.a + -\n  altered default: true -> no default\n"
		"fact resource.b + -\n  altered type: string -> int\n"
		"fact resource.d new\n  added int\n"
		"role a + -\n"
		"  narrower GET api:/loans/{loan}: resource.a or resource.a absent -> resource.a\n"
		"  both PUT api:/loans/{loan}: resource.b is \"1\" -> resource.b is 1\n");
}

Test(compare_conditions, with_too_many_facts_it_may_be_wider)
{
	static char texts[2][8192];

	for (int count = 20; count <= 21; count++) {
		for (int side = 0; side < 2; side++) {
			char *end = texts[side];

			end += sprintf(end, "facts {");
			for (int i = 0; i < count; i++) {
				end += sprintf(end, " resource.b%d bool\n", i);
			}
			end += sprintf(end, "}\n" TREE "role a { allow read" LOAN "when ");
			for (int i = 0; i < count - side; i++) {
				end += sprintf(end, "%sresource.b%d", i > 0 ? " and " : "", i);
			}
			sprintf(end, "\nallow update" LOAN "when resource.b%d }\n", count - 1);
		}
		cr_expect_eq(
			strstr(compared(texts[0], texts[1]), "  wider GET") != NULL, count == 20);
		cr_expect_eq(strstr(compared(texts[0], texts[1]), "  may_be_wider GET") != NULL,
			count == 21);
	}
}

Test(compare_conditions, a_literal_beside_a_parameter_has_the_parameters_value)
{
	check("tree api { /a { /{x} { GET } } }\nrole r { allow GET on api:/a/{x} when {x} is "
	      "\"b\" }\nrole s { allow GET on api:/a/{x} when {x} is not \"b\" }\n",
		"tree api { /a { /{x} { GET }\n/b { GET } } }\nrole r { allow GET on api:/a/{x} "
		"when {x} is \"b\"\nallow GET on api:/a/b }\n"
		"role s { allow GET on api:/a/{x} when {x} is not \"b\" }\n",
		"tree api\n  declared GET api:/a/b\n");
}

#define BRANCH                                                                                     \
	"role b { allow read" LOAN "when principal.branch is resource.branch }\nrole o { allow "   \
	"update" LOAN "when {loan} is principal.id }\n"

Test(compare_conditions, a_principal_gains_by_what_its_record_says)
{
	check(POLICY BRANCH "principal ann { attribute branch \"north\"\n role b\n role o }\n"
			    "principal bob { attribute branch \"north\"\n role b }\n",
		POLICY BRANCH "principal ann { attribute branch \"south\"\n role b\n"
			      " role o at api:/loans/bob }\n"
			      "principal bob { attribute branch \"north\"\n role b at "
			      "api:/loans/7 }\n",
		"principal ann + -\n"
		"  both GET api:/loans/{loan}: resource.branch is \"north\" -> resource.branch is "
		"\"south\"\n"
		"  lost PUT api:/loans/{loan} when {loan} is \"ann\"\n"
		"  both GET api:/loans/bob: resource.branch is \"north\" -> resource.branch is "
		"\"south\" at api:/loans/bob\n"
		"principal bob -\n"
		"  lost GET api:/loans/{loan} when resource.branch is \"north\"\n"
		"  none at api:/loans/7\n");
}

Test(compare_conditions, a_declared_principal_is_a_service)
{
	check(POLICY "role k { allow read" LOAN "when resource.owner is \"x\" }\n"
		     "principal ann { role k }\n",
		POLICY "role k { allow read" LOAN "when principal.kind is service }\n"
		       "principal ann { role k }\n",
		"role k + -\n"
		"  both GET api:/loans/{loan}: resource.owner is \"x\" -> principal.kind is "
		"service\n"
		"principal ann +\n"
		"  wider GET api:/loans/{loan}: resource.owner is \"x\" -> always\n");
}

Test(compare_conditions, what_can_only_be_at_a_place_is_compared_there)
{
	check(POLICY BRANCH "principal ann { role o }\nprincipal bob { role o }\n",
		POLICY BRANCH "principal ann { role o at api:/loans/ann }\n"
			      "principal bob { role o at api:/loans/ann, api:/loans/7 }\n",
		"principal bob -\n"
		"  lost PUT api:/loans/{loan} when {loan} is \"bob\"\n"
		"  none at api:/loans/ann\n"
		"  none at api:/loans/7\n");
}
