/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * trace: a record of the steps of a decision, for explanations (ask/explain.h).
 *
 * pol_eval_traced fills it with the code that decides, so that an explanation agrees with the
 * decision; pol_eval has no extra cost. Views live as long as the snapshot and the facts of the
 * request. Private to policy/.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide/stack.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/text/path.h"
#include "policy/text/terms.h"

/* A line of the stack that ran. */
struct pol_trace_line {
	const struct pol_stack_line *line;
	enum pol_verdict verdict;
	bool ended;            /* the group, or its substack, ended here */
	uint32_t marks;        /* bits of enum pol_mark that it set */
	struct pol_str reason; /* if the verdict is deny or error */
};

struct pol_trace_group {
	bool asked; /* it ran */
	bool passed;
	uint32_t first; /* the index of its first line in trace->lines */
	uint32_t count;
	struct pol_str reason; /* if it did not pass */
};

/* Large, so it is not zeroed; see the comments for what is set. */
struct pol_trace {
	enum pol_stage stage;
	const struct pol_stack *stack; /* NULL: the service has none */
	struct pol_trace_group groups[POL_GROUP_COUNT];
	uint32_t line_count;
	struct pol_trace_line lines[POL_STACK_LINES];

	/* set if the stage is after POL_STAGE_RESOURCE */
	struct pol_str tree;
	uint32_t node;      /* POL_NONE: not found */
	struct pol_run run; /* the permissions that the request needs */
	const struct pol_path *at;
	struct pol_path path; /* `at` points here, unless the facts have a memo */

	/* always set */
	struct pol_facts facts;     /* with or without the principal of the peer */
	struct pol_request request; /* with what the subject's roles and scopes allow */
};
