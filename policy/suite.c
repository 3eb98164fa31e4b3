/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/suite.h"

#include <stdio.h>

#include "policy/compiled.h"
#include "policy/eval.h"
#include "policy/suite_case.h"

/* A failure is one line; a path that is longer is cut. */
#define FAILURE_TEXT 1024
#define SHOWN_PATH   256

static bool holds(const struct pol_expectation *expectation, const struct pol_decision *decision)
{
	return decision->allow != expectation->deny &&
	       (expectation->because.len == 0 ||
		       pol_str_equal(expectation->because, decision->reason));
}

static struct pol_decision decide(
	const struct pol_snapshot *snapshot, const struct pol_expectation *expectation)
{
	struct pol_facts facts = *expectation->facts;
	struct pol_decision decision;

	facts.verb = expectation->verb;
	facts.path = expectation->resource;
	pol_decide(snapshot, &facts, &decision);
	return decision;
}

/* "expected deny because role for GET api:/loans/1, got allow" */
static void describe(const struct pol_expectation *expectation, const struct pol_decision *decision,
	char out[FAILURE_TEXT])
{
	struct pol_str path = expectation->resource;
	bool long_path = path.len > SHOWN_PATH;

	path.len = long_path ? SHOWN_PATH : path.len;
	snprintf(out, FAILURE_TEXT, "expected %s%s%.*s for %.*s %.*s%s, got %s%s%.*s",
		expectation->deny ? "deny" : "allow",
		expectation->because.len > 0 ? " because " : "", POL_STR_ARGS(expectation->because),
		POL_STR_ARGS(expectation->verb), POL_STR_ARGS(path), long_path ? "..." : "",
		decision->allow ? "allow" : "deny", decision->allow ? "" : " because ",
		decision->allow ? 0 : (int)decision->reason.len,
		decision->allow ? "" : decision->reason.ptr);
}

/* Writes the first failure to `first`; returns whether there was none. */
static bool run_case(const struct pol_snapshot *snapshot, const struct pol_case *test,
	struct pol_diags *diags, char first[FAILURE_TEXT])
{
	bool passed = true;

	for (uint32_t i = 0; i < test->count; i++) {
		const struct pol_expectation *expectation = &test->expectations[i];
		struct pol_decision decision = decide(snapshot, expectation);
		char text[FAILURE_TEXT];

		if (holds(expectation, &decision)) {
			continue;
		}
		describe(expectation, &decision, text);
		if (passed) {
			snprintf(first, FAILURE_TEXT, "%s", text);
			passed = false;
		}
		if (diags != NULL) {
			pol_error(diags, expectation->at, "test \"%.*s\": %s",
				POL_STR_ARGS(test->name), text);
		}
	}
	return passed;
}

struct pol_suite_result pol_suite_run(const struct pol_snapshot *snapshot, struct pol_diags *diags,
	pol_suite_seen seen, void *context)
{
	struct pol_suite_result result = { 0 };

	for (uint32_t i = 0; i < snapshot->test_count; i++) {
		const struct pol_case *test = &snapshot->tests[i];
		char failure[FAILURE_TEXT];
		bool passed = run_case(snapshot, test, diags, failure);

		if (passed) {
			result.passed++;
		} else {
			result.failed++;
		}
		if (seen != NULL) {
			seen(context, test->name, test->file, test->line, passed ? NULL : failure);
		}
	}
	if (diags != NULL && result.failed > 0) {
		pol_diags_sort(diags);
	}
	return result;
}
