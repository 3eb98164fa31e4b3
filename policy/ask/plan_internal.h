/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plan_internal: what plan.c and plan_place.c (where the node's paths are, seen from the places of
 * roles and keys) share.
 */

#include "policy/ask/formula_subject.h"
#include "policy/ask/plan.h"

/* What the callbacks of the formulas use. */
struct planning {
	const struct pol_snapshot *snapshot;
	struct pol_arena *arena;
	const struct pol_eval_node *at;
	uint32_t chain[POL_PATH_SEGMENTS];
	bool suppose;     /* facts that were not given are open, not absent */
	bool *below_rest; /* becomes true when a place is below an open rest */
};

/* --- plan_place.c --- */

bool pol_planning_is_open(const struct planning *planning, uint32_t segment);
/* The conjunction or disjunction of two. NULL: no memory, or a part is NULL. */
const struct pol_formula *pol_planning_join(const struct planning *planning,
	enum pol_formula_kind kind, const struct pol_formula *a, const struct pol_formula *b);
/* For struct pol_formula_subject, whose context is a struct planning. */
struct pol_formula_place pol_planning_place(
	const struct pol_formula_subject *subject, uint32_t number);
