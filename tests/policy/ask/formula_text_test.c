/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "policy/ask/formula.h"
#include "policy/snapshot/compiled.h"
#include "tests/policy/compiled_text.h"

static const char policy[] = "facts {\n"
			     "  principal.regions strings\n"
			     "  resource.owner string\n"
			     "  resource.branch string default \"north\"\n"
			     "  resource.status draft | active | archived default active\n"
			     "  resource.tags strings\n"
			     "  context.amount int\n"
			     "  context.urgent bool\n"
			     "}\n"
			     "tree api { /loans { /{loan} { GET } } }\n"
			     "role r { allow GET on api:/loans/{loan} when %s }\n";

struct row {
	char condition[160];
	char text[200];
	char negated[200]; /* when it is false */
};

static void check(const char *condition, const char *text, bool is_false)
{
	char source[1024], out[512], cut[8];
	struct pol_snapshot *snapshot;
	struct pol_arena arena;
	const struct pol_formulas formulas = { NULL, &arena, NULL };
	struct pol_formulas open = formulas;
	const struct pol_grantee *role;
	const struct pol_formula *formula;

	snprintf(source, sizeof source, policy, condition);
	snapshot = compiled_text_good(source);
	pol_arena_init(&arena, 1 << 20);
	open.snapshot = snapshot;
	role = &snapshot->roles[pol_snapshot_role(snapshot, POL_STR("r"))];
	cr_assert_eq(role->conditional_count, 1u);
	formula = pol_formula_of(&open, role->conditionals[0].condition, is_false);
	cr_expect_eq(pol_formula_format(snapshot, formula, out, sizeof out), strlen(out));
	cr_expect_str_eq(out, text);
	/* Cut, but counted whole. */
	cr_expect_eq(pol_formula_format(snapshot, formula, cut, sizeof cut), strlen(text));
	cr_expect_eq(strncmp(cut, text, sizeof cut - 1), 0);
	cr_expect_eq(pol_formula_format(snapshot, formula, NULL, 0), strlen(text));
	pol_arena_finish(&arena);
	pol_snapshot_unref(snapshot);
}

ParameterizedTestParameters(formula_text, a_formula_is_written_as_the_language_is)
{
	static struct row rows[] = {
		{ "resource.owner is principal.id", "resource.owner is principal.id",
			"resource.owner is not principal.id" },
		{ "context.amount > 500", "context.amount > 500", "context.amount <= 500" },
		{ "not context.urgent", "context.urgent is false", "context.urgent" },
		{ "resource.branch is \"south\"", "resource.branch is \"south\"",
			"resource.branch is not \"south\" or resource.branch absent" },
		{ "resource.status is active",
			"resource.status is active or resource.status absent",
			"resource.status is not active" },
		{ "resource.owner in \"ann\", \"bob\" and context.urgent",
			"resource.owner in \"ann\", \"bob\" and context.urgent",
			"resource.owner not in \"ann\", \"bob\" or context.urgent is false" },
		{ "(context.urgent or context.amount < 5) and {loan} is \"7\"",
			"(context.urgent or context.amount < 5) and {loan} is \"7\"",
			"context.urgent is false and context.amount >= 5 or {loan} is not \"7\"" },
		{ "resource.tags has \"a\" and not principal.regions has \"b\"",
			"resource.tags has \"a\" and not principal.regions has \"b\"",
			"not resource.tags has \"a\" or principal.regions has \"b\"" },
		{ "context.ip in 10.0.0.0/8", "context.ip in 10.0.0.0/8",
			"context.ip not in 10.0.0.0/8" },
	};

	return cr_make_param_array(struct row, rows, sizeof rows / sizeof rows[0]);
}

ParameterizedTest(struct row *row, formula_text, a_formula_is_written_as_the_language_is)
{
	check(row->condition, row->text, false);
	check(row->condition, row->negated, true);
}

Test(formula_text, constants_have_words_of_their_own)
{
	struct pol_snapshot *snapshot = compiled_text_good("tree api { /x { GET } }\n");
	char out[16];

	cr_expect_eq(pol_formula_format(snapshot, pol_formula_always(), out, sizeof out), 6u);
	cr_expect_str_eq(out, "always");
	cr_expect_eq(pol_formula_format(snapshot, pol_formula_never(), out, sizeof out), 5u);
	cr_expect_str_eq(out, "never");
	pol_snapshot_unref(snapshot);
}
