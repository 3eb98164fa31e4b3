/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compile_trial: a condition whose facts and parameters get values one after the other. For
 * compile_trial.c, which says why, and compile_trial_values.c alone.
 */

#include "policy/compile/compile_condition.h"

/* Facts and parameters of one condition. */
#define POL_TRIAL_VARIABLES ((size_t)2 * POL_CONDITION_PREDICATES)

struct pol_trial_variable {
	const struct pol_operand *operand;
	enum pol_type type;
	struct pol_value value; /* ABSENT: not yet tried */
};

struct pol_trial {
	const struct pol_snapshot *snapshot;
	struct pol_arena *scratch;
	const struct pol_condition *condition;
	struct pol_trial_variable variables[POL_TRIAL_VARIABLES];
	uint32_t variable_count;
	const struct pol_value
		*constants[POL_TRIAL_VARIABLES]; /* values that the condition names */
	uint32_t constant_count;
	bool is_plain; /* each variable occurs once, in a comparison that depends on it */
	uint64_t tries;
};

/* What one variable is tried with. */
struct pol_trial_values {
	struct pol_trial *trial;
	struct pol_value *items;
	size_t capacity;
	uint32_t count;
	bool too_many; /* or no memory */
};

/* The values of all variables, in the trial's scratch: those that the constants of the condition
 * distinguish. `out` has room for each variable. False: there are too many, or no memory. */
bool pol_compile_trial_values(struct pol_trial *trial, struct pol_trial_values *out);
