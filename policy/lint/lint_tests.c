/* SPDX-License-Identifier: Apache-2.0 */

/* Expectations that hold for another reason than was meant, and a policy without any. */

#include "policy/compile/suite_case.h"
#include "policy/decide/eval.h"
#include "policy/lint/linter.h"

static bool is_about_the_path(struct pol_str reason)
{
	return pol_str_equal(reason, POL_STR("malformed_path")) ||
	       pol_str_equal(reason, POL_STR("unknown_resource")) ||
	       pol_str_equal(reason, POL_STR("unknown_action"));
}

static void check(struct pol_linter *linter, const struct pol_expectation *expectation)
{
	struct pol_facts facts = *expectation->facts;
	struct pol_decision decision;

	if (!expectation->deny || expectation->because.len > 0) {
		return;
	}
	facts.verb = expectation->verb;
	facts.path = expectation->resource;
	pol_eval(linter->snapshot, &facts, &decision);
	if (!decision.allow && is_about_the_path(decision.reason)) {
		pol_diag_warning(linter->diags, expectation->at, POL_WARNING_TEST_DENY_UNKNOWN,
			"this is denied whatever roles and scopes allow, because of %.*s: correct "
			"the line, or add 'because %.*s'",
			POL_STR_ARGS(decision.reason), POL_STR_ARGS(decision.reason));
	}
}

/* Where the policy begins, as far as it can be said: at its first tree, role or scope. */
static struct pol_span beginning(const struct pol_ast *ast)
{
	return ast->trees_count > 0    ? ast->trees[0].name.at
	       : ast->roles_count > 0  ? ast->roles[0].name.at
	       : ast->scopes_count > 0 ? ast->scopes[0].name.at
				       : POL_NO_POSITION;
}

enum pol_status pol_lint_tests(struct pol_linter *linter)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	struct pol_span begin = beginning(&linter->ast);

	if (snapshot->test_count == 0 && begin.file != POL_NO_POSITION.file) {
		pol_diag_warning(linter->diags, begin, POL_WARNING_NO_TESTS,
			"the policy has no tests: add one at least for what must be denied");
	}
	for (uint32_t i = 0; i < snapshot->test_count; i++) {
		for (uint32_t k = 0; k < snapshot->tests[i].count; k++) {
			check(linter, &snapshot->tests[i].expectations[k]);
		}
	}
	return POL_OK;
}
