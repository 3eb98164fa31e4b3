/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plan: which resources of a node a subject may do something with, as a formula over their facts
 * and parameters, for a query of a database.
 *
 * The decision is that of decide/eval.h, with the same steps and the lines of the stack, but about
 * a node: its parameters and each resource.* that was not given are open. Any other fact that was
 * not given is absent. The formula is true for exactly those paths of the node that a decision
 * with the same facts allows; where no formula can say that, there is no plan. Nothing is charged,
 * and lines of `record` do not run. Pure; memory comes from an arena. Any thread, an arena for one.
 */

#include <stdint.h>

#include "policy/ask/formula.h"
#include "policy/decide/eval.h"

enum pol_plan_kind { POL_PLAN_NEVER = 0, POL_PLAN_ALWAYS, POL_PLAN_WHEN };

/* Zeroed: never. Views live as long as the snapshot, the facts and the arena. */
struct pol_plan {
	enum pol_plan_kind kind;
	struct pol_str reason;          /* NEVER: a reason code */
	uint16_t status;                /* NEVER: that of the reason; else 200 */
	const struct pol_formula *when; /* WHEN */
	uint32_t node;                  /* or POL_NONE */
	uint32_t marks;                 /* as in struct pol_decision */
	/* Facts that are absent, and by which the plan would allow more if they were given. */
	struct pol_fact_set missing;
};

/* Why there is no plan. */
enum pol_plan_fault {
	POL_PLAN_MADE = 0,
	POL_PLAN_NO_MEMORY,
	POL_PLAN_TOO_LARGE,  /* the arena's limit */
	POL_PLAN_MISNAMED,   /* a segment in braces is not the parameter that the node has there */
	POL_PLAN_BELOW_REST, /* a role or the key has a place below an open {name...} */
	POL_PLAN_SEGMENTS,   /* a module of the stack reads an open parameter */
	POL_PLAN_REVERSED,   /* the stack refuses somebody with roles whom it allows without them */
	POL_PLAN_ROLES       /* a condition reads principal.roles, and there are too many */
};

/* For people, without a full stop. */
const char *pol_plan_fault_text(enum pol_plan_fault fault);

/* Makes the plan for facts whose path is a path or a node as declared. *out is set in any case. */
enum pol_plan_fault pol_plan_make(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_arena *arena, struct pol_plan *out);
