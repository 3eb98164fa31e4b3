/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * charge: the quotas of a policy, while its stacks are compiled. For stack_compile.c.
 */

#include "policy/compile/stack_draft.h"

/* Complains of lines of one name that do not mean the same, and of stacks with more quotas than a
 * decision may charge; says in the snapshot whether any stack may charge. POL_OK or the arena's
 * status. Called when the stacks are flat. */
enum pol_status pol_charges_check(struct pol_stack_compiler *compiler);
