/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite: a policy's own tests, judged by the same engine as every request.
 */

#include <stddef.h>

#include "policy/ask/explain.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"

struct pol_suite_result {
	size_t passed; /* tests, not expectations */
	size_t failed;
};

/* The first expectation of a test that did not hold; views die with the callback. */
struct pol_suite_failure {
	const char *text;                   /* "expected … got …" */
	const struct pol_explanation *told; /* why; NULL: there was no memory for it */
};

/* Called once a test. `failure` is NULL for a passed one. */
typedef void (*pol_suite_seen)(void *context, struct pol_str test, struct pol_str file,
	uint32_t line, const struct pol_suite_failure *failure);

/* Runs every test of the snapshot. Failures also become errors in diags (when given; initialised
 * with the sources that the snapshot was compiled from) at the expectation's place, sorted, with
 * notes at the lines and rules that were why.
 * seen may be NULL. */
struct pol_suite_result pol_suite_run(const struct pol_snapshot *snapshot, struct pol_diags *diags,
	pol_suite_seen seen, void *context);
