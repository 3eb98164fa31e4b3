/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite_case: a policy's tests, compiled. For suite*.c alone.
 *
 * A test's lines hold in order, so what stands above an expectation is folded into the facts of a
 * request when the policy is compiled; to run it is to decide.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/text/diag.h"
#include "policy/text/str.h"

/* One verb at one place. */
struct pol_expectation {
	const struct pol_facts *facts; /* all but verb and path */
	struct pol_str verb;
	struct pol_str resource; /* TREE:/path as written */
	struct pol_str because;  /* empty: whatever the reason */
	struct pol_span at;
	bool deny;
};

struct pol_explanation;

/* suite_why.c: notes at the lines of the stack and the rules that made a decision what it was. */
void pol_suite_why(
	struct pol_diags *diags, struct pol_diag *diag, const struct pol_explanation *told);

struct pol_case {
	struct pol_str name;
	struct pol_str file;
	uint32_t line;
	struct pol_expectation *expectations;
	uint32_t count;
};
