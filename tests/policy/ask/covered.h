/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * covered: what the tests of a policy cover, for tests of coverage and of mutation.
 */

#include <criterion/criterion.h>

#include "policy/ask/coverage.h"
#include "policy/ask/mutation.h"
#include "policy/ask/suite.h"
#include "tests/policy/load.h"

/* Runs the tests that the options choose, which must pass. The caller destroys the result. */
static inline struct pol_coverage *covered(
	const struct loaded *loaded, struct pol_suite_options options)
{
	options.coverage = pol_coverage_create(loaded->snapshot);
	cr_assert_not_null(options.coverage);
	cr_assert_eq(pol_suite_run_some(loaded->snapshot, &options, NULL, NULL, NULL).failed, 0);
	return options.coverage;
}

/* What is mutated, with the coverage of all its tests. */
static inline struct pol_mutation_base mutation_base(
	const struct loaded *loaded, const struct pol_coverage *coverage)
{
	return (struct pol_mutation_base){ .sources = loaded->sources,
		.source_count = loaded->count,
		.snapshot = loaded->snapshot,
		.coverage = coverage };
}
