/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * formula_internal: what the files of formula share. For formula*.c alone.
 */

#include "policy/ask/formula.h"

/* Does the predicate hold of two values that are known? POL_COMPARE_TRUE reads the left alone.
 * Values of other types than it compares: false. In formula.c. */
bool pol_formula_holds(enum pol_comparison comparison, const struct pol_value *left,
	const struct pol_value *right);

/* Are both the same value, sets and networks included? In formula_join.c. */
bool pol_formula_equal_value(const struct pol_value *a, const struct pol_value *b);

/* Is the text in the sorted set? In formula.c. */
bool pol_formula_member(const struct pol_strings *set, struct pol_str text);
