/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite_case: a policy's tests, compiled. For policy/compile/suite_*.c and policy/ask/suite.c
 * alone.
 *
 * The lines of a test apply in order. For each expectation, the compiler makes the facts of a
 * request from the lines above it; running a test makes one decision for each expectation. All of
 * it lives in the snapshot's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/text/diag.h"
#include "policy/text/str.h"

/* One verb on one resource. */
struct pol_expectation {
	const struct pol_facts *facts; /* all but verb and path */
	struct pol_str verb;
	struct pol_str resource; /* TREE:/path as written */
	struct pol_str because;  /* the reason expected; empty: any */
	struct pol_span at;
	bool deny;
};

struct pol_case {
	struct pol_str name;
	struct pol_str file;
	uint32_t line;
	struct pol_expectation *expectations;
	uint32_t count;
};
