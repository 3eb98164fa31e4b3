/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/compiled_text.h"

/* Conditions: what they mean, by their structure and their text, and the mistakes in them. */

#define HEAD                                                                                       \
	"tree api { /x { go, stop }, /u/{user} { go, /{id} { go } }, /t/{team}/u/{user} { go }, "  \
	"/f/{path...} { go } }\n"                                                                  \
	"facts {\n"                                                                                \
	"resource.s string # lint: allow fact-unused\n"                                            \
	"resource.t string # lint: allow fact-unused\n"                                            \
	"resource.set strings # lint: allow fact-unused\n"                                         \
	"principal.set strings # lint: allow fact-unused\n"                                        \
	"resource.i int # lint: allow fact-unused\n"                                               \
	"context.j int # lint: allow fact-unused\n"                                                \
	"resource.b bool # lint: allow fact-unused\n"                                              \
	"resource.c bool # lint: allow fact-unused\n"                                              \
	"resource.at time # lint: allow fact-unused\n"                                             \
	"resource.for duration # lint: allow fact-unused\n"                                        \
	"resource.ip address # lint: allow fact-unused\n"                                          \
	"resource.w draft | active | old # lint: allow fact-unused\n"                              \
	"context.w old | active | draft # lint: allow fact-unused\n"                               \
	"context.v draft | active # lint: allow fact-unused\n"                                     \
	"}\n"
#define LINE 18 /* the first line after HEAD */

static void says(const char *text, const char *expected)
{
	char policy[65536];
	const char *texts = policy;
	struct compiled_text compiled;

	snprintf(policy, sizeof policy, "%s%s", HEAD, text);
	compiled_text_of(&compiled, &texts, 1);
	cr_expect_str_eq(compiled.said, expected, "%s\n%s\nnot\n%s", text, compiled.said, expected);
	pol_snapshot_unref(compiled.snapshot);
}

static struct pol_snapshot *compile(const char *text)
{
	char policy[65536];
	const char *texts = policy;
	struct compiled_text compiled;

	snprintf(policy, sizeof policy, "%s%s", HEAD, text);
	compiled_text_of(&compiled, &texts, 1);
	cr_assert_not_null(compiled.snapshot, "%s: %s", text, compiled.said);
	return compiled.snapshot;
}

/* Compiles `condition c = TEXT`, whose canonical text it returns in `out`; NULL: refused. */
static struct pol_snapshot *compile_one(const char *text, char *out, size_t size)
{
	char policy[65536];
	struct pol_snapshot *snapshot;
	size_t len;

	snprintf(policy, sizeof policy, "condition c = %s\n", text);
	snapshot = compile(policy);
	cr_assert_not_null(snapshot->conditions[0]);
	len = pol_condition_format(snapshot, snapshot->conditions[0], out, size);
	cr_assert_eq(len, strlen(out));
	return snapshot;
}

/* --- meaning ---------------------------------------------------------------------------------- */

/* The structure, with negated predicates as ! and operators before their parts. */
static void put_structure(const struct pol_snapshot *snapshot,
	const struct pol_condition *condition, char *out, size_t size)
{
	size_t used = strlen(out);

	if (condition->kind == POL_CONDITION_PREDICATE) {
		static const char *const names[] = { "true", "is", "<", "<=", "has", "any", "all",
			"within" };
		const struct pol_operand *sides[] = { &condition->predicate->left,
			&condition->predicate->right };
		char text[2][128];

		for (int i = 0; i < 2; i++) {
			if (sides[i]->kind == POL_OPERAND_FACT) {
				snprintf(text[i], sizeof text[i], "%.*s",
					POL_STR_ARGS(snapshot->facts[sides[i]->number].name));
			} else if (sides[i]->kind == POL_OPERAND_SEGMENT) {
				snprintf(text[i], sizeof text[i], "#%u", sides[i]->number);
			} else {
				pol_value_format(&sides[i]->value, text[i], sizeof text[i]);
			}
		}
		snprintf(out + used, size - used, "%s(%s %s%s%s)", condition->negated ? "!" : "",
			names[condition->predicate->comparison], text[0],
			condition->predicate->comparison == POL_COMPARE_TRUE ? "" : " ",
			condition->predicate->comparison == POL_COMPARE_TRUE ? "" : text[1]);
		return;
	}
	used += (size_t)snprintf(
		out + used, size - used, condition->kind == POL_CONDITION_AND ? "and[" : "or[");
	for (uint32_t i = 0; i < condition->part_count; i++) {
		cr_expect_neq(condition->parts[i]->kind, condition->kind);
		put_structure(snapshot, condition->parts[i], out, size);
	}
	cr_expect_geq(condition->part_count, 2);
	used = strlen(out);
	snprintf(out + used, size - used, "]");
}

Test(condition, the_structure_of_each_comparison)
{
	static const struct {
		const char *text;
		const char *structure;
		const char *canonical; /* NULL: as the text */
	} cases[] = {
		{ "resource.b", "(true resource.b)", NULL },
		{ "not resource.b", "!(true resource.b)", NULL },
		{ "not not resource.b", "(true resource.b)", "resource.b" },
		{ "resource.b is true", "(true resource.b)", "resource.b" },
		{ "resource.b is false", "!(true resource.b)", "not resource.b" },
		{ "resource.b is not false", "(true resource.b)", "resource.b" },
		{ "true is resource.b", "(true resource.b)", "resource.b" },
		{ "resource.b is resource.c", "(is resource.b resource.c)", NULL },
		{ "resource.s is \"a \\\" b\"", "(is resource.s \"a \\\" b\")", NULL },
		{ "resource.s is not resource.t", "!(is resource.s resource.t)", NULL },
		{ "\"a\" is resource.s", "(is resource.s \"a\")", "resource.s is \"a\"" },
		{ "resource.i < 7", "(< resource.i 7)", NULL },
		{ "resource.i <= context.j", "(<= resource.i context.j)", NULL },
		{ "resource.i > 7", "(< 7 resource.i)", NULL },
		{ "resource.i >= -7", "(<= -7 resource.i)", NULL },
		{ "7 > resource.i", "(< resource.i 7)", "resource.i < 7" },
		{ "not resource.i < 7", "(<= 7 resource.i)", "resource.i >= 7" },
		{ "not resource.i >= context.j", "(< resource.i context.j)",
			"resource.i < context.j" },
		{ "resource.i is 7", "(is resource.i 7)", NULL },
		{ "resource.at < 2026-11-22T03:05:38Z", "(< resource.at 2026-11-22T03:05:38Z)",
			NULL },
		{ "resource.for <= 8h", "(<= resource.for 28800s)", "resource.for <= 28800s" },
		{ "context.mfa_age < 0s", "(< context.mfa_age 0s)", NULL },
		{ "resource.ip is 10.0.0.1", "(is resource.ip 10.0.0.1)", NULL },
		{ "resource.ip in 10.0.0.0/8", "(within resource.ip 10.0.0.0/8)", NULL },
		{ "resource.ip not in 10.0.0.0/8, 10.0.0.1, ::1",
			"and[!(within resource.ip 10.0.0.0/8)!(is resource.ip 10.0.0.1)"
			"!(is resource.ip ::1)]",
			NULL },
		{ "resource.w is draft", "(is resource.w draft)", NULL },
		{ "resource.w is not context.w", "!(is resource.w context.w)", NULL },
		{ "resource.w in draft, old", "or[(is resource.w draft)(is resource.w old)]",
			NULL },
		{ "resource.s in \"a\"", "(is resource.s \"a\")", "resource.s is \"a\"" },
		{ "resource.s in \"a\", resource.t, resource.set",
			"or[(is resource.s \"a\")(is resource.s resource.t)"
			"(has resource.set resource.s)]",
			"resource.s in \"a\", resource.t or resource.set has resource.s" },
		{ "resource.s not in \"a\", \"b\"",
			"and[!(is resource.s \"a\")!(is resource.s \"b\")]", NULL },
		{ "\"a\" in resource.set", "(has resource.set \"a\")", "resource.set has \"a\"" },
		{ "\"a\" in resource.s, resource.t",
			"or[(is resource.s \"a\")(is resource.t \"a\")]",
			"resource.s is \"a\" or resource.t is \"a\"" },
		{ "resource.set has resource.s", "(has resource.set resource.s)", NULL },
		{ "not resource.set has \"a\"", "!(has resource.set \"a\")", NULL },
		{ "resource.set has any \"a\", principal.set",
			"or[(has resource.set \"a\")(any resource.set principal.set)]", NULL },
		{ "resource.set has all principal.set, \"a\"",
			"and[(all resource.set principal.set)(has resource.set \"a\")]", NULL },
		{ "resource.set has any principal.set", "(any resource.set principal.set)", NULL },
		{ "not resource.set has all principal.set", "!(all resource.set principal.set)",
			NULL },
		{ "principal.roles has \"admin\"", "(has principal.roles \"admin\")", NULL },
		{ "principal.kind is service", "(is principal.kind service)", NULL },
		{ "resource.b and resource.c", "and[(true resource.b)(true resource.c)]", NULL },
		{ "resource.b and resource.b", "(true resource.b)", "resource.b" },
		{ "(resource.b or resource.c) and resource.i < 1",
			"and[or[(true resource.b)(true resource.c)](< resource.i 1)]", NULL },
		{ "resource.b or (resource.c and (resource.i < 1 and resource.i > 0))",
			"or[(true resource.b)and[(true resource.c)(< resource.i 1)"
			"(< 0 resource.i)]]",
			"resource.b or resource.c and resource.i < 1 and resource.i > 0" },
		{ "not (resource.b and not resource.c or resource.i < 1)",
			"and[or[!(true resource.b)(true resource.c)](<= 1 resource.i)]",
			"(not resource.b or resource.c) and resource.i >= 1" },
		{ "resource.b and resource.s in \"a\", \"b\" and resource.c",
			"and[(true resource.b)or[(is resource.s \"a\")(is resource.s \"b\")]"
			"(true resource.c)]",
			NULL },
		{ "not resource.set has any \"a\", \"b\"",
			"and[!(has resource.set \"a\")!(has resource.set \"b\")]",
			"not resource.set has \"a\" and not resource.set has \"b\"" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *canonical =
			cases[i].canonical != NULL ? cases[i].canonical : cases[i].text;
		char text[512], again[512], structure[1024] = "";
		struct pol_snapshot *snapshot = compile_one(cases[i].text, text, sizeof text);

		put_structure(snapshot, snapshot->conditions[0], structure, sizeof structure);
		cr_expect_str_eq(structure, cases[i].structure, "%s: %s", cases[i].text, structure);
		cr_expect_str_eq(text, canonical, "%s: %s", cases[i].text, text);
		pol_snapshot_unref(snapshot);
		snapshot = compile_one(text, again, sizeof again);
		cr_expect_str_eq(again, text);
		pol_snapshot_unref(snapshot);
	}
}

Test(condition, equal_ones_are_one_object)
{
	struct pol_snapshot *snapshot =
		compile("condition a = resource.b and resource.s is \"x\"\n"
			"condition b = (resource.b is true) and  \"x\" is resource.s\n"
			"condition c = not b\n"
			"condition d = not resource.b or resource.s is not \"x\"\n"
			"condition e = a and resource.c\n"
			"role r { allow go on api:/x when resource.b and resource.s is \"x\" }\n");
	const struct pol_condition *const *conditions = snapshot->conditions;

	cr_expect_eq(conditions[0], conditions[1]);
	cr_expect_eq(conditions[2], conditions[3]);
	cr_expect_neq(conditions[0], conditions[2]);
	cr_expect_eq(conditions[0]->parts[1]->predicate, conditions[2]->parts[1]->predicate);
	cr_expect_eq(snapshot->roles[0].conditionals[0].condition, conditions[0]);
	cr_expect_eq(snapshot->role_origins[0].rules[0].condition, conditions[0]);
	cr_expect_eq(conditions[4]->part_count, 3);
	cr_expect_eq(snapshot->condition_count, 3);
	pol_snapshot_unref(snapshot);
}

Test(condition, names_are_put_in_wherever_they_are_declared)
{
	struct pol_snapshot *snapshot = compile("condition a = b and not d\n"
						"condition b = d or resource.c\n"
						"condition d = resource.b\n");
	char text[256];

	pol_condition_format(snapshot, snapshot->conditions[0], text, sizeof text);
	cr_expect_str_eq(text, "(resource.b or resource.c) and not resource.b");
	pol_snapshot_unref(snapshot);
}

Test(condition, text_that_does_not_fit_is_cut)
{
	char whole[128], text[16];
	struct pol_snapshot *snapshot =
		compile_one("resource.s is \"äöü\" and resource.b", whole, sizeof whole);
	const struct pol_condition *condition = snapshot->conditions[0];

	for (size_t size = 0; size <= sizeof text; size++) {
		memset(text, 'z', sizeof text);
		cr_expect_eq(pol_condition_format(snapshot, condition, text, size), strlen(whole));
		if (size > 0) {
			cr_expect_leq(strlen(text), size - 1);
			cr_expect_eq(strncmp(text, whole, strlen(text)), 0);
			cr_expect(pol_str_is_utf8(pol_str_of(text)), "%s", text);
		}
	}
	cr_expect_eq(pol_condition_format_predicate(
			     snapshot, condition->parts[0]->predicate, true, whole, sizeof whole),
		strlen("resource.s is not \"äöü\""));
	cr_expect_str_eq(whole, "resource.s is not \"äöü\"");
	pol_snapshot_unref(snapshot);
}

/* --- mistakes --------------------------------------------------------------------------------- */

/* Each text is `condition c = …`, and has one error, whose column counts from the text's own. */
static void refuses(const char *text, unsigned column, const char *message)
{
	char policy[4096], expected[4096];

	snprintf(policy, sizeof policy, "condition c = %s\n", text);
	snprintf(expected, sizeof expected, "error %d:%u %s\n", LINE, column + 14, message);
	says(policy, expected);
}

Test(condition, sides_of_different_types_are_named)
{
	refuses("resource.s is 17", 15, "resource.s is a string, but 17 is an int: write \"17\"");
	refuses("resource.s is ann", 15,
		"resource.s is a string, but ann is not quoted: write \"ann\"");
	refuses("resource.i is \"17\"", 15,
		"resource.i is an int, but \"17\" is a string: write 17");
	refuses("resource.i is \"x\"", 15, "resource.i is an int, but \"x\" is a string");
	refuses("resource.i < resource.at", 14, "resource.i is an int, but resource.at is a time");
	refuses("resource.i < 8h", 14, "resource.i is an int, but 8h is a duration");
	refuses("8h < resource.i", 1, "resource.i is an int, but 8h is a duration");
	refuses("resource.w is \"draft\"", 15,
		"resource.w is one of draft, active, old, but \"draft\" is a string: write draft");
	refuses("resource.w is drfat", 15,
		"'drfat' is no word of resource.w: did you mean 'draft'?");
	refuses("resource.w is context.v", 15,
		"resource.w is one of draft, active, old, but context.v is one of draft, active");
	refuses("resource.s is resource.w", 15,
		"resource.s is a string, but resource.w is one of draft, active, old");
	refuses("resource.i in 1, \"2\"", 18,
		"resource.i is an int, but \"2\" is a string: write 2");
	refuses("resource.i is foo", 15, "resource.i is an int, but foo is a word");
	refuses("resource.b is 1", 15, "resource.b is a bool, but 1 is an int");
}

Test(condition, what_a_comparison_cannot_compare)
{
	refuses("resource.set is \"a\"", 1,
		"resource.set is a set of strings: 'is' compares no sets, 'has' asks for a member");
	refuses("resource.s is resource.set", 15,
		"resource.set is a set of strings: 'is' compares no sets, 'has' asks for a member");
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

Test(condition, roles_are_asked_for_names_in_quotes_alone)
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

Test(condition, what_stands_alone)
{
	refuses("resource.s", 1,
		"resource.s is a string: alone stands a fact that is a bool, or a condition's "
		"name");
	refuses("true", 1,
		"true is a bool: alone stands a fact that is a bool, or a condition's name");
	refuses("\"a\"", 1,
		"\"a\" is a string: alone stands a fact that is a bool, or a condition's name");
	refuses("own", 1, "unknown condition 'own'");
	says("condition own_branch = resource.b\ncondition d = own_brnch\n",
		"error 19:15 unknown condition 'own_brnch': did you mean 'own_branch'?\n");
	says("condition own = resource.b\ncondition d = own is true\n",
		"error 19:15 'own' is a condition: it is not compared, it stands alone\n");
}

Test(condition, an_unknown_fact_is_no_string)
{
	refuses("resource.x is \"a\"", 1, "unknown fact 'resource.x': did you mean 'resource.b'?");
	refuses("resorce.set has \"a\"", 1,
		"unknown fact 'resorce.set': did you mean 'resource.set'?");
	refuses("resource.i < context.jj", 14,
		"unknown fact 'context.jj': did you mean 'context.j'?");
	refuses("customer.name is \"a\"", 1, "unknown fact 'customer.name'");
}

Test(condition, all_mistakes_are_found_at_once)
{
	says("condition c = resource.x1234 is \"a\" and resource.i is \"b\" or own\n",
		"error 18:15 unknown fact 'resource.x1234'\n"
		"error 18:55 resource.i is an int, but \"b\" is a string\n"
		"error 18:62 unknown condition 'own'\n");
}

Test(condition, names)
{
	says("condition a = resource.b\ncondition a = resource.c\n",
		"error 19:11 condition 'a' is declared twice\nnote 18:11 first here\n");
	says("condition draft = resource.b\ncondition user = resource.c\n",
		"error 18:11 condition 'draft' has the name of a word of resource.w\n"
		"note 14:1 declared here\n"
		"error 18:11 condition 'draft' has the name of a word of context.w\n"
		"note 15:1 declared here\n"
		"error 18:11 condition 'draft' has the name of a word of context.v\n"
		"note 16:1 declared here\n"
		"error 19:11 condition 'user' has the name of a word of principal.kind\n");
	says("condition a = c\ncondition b = not a and resource.b\ncondition c = resource.c or b\n"
	     "condition d = a\n",
		"error 18:11 a circle: condition 'a' names 'c' names 'b' names 'a'\n"
		"note 18:15 'a' names 'c' here\n"
		"note 20:29 'c' names 'b' here\n"
		"note 19:19 'b' names 'a' here\n");
	says("condition a = a\n",
		"error 18:11 a circle: condition 'a' names 'a'\nnote 18:15 'a' names 'a' here\n");
	says("condition a = {user} is \"x\"\n", "error 18:16 '{user}' belongs to a grant's own "
						"condition: a named one has no path\n");
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* `resource.i < N` that often, with the word between. */
static void put_predicates(char *out, size_t size, unsigned count, const char *between)
{
	size_t used = strlen(out);

	for (unsigned i = 0; i < count; i++) {
		used += (size_t)snprintf(
			out + used, size - used, "%sresource.i < %u", i > 0 ? between : "", i);
	}
}

Test(condition, has_64_predicates_and_no_more)
{
	char text[8192] = "condition c = ";

	put_predicates(text, sizeof text, POL_CONDITION_PREDICATES, " or ");
	strcat(text, "\n");
	says(text, "");
	strcpy(text, "condition c = ");
	put_predicates(text, sizeof text, POL_CONDITION_PREDICATES + 1, " or ");
	strcat(text, "\n");
	says(text,
		"error 18:15 65 comparisons, when names and lists are put in: a condition has at "
		"most 64\n");
	says("condition a = resource.s in \"1\", \"2\", \"3\", \"4\"\n"
	     "condition b = (a and resource.b) or (a and resource.c)\n"
	     "condition c = (b and resource.b) or (b and resource.i < 1)\n"
	     "condition d = (c and resource.b) or (c and resource.i < 2)\n"
	     "condition e = d and resource.set has any \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", "
	     "\"7\", \"8\", \"9\", \"10\", \"11\", \"12\", \"13\", \"14\", \"15\", \"16\", \"17\", "
	     "\"18\"\n",
		"");
}

Test(condition, names_that_double_are_counted_before_they_are_put_in)
{
	char text[16384] = "condition c0 = resource.b or resource.c\n";
	size_t used = strlen(text);

	/* 2 to the power of 40 predicates, if somebody wrote them out. */
	for (unsigned i = 1; i < 40; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used,
			"condition c%u = (c%u and resource.i < %u) or (c%u and resource.i > %u)\n",
			i, i - 1, i, i - 1, i);
	}
	says(text, "error 23:16 126 comparisons, when names and lists are put in: a condition has "
		   "at most 64\n");
}

Test(condition, has_16_levels_and_no_more_when_names_are_put_in)
{
	char text[16384] = "condition c0 = resource.b\n";
	size_t used = strlen(text);

	for (unsigned i = 1; i <= POL_CONDITION_LEVELS; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used,
			"condition c%u = resource.i < %u and (resource.i > %u or c%u)\n", i, i,
			100 + i, i - 1);
	}
	says(text, "");
	snprintf(text + used, sizeof text - used,
		"condition d = resource.c and (resource.b or c16)\n");
	says(text, "error 35:15 more than 16 levels of parentheses and 'not', when names are put "
		   "in\n");
}

/* A policy with that many different conditions, half of them named. */
static char *many_conditions(unsigned count)
{
	size_t size = 4096 + 80 * (size_t)count;
	char *text = malloc(size);
	size_t used = (size_t)snprintf(text, size, "%s", HEAD);

	for (unsigned i = 0; i < count / 2; i++) {
		used += (size_t)snprintf(
			text + used, size - used, "condition c%u = resource.i is %u\n", i, i);
	}
	used += (size_t)snprintf(text + used, size - used, "role r {\n");
	for (unsigned i = count / 2; i < count; i++) {
		used += (size_t)snprintf(
			text + used, size - used, "allow go on api:/x when resource.i is %u\n", i);
	}
	snprintf(text + used, size - used, "}\n");
	return text;
}

Test(condition, there_are_4096_and_no_more)
{
	char *most = many_conditions(POL_CONDITIONS_MAX);
	char *more = many_conditions(POL_CONDITIONS_MAX + 1);
	const char *text = most;
	struct compiled_text compiled;

	compiled_text_of(&compiled, &text, 1);
	cr_expect_str_eq(compiled.said, "");
	cr_assert_not_null(compiled.snapshot);
	cr_expect_eq(compiled.snapshot->condition_count, POL_CONDITIONS_MAX);
	cr_expect_eq(compiled.snapshot->roles[0].conditional_count, POL_CONDITIONS_MAX / 2);
	pol_snapshot_unref(compiled.snapshot);
	text = more;
	compiled_text_of(&compiled, &text, 1);
	cr_expect_str_eq(compiled.said, "error 4115:25 more than 4096 different conditions\n");
	free(most);
	free(more);
}

/* --- never true, never false ------------------------------------------------------------------ */

Test(condition, one_that_does_not_depend_on_its_facts_is_warned_of)
{
	static const struct {
		const char *text;
		const char *never; /* NULL: it depends */
	} cases[] = {
		{ "resource.b and not resource.b", "true" },
		{ "resource.b or not resource.b", "false" },
		{ "resource.b and not resource.c", NULL },
		{ "resource.i < 3 and resource.i > 4", "true" },
		{ "resource.i < 4 and resource.i > 3", "true" },
		{ "resource.i < 5 and resource.i > 3", NULL },
		{ "resource.i <= 9223372036854775807", "false" },
		{ "resource.i < -9223372036854775808", "true" },
		{ "resource.i < 3 or resource.i > 2", "false" },
		{ "resource.s is \"a\" or resource.i <= 9223372036854775807", "false" },
		{ "resource.s is \"a\" and resource.i <= 9223372036854775807", NULL },
		{ "resource.s is \"a\" and resource.i < 3 or resource.w is old", NULL },
		{ "resource.i < context.j and context.j < resource.i", "true" },
		{ "resource.i < context.j and context.j < 2 and resource.i > 0", "true" },
		{ "resource.i < context.j and context.j < 3 and resource.i > 0", NULL },
		{ "resource.s is \"a\" and resource.s is \"b\"", "true" },
		{ "resource.s is not \"a\" or resource.s is not \"b\"", "false" },
		{ "resource.s is resource.t and resource.s is \"a\" and resource.t is \"b\"",
			"true" },
		{ "resource.s is not resource.t and resource.s is not \"a\" and resource.t is not "
		  "\"a\"",
			NULL },
		{ "resource.w is draft and resource.w is old", "true" },
		{ "resource.w in draft, active, old", "false" },
		{ "resource.w in draft, active", NULL },
		{ "resource.w is context.w and resource.w is draft and context.w is old", "true" },
		{ "resource.set has \"a\" and not resource.set has any \"a\", \"b\"", "true" },
		{ "resource.set has \"a\" and not resource.set has \"b\"", NULL },
		{ "resource.set has all principal.set and principal.set has resource.s and not "
		  "resource.set has resource.s",
			"true" },
		{ "resource.ip in 10.0.0.0/8 and resource.ip in 11.0.0.0/8", "true" },
		{ "resource.ip in 10.0.0.0/8 and resource.ip not in 10.0.0.0/9, 10.128.0.0/9",
			"true" },
		{ "resource.ip in 10.0.0.0/8 and resource.ip not in 10.0.0.0/9, 10.128.0.0/10",
			NULL },
		{ "resource.ip in 0.0.0.0/0, ::/0", "false" },
		{ "resource.ip in ::/0", NULL },
		{ "resource.ip in 10.0.0.0/8 and resource.ip in ::/0", "true" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char policy[512], expected[256] = "";

		snprintf(policy, sizeof policy, "condition c = %s\n", cases[i].text);
		if (cases[i].never != NULL) {
			snprintf(expected, sizeof expected,
				"warning 18:15 this condition is never %s, whatever the facts "
				"are\n",
				cases[i].never);
		}
		says(policy, expected);
	}
}

Test(condition, the_warning_is_given_where_it_is_written_and_can_be_silenced)
{
	says("condition c = resource.b and not resource.b\n"
	     "role r {\nallow go on api:/x when c\n"
	     "allow stop on api:/x when not resource.b and resource.b\n"
	     "# lint: allow condition-constant\n"
	     "allow go on api:/u/{user} when resource.b and not resource.b\n}\n",
		"warning 18:15 this condition is never true, whatever the facts are\n"
		"warning 21:27 this condition is never true, whatever the facts are\n");
}

Test(condition, one_with_many_facts_is_tried_in_no_time)
{
	char text[8192] = "condition c = ";
	size_t used = strlen(text);

	/* 2 to the power of 60 combinations; only what is not decided yet is tried. */
	for (unsigned i = 0; i < 30; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used,
			"%s(resource.s is \"%u\" or resource.t is \"%u\")", i > 0 ? " and " : "", i,
			i);
	}
	snprintf(text + used, sizeof text - used, "\n");
	says(text, "warning 18:15 this condition is never true, whatever the facts are\n");
}
