/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * formula_internal: what the files of formula share. For formula*.c alone.
 */

#include "policy/ask/formula.h"

/* Are both the same value, or both absent? In formula_join.c. */
bool pol_formula_equal_value(const struct pol_value *a, const struct pol_value *b);
