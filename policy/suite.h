/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite: a policy's own tests, judged by the same engine as every request.
 */

#include <stddef.h>

#include "policy/diag.h"
#include "policy/snapshot.h"

struct pol_suite_result {
	size_t passed; /* tests, not expectations */
	size_t failed;
};

/* Called once a test. `failure` is NULL for a passed one, else "expected … got …". */
typedef void (*pol_suite_seen)(void *context, struct pol_str test, struct pol_str file,
	uint32_t line, const char *failure);

/* Runs every test of the snapshot. Failures also become errors in diags (when given; initialised
 * with the sources that the snapshot was compiled from) at the expectation's place, sorted.
 * seen may be NULL. */
struct pol_suite_result pol_suite_run(const struct pol_snapshot *snapshot, struct pol_diags *diags,
	pol_suite_seen seen, void *context);
