/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite_notes: why the decision of a failed test was what it was, as notes of its diagnostic. For
 * suite.c alone.
 */

#include "policy/ask/explain.h"
#include "policy/text/diag.h"

/* Adds notes at the lines of the stack that refused the request, at the rules that allowed or
 * denied it, and at a few rules that would have allowed it. */
void pol_suite_notes(
	struct pol_diags *diags, struct pol_diag *diag, const struct pol_explanation *explanation);
