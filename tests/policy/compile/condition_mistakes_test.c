/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/policy/compile/condition_head.h"

/* The mistakes in conditions: what is said, and where. */

/* Each text is `condition c = …`, and has one error, whose column counts from the text's own. */
static void refuses(const char *text, unsigned column, const char *message)
{
	char policy[4096], expected[4096];

	snprintf(policy, sizeof policy, "condition c = %s\n", text);
	snprintf(expected, sizeof expected, "error %d:%u %s\n", CONDITION_LINE, column + 14,
		message);
	condition_says(policy, expected);
}

Test(condition_mistakes, sides_of_different_types_are_named)
{
	refuses("resource.s is 17", 15, "resource.s is a string, but 17 is an int: write \"17\"");
	refuses("resource.s is ann", 15,
		"resource.s is a string, but ann is not quoted: write \"ann\"");
	refuses("resource.s is ip", 15,
		"resource.s is a string, but ip is not quoted: write \"ip\", or context.ip");
	refuses("resource.i <= j", 15, "unknown fact 'j': did you mean 'context.j'?");
	refuses("j < 17", 1, "unknown fact 'j': did you mean 'context.j'?");
	refuses("resource.i is \"17\"", 15,
		"resource.i is an int, but \"17\" is a string: write 17");
	refuses("resource.i is \"x\"", 15, "resource.i is an int, but \"x\" is a string");
	refuses("resource.i < resource.at", 14, "resource.i is an int, but resource.at is a time");
	refuses("resource.i < 8h", 14, "resource.i is an int, but 8h is a duration");
	refuses("8h < resource.i", 1, "resource.i is an int, but 8h is a duration");
	refuses("resource.w is \"draft\"", 15,
		"resource.w is one of draft, active, old, but \"draft\" is a string: write draft");
	refuses("resource.w is drfat", 15,
		"'drfat' is not a word of resource.w: did you mean 'draft'?");
	refuses("resource.w is context.v", 15,
		"resource.w is one of draft, active, old, but context.v is one of draft, active");
	refuses("resource.s is resource.w", 15,
		"resource.s is a string, but resource.w is one of draft, active, old");
	refuses("resource.i in 1, \"2\"", 18,
		"resource.i is an int, but \"2\" is a string: write 2");
	refuses("resource.i is foo", 15, "resource.i is an int, but foo is a word");
	refuses("resource.b is 1", 15, "resource.b is a bool, but 1 is an int");
}

Test(condition_mistakes, what_a_comparison_cannot_compare)
{
	refuses("resource.set is \"a\"", 1,
		"resource.set is a set of strings: 'is' does not compare sets, 'has' looks for a "
		"member");
	refuses("resource.s is resource.set", 15,
		"resource.set is a set of strings: 'is' does not compare sets, 'has' looks for a "
		"member");
	refuses("resource.set in \"a\"", 1,
		"resource.set is a set of strings: a set is in nothing, 'has' asks for a member");
	refuses("resource.ip is 10.0.0.0/8", 16,
		"10.0.0.0/8 is a network: write 'in' for its addresses");
	refuses("resource.ip in 10.0.0.1/8", 16,
		"'10.0.0.1/8' has bits after its prefix: write the first address of the network");
	refuses("resource.s < resource.t", 1,
		"resource.s is a string: only ints, times and durations have an order");
	refuses("resource.b < resource.c", 1,
		"resource.b is a bool: only ints, times and durations have an order");
	refuses("resource.s has \"a\"", 1, "resource.s is a string: 'has' asks a set");
	refuses("resource.set has 17", 18,
		"17 is an int: resource.set is a set of strings, write \"17\"");
	refuses("resource.set has resource.i", 18,
		"resource.i is an int: resource.set is a set of strings");
	refuses("resource.set has principal.set", 18,
		"principal.set is a set of strings: write 'has any' or 'has all'");
	refuses("17 is 17", 1,
		"two values are compared, which is always the same: one side is a fact or a "
		"parameter");
	refuses("\"a\" in \"b\"", 1,
		"two values are compared, which is always the same: one side is a fact or a "
		"parameter");
	refuses("10.0.0.1 in 10.0.0.0/8", 1,
		"two values are compared, which is always the same: one side is a fact or a "
		"parameter");
	refuses("resource.i is 9223372036854775808", 15,
		"'9223372036854775808' is too large: an int has 64 bits");
}

Test(condition_mistakes, roles_are_asked_for_names_in_quotes_alone)
{
	refuses("principal.roles has resource.s", 21,
		"resource.s is a string: principal.roles is asked for names in quotes alone");
	refuses("resource.s in principal.roles", 1,
		"resource.s is a string: principal.roles is asked for names in quotes alone");
	refuses("principal.roles has any \"a\", principal.set", 30,
		"principal.set is a set of strings: principal.roles is asked for names in quotes "
		"alone");
	refuses("principal.set has all principal.roles", 23,
		"principal.roles is a set of strings: principal.roles is asked for names in quotes "
		"alone");
	refuses("principal.roles has admin", 21,
		"admin is a word: principal.roles is a set of strings, write \"admin\"");
}

Test(condition_mistakes, what_stands_alone)
{
	refuses("resource.s", 1,
		"resource.s is a string: alone stands a fact that is a bool, or a condition's "
		"name");
	refuses("true", 1,
		"true is a bool: alone stands a fact that is a bool, or a condition's name");
	refuses("\"a\"", 1,
		"\"a\" is a string: alone stands a fact that is a bool, or a condition's name");
	refuses("own", 1, "unknown condition 'own'");
	condition_says("condition own_branch = resource.b\ncondition d = own_brnch\n",
		"error 19:15 unknown condition 'own_brnch': did you mean 'own_branch'?\n");
	condition_says("condition own = resource.b\ncondition d = own is true\n",
		"error 19:15 'own' is a condition: it is not compared, it stands alone\n");
}

Test(condition_mistakes, an_unknown_fact_is_no_string)
{
	refuses("resource.x is \"a\"", 1, "unknown fact 'resource.x': did you mean 'resource.b'?");
	refuses("resorce.set has \"a\"", 1,
		"unknown fact 'resorce.set': did you mean 'resource.set'?");
	refuses("resource.i < context.jj", 14,
		"unknown fact 'context.jj': did you mean 'context.j'?");
	refuses("customer.name is \"a\"", 1, "unknown fact 'customer.name'");
}

Test(condition_mistakes, all_mistakes_are_found_at_once)
{
	condition_says("condition c = resource.x1234 is \"a\" and resource.i is \"b\" or own\n",
		"error 18:15 unknown fact 'resource.x1234'\n"
		"error 18:55 resource.i is an int, but \"b\" is a string\n"
		"error 18:62 unknown condition 'own'\n");
}

Test(condition_mistakes, roles_that_no_file_has_are_warned_of)
{
	condition_says(
		"role clerk { allow go on api:/x }\n"
		"condition a = principal.roles has \"clrk\" or principal.roles has \"clerk\"\n"
		"role r {\n"
		" allow go on api:/x when principal.roles has any \"r\", \"Clerk\"\n"
		" deny go on api:/x when not (a or \"zebra\" in resource.set, principal.roles)\n"
		" allow go on api:/u/{user} when principal.roles has \"zebra\"\n"
		" allow stop on api:/x when principal.roles has \"zebra\"\n"
		"}\n"
		"scope s { allow go on api:/x when \"clerc\" not in principal.roles }\n",
		"warning 19:35 unknown role 'clrk': did you mean 'clerk'?\n"
		"warning 21:55 unknown role 'Clerk': did you mean 'clerk'?\n"
		"warning 22:35 unknown role 'zebra'\n"
		"warning 23:53 unknown role 'zebra'\n"
		"warning 24:48 unknown role 'zebra'\n"
		"warning 26:35 unknown role 'clerc': did you mean 'clerk'?\n");
}

Test(condition_mistakes, an_unknown_role_is_not_warned_of_after_a_mistake_or_where_that_is_silenced)
{
	condition_says("role clerk {\n"
		       " allow go on api:/x when principal.roles has \"a\" and resource.x is \"\"\n"
		       "}\n",
		"error 19:54 unknown fact 'resource.x': did you mean 'resource.b'?\n");
	condition_says("role clerk {\n"
		       " # lint: allow unknown-role of a policy to come\n"
		       " allow go on api:/x when principal.roles has \"a\"\n"
		       "}\n",
		"");
	condition_says("role clerk { allow go on api:/x when resource.set has \"a\" }\n", "");
}

Test(condition_mistakes, names)
{
	condition_says("condition a = resource.b\ncondition a = resource.c\n",
		"error 19:11 condition 'a' is declared twice\nnote 18:11 first here\n");
	condition_says("condition draft = resource.b\ncondition user = resource.c\n",
		"error 18:11 condition 'draft' has the name of a word of resource.w\n"
		"note 14:1 declared here\n"
		"error 18:11 condition 'draft' has the name of a word of context.w\n"
		"note 15:1 declared here\n"
		"error 18:11 condition 'draft' has the name of a word of context.v\n"
		"note 16:1 declared here\n"
		"error 19:11 condition 'user' has the name of a word of principal.kind\n");
	condition_says("condition a = c\ncondition b = not a and resource.b\ncondition c = "
		       "resource.c or b\n"
		       "condition d = a\n",
		"error 18:11 a circle: condition 'a' names 'c' names 'b' names 'a'\n"
		"note 18:15 'a' names 'c' here\n"
		"note 20:29 'c' names 'b' here\n"
		"note 19:19 'b' names 'a' here\n");
	condition_says("condition a = a\n",
		"error 18:11 a circle: condition 'a' names 'a'\nnote 18:15 'a' names 'a' here\n");
	condition_says("condition a = {user} is \"x\"\n",
		"error 18:16 '{user}' belongs to a grant's own "
		"condition: a named one has no path\n");
}

Test(condition_mistakes, of_many_circles_the_first_forty_are_shown_step_by_step)
{
	char text[512] = "condition a = a";

	for (int i = 1; i < 40; i++) {
		strcat(text, " or a");
	}
	condition_says(text,
		"error 18:11 a circle: condition 'a' names 'a'\nnote 18:210 'a' names 'a' here\n");
	strcat(text, " or a");
	condition_says(text,
		"error 18:11 a circle: condition 'a' names 'a'\nnote 18:215 'a' names 'a' here\n"
		"error 18:11 a circle: condition 'a' is part of what it names\n");
}
