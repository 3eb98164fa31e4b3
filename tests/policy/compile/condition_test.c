/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/compile/condition_head.h"

/* Conditions: what they mean, by their structure and their text, how large they may be, and the
 * warning of those that do not depend on their facts. */

static struct pol_snapshot *compile(const char *text)
{
	struct compiled_text compiled;

	compiled_text_joined(&compiled, CONDITION_HEAD, text);
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

static const struct {
	const char *text;
	const char *structure;
	const char *canonical; /* NULL: as the text */
} structures[] = {
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
	{ "not resource.i >= context.j", "(< resource.i context.j)", "resource.i < context.j" },
	{ "resource.i is 7", "(is resource.i 7)", NULL },
	{ "resource.at < 2026-11-22T03:05:38Z", "(< resource.at 2026-11-22T03:05:38Z)", NULL },
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
	{ "resource.w in draft, old", "or[(is resource.w draft)(is resource.w old)]", NULL },
	{ "resource.s in \"a\"", "(is resource.s \"a\")", "resource.s is \"a\"" },
	{ "resource.s in \"a\", resource.t, resource.set",
		"or[(is resource.s \"a\")(is resource.s resource.t)"
		"(has resource.set resource.s)]",
		"resource.s in \"a\", resource.t or resource.set has resource.s" },
	{ "resource.s not in \"a\", \"b\"", "and[!(is resource.s \"a\")!(is resource.s \"b\")]",
		NULL },
	{ "\"a\" in resource.set", "(has resource.set \"a\")", "resource.set has \"a\"" },
	{ "\"a\" in resource.s, resource.t", "or[(is resource.s \"a\")(is resource.t \"a\")]",
		"resource.s is \"a\" or resource.t is \"a\"" },
	{ "resource.set has resource.s", "(has resource.set resource.s)", NULL },
	{ "not resource.set has \"a\"", "!(has resource.set \"a\")", NULL },
	{ "resource.set has any \"a\", principal.set",
		"or[(has resource.set \"a\")(any resource.set principal.set)]", NULL },
	{ "resource.set has all principal.set, \"a\"",
		"and[(all resource.set principal.set)(has resource.set \"a\")]", NULL },
	{ "resource.set has any principal.set", "(any resource.set principal.set)", NULL },
	{ "not resource.set has all principal.set", "!(all resource.set principal.set)", NULL },
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

Test(condition, the_structure_of_each_comparison)
{
	for (size_t i = 0; i < sizeof structures / sizeof *structures; i++) {
		const char *canonical = structures[i].canonical != NULL ? structures[i].canonical
									: structures[i].text;
		char text[512], again[512], structure[1024] = "";
		struct pol_snapshot *snapshot = compile_one(structures[i].text, text, sizeof text);

		put_structure(snapshot, snapshot->conditions[0], structure, sizeof structure);
		cr_expect_str_eq(structure, structures[i].structure, "%s: %s", structures[i].text,
			structure);
		cr_expect_str_eq(text, canonical, "%s: %s", structures[i].text, text);
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
	condition_says(text, "");
	strcpy(text, "condition c = ");
	put_predicates(text, sizeof text, POL_CONDITION_PREDICATES + 1, " or ");
	strcat(text, "\n");
	condition_says(text,
		"error 18:15 65 comparisons, when names and lists are put in: a condition has at "
		"most 64\n");
	condition_says("condition a = resource.s in \"1\", \"2\", \"3\", \"4\"\n"
		       "condition b = (a and resource.b) or (a and resource.c)\n"
		       "condition c = (b and resource.b) or (b and resource.i < 1)\n"
		       "condition d = (c and resource.b) or (c and resource.i < 2)\n"
		       "condition e = d and resource.set has any \"1\", \"2\", \"3\", \"4\", "
		       "\"5\", \"6\", "
		       "\"7\", \"8\", \"9\", \"10\", \"11\", \"12\", \"13\", \"14\", \"15\", "
		       "\"16\", \"17\", "
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
	condition_says(text,
		"error 23:16 126 comparisons, when names and lists are put in: a condition has "
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
	condition_says(text, "");
	snprintf(text + used, sizeof text - used,
		"condition d = resource.c and (resource.b or c16)\n");
	condition_says(text,
		"error 35:15 more than 16 levels of parentheses and 'not', when names are put "
		"in\n");
}

/* Compiles that many different conditions, half of them named. */
static void compile_many(struct compiled_text *out, unsigned count)
{
	size_t size = 80 * ((size_t)count + 2);
	char *text = malloc(size);
	size_t used = 0;

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
	compiled_text_joined(out, CONDITION_HEAD, text);
	free(text);
}

Test(condition, there_are_4096_and_no_more)
{
	struct compiled_text compiled;

	compile_many(&compiled, POL_CONDITIONS_MAX);
	cr_expect_str_eq(compiled.said, "");
	cr_assert_not_null(compiled.snapshot);
	cr_expect_eq(compiled.snapshot->condition_count, POL_CONDITIONS_MAX);
	cr_expect_eq(compiled.snapshot->roles[0].conditional_count, POL_CONDITIONS_MAX / 2);
	pol_snapshot_unref(compiled.snapshot);
	compile_many(&compiled, POL_CONDITIONS_MAX + 1);
	cr_expect_str_eq(compiled.said, "error 4115:25 more than 4096 different conditions\n");
}

/* --- never true, never false ------------------------------------------------------------------ */

static const struct {
	const char *text;
	const char *never; /* NULL: it depends */
} constants[] = {
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
	{ "resource.s is resource.t and resource.s is \"a\" and resource.t is \"b\"", "true" },
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
	{ "resource.ip in 10.0.0.0/8 and resource.ip not in 10.0.0.0/9, 10.128.0.0/9", "true" },
	{ "resource.ip in 10.0.0.0/8 and resource.ip not in 10.0.0.0/9, 10.128.0.0/10", NULL },
	{ "resource.ip in 0.0.0.0/0, ::/0", "false" },
	{ "resource.ip in ::/0", NULL },
	{ "resource.ip in 10.0.0.0/8 and resource.ip in ::/0", "true" },
};

Test(condition, one_that_does_not_depend_on_its_facts_is_warned_of)
{
	for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
		char policy[512], expected[256] = "";

		snprintf(policy, sizeof policy, "condition c = %s\n", constants[i].text);
		if (constants[i].never != NULL) {
			snprintf(expected, sizeof expected,
				"warning 18:15 this condition is never %s, whatever the facts "
				"are\n",
				constants[i].never);
		}
		condition_says(policy, expected);
	}
}

Test(condition, the_warning_is_given_where_it_is_written_and_can_be_silenced)
{
	condition_says("condition c = resource.b and not resource.b\n"
		       "role r {\nallow go on api:/x when c\n"
		       "allow stop on api:/x when not resource.b and resource.b\n"
		       "# lint: allow condition-constant\n"
		       "allow go on api:/u/{user} when resource.b and not resource.b\n}\n",
		"warning 18:15 this condition is never true, whatever the facts are\n"
		"warning 21:27 this condition is never true, whatever the facts are\n");
}

Test(condition, one_with_many_facts_is_tried_without_all_combinations)
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
	condition_says(
		text, "warning 18:15 this condition is never true, whatever the facts are\n");
}
