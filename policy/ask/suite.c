/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/suite.h"

#include <stdio.h>
#include <string.h>

#include "policy/ask/suite_notes.h"
#include "policy/compile/suite_case.h"
#include "policy/decide/eval.h"
#include "policy/snapshot/compiled.h"

/* Room for the text of a failure, which is one line, and for the path in it; longer ones are cut.
 */
#define FAILURE_TEXT 1024
#define SHOWN_PATH   256

/* The most memory of one explanation. Most take a few KiB; a stack of a thousand lines takes a
 * few hundred. */
#define WHY_MEMORY ((size_t)1 << 20)

static bool holds(const struct pol_expectation *expectation, const struct pol_decision *decision)
{
	return decision->allow != expectation->deny &&
	       (expectation->because.len == 0 ||
		       pol_str_equal(expectation->because, decision->reason));
}

/* coverage may be NULL. */
static struct pol_decision decide(const struct pol_snapshot *snapshot,
	const struct pol_expectation *expectation, struct pol_coverage *coverage)
{
	struct pol_facts facts = *expectation->facts;
	struct pol_decision decision;

	facts.verb = expectation->verb;
	facts.path = expectation->resource;
	if (coverage != NULL) {
		pol_coverage_decide(coverage, &facts, &decision);
	} else {
		pol_eval(snapshot, &facts, &decision);
	}
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

/* One test that runs. */
struct run {
	const struct pol_snapshot *snapshot;
	const struct pol_case *test;
	struct pol_coverage *coverage; /* may be NULL */
	struct pol_diags *diags;       /* may be NULL */
	const struct pol_suite_options *options;
	struct pol_line_cursor *lines; /* of the expectation before */
	struct pol_arena arena;        /* of the first failure's explanation */
	bool failed;
	size_t more; /* expectations that failed after the first */
	char text[FAILURE_TEXT];
	struct pol_explanation explanation;
	bool explained;
};

/* Makes the decision again, with an explanation. */
static bool explain(const struct run *run, const struct pol_expectation *expectation,
	struct pol_arena *arena, struct pol_explanation *out)
{
	struct pol_facts facts = *expectation->facts;
	struct pol_decision decision;

	facts.verb = expectation->verb;
	facts.path = expectation->resource;
	return pol_explain(run->snapshot, &facts, arena, &decision, out) == POL_OK;
}

static void report(struct run *run, const struct pol_expectation *expectation, const char *text)
{
	struct pol_diag *diag = pol_diag_error(run->diags, expectation->at, "test \"%.*s\": %s",
		POL_STR_ARGS(run->test->name), text);
	struct pol_explanation explanation;
	struct pol_arena arena;

	/* An error past the limit is counted and not kept. */
	if (diag == NULL) {
		return;
	}
	pol_arena_init(&arena, WHY_MEMORY);
	if (explain(run, expectation, &arena, &explanation)) {
		pol_suite_notes(run->diags, diag, &explanation);
	}
	pol_arena_finish(&arena);
}

static void fail(
	struct run *run, const struct pol_expectation *expectation, const char text[FAILURE_TEXT])
{
	run->more += run->failed;
	if (!run->failed) {
		run->failed = true;
		memcpy(run->text, text, FAILURE_TEXT);
		run->explained = explain(run, expectation, &run->arena, &run->explanation);
	}
	if (run->diags != NULL) {
		report(run, expectation, text);
	}
}

static void tell(struct run *run, const struct pol_expectation *expectation, const char *failure)
{
	const struct pol_snapshot *snapshot = run->snapshot;
	struct pol_suite_decided decided = { .facts = expectation->facts,
		.verb = expectation->verb,
		.resource = expectation->resource,
		.position = { .file = run->test->file, .at = expectation->at },
		.failure = failure };

	decided.position.line = pol_diag_span_line(snapshot->files, run->lines, expectation->at);
	run->options->decided(run->options->context, &decided);
}

static void run_case(struct run *run)
{
	char text[FAILURE_TEXT];

	if (run->coverage != NULL) {
		pol_coverage_next_test(run->coverage);
	}
	for (uint32_t i = 0; i < run->test->count; i++) {
		const struct pol_expectation *expectation = &run->test->expectations[i];
		struct pol_decision decision = decide(run->snapshot, expectation, run->coverage);
		bool failed = !holds(expectation, &decision);

		if (failed) {
			describe(expectation, &decision, text);
			fail(run, expectation, text);
		}
		if (run->options->decided != NULL) {
			tell(run, expectation, failed ? text : NULL);
		}
	}
}

static void show(const struct run *run, pol_suite_visit visit, void *context)
{
	const struct pol_suite_failure failure = {
		.text = run->text,
		.explanation = run->explained ? &run->explanation : NULL,
		.more = run->more,
	};

	visit(context, run->test->name, run->test->file, run->test->line,
		run->failed ? &failure : NULL);
}

struct pol_suite_result pol_suite_run(const struct pol_snapshot *snapshot, struct pol_diags *diags,
	pol_suite_visit visit, void *context)
{
	const struct pol_suite_options all = { 0 };

	return pol_suite_run_some(snapshot, &all, diags, visit, context);
}

struct pol_suite_result pol_suite_run_some(const struct pol_snapshot *snapshot,
	const struct pol_suite_options *options, struct pol_diags *diags, pol_suite_visit visit,
	void *context)
{
	struct pol_suite_result result = { 0 };
	struct pol_line_cursor lines = { 0 };

	for (uint32_t i = 0; i < snapshot->test_count; i++) {
		struct run run = { .snapshot = snapshot,
			.test = &snapshot->tests[i],
			.coverage = options->coverage,
			.diags = diags,
			.options = options,
			.lines = &lines };

		if (options->choose != NULL && !options->choose(options->context, run.test->name)) {
			continue;
		}
		pol_arena_init(&run.arena, WHY_MEMORY);
		run_case(&run);
		*(run.failed ? &result.failed : &result.passed) += 1;
		if (visit != NULL) {
			show(&run, visit, context);
		}
		pol_arena_finish(&run.arena);
	}
	if (diags != NULL && result.failed > 0) {
		pol_diags_sort(diags);
	}
	return result;
}

bool pol_suite_passes(const struct pol_snapshot *snapshot)
{
	for (uint32_t i = 0; i < snapshot->test_count; i++) {
		for (uint32_t j = 0; j < snapshot->tests[i].count; j++) {
			const struct pol_expectation *expectation =
				&snapshot->tests[i].expectations[j];
			struct pol_decision decision = decide(snapshot, expectation, NULL);

			if (!holds(expectation, &decision)) {
				return false;
			}
		}
	}
	return true;
}
