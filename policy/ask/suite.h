/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite: runs the tests that a policy has, with the code that decides requests. Pure, any thread.
 */

#include <stddef.h>

#include "policy/ask/coverage.h"
#include "policy/ask/explain.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"

struct pol_suite_result {
	size_t passed; /* tests, not expectations */
	size_t failed;
};

/* The first expectation of a test that failed. All of it ends with the callback. */
struct pol_suite_failure {
	const char *text;                          /* "expected … got …" */
	const struct pol_explanation *explanation; /* of the decision; NULL: there was no memory */
	size_t more;                               /* expectations after it that failed, too */
};

/* Called once for each test. `failure` is NULL when it passed. */
typedef void (*pol_suite_visit)(void *context, struct pol_str test, struct pol_str file,
	uint32_t line, const struct pol_suite_failure *failure);

/* One decision that a test expects. Views live as long as the snapshot. */
struct pol_suite_decided {
	const struct pol_facts *facts; /* all but verb and path */
	struct pol_str verb;
	struct pol_str resource; /* TREE:/path as written */
	struct pol_position position;
	const char *failure; /* "expected … got …", until the callback ends; NULL: as expected */
};

/* Which tests run, and what is recorded of them. Zeroed: all, and nothing. */
struct pol_suite_options {
	bool (*choose)(void *context, struct pol_str test); /* by its name; NULL: all run */
	/* Called for each expectation of a test, in their order, before the test is visited; NULL:
	 * nobody asks. */
	void (*decided)(void *context, const struct pol_suite_decided *decided);
	void *context;                 /* of both */
	struct pol_coverage *coverage; /* of this snapshot; NULL: none */
};

/* Runs every test of the snapshot. diags, when not NULL, must have the sources that the snapshot
 * was compiled from: each failed expectation becomes an error at its position, with notes at the
 * lines and rules that explain it, and diags is sorted. visit may be NULL. */
struct pol_suite_result pol_suite_run(const struct pol_snapshot *snapshot, struct pol_diags *diags,
	pol_suite_visit visit, void *context);

/* pol_suite_run of some tests only. */
struct pol_suite_result pol_suite_run_some(const struct pol_snapshot *snapshot,
	const struct pol_suite_options *options, struct pol_diags *diags, pol_suite_visit visit,
	void *context);

/* Does every test pass? Ends at the first that does not. */
bool pol_suite_passes(const struct pol_snapshot *snapshot);
