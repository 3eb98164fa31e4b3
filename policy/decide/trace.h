/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * trace: what a decision did on its way, for whoever explains it.
 *
 * The code that decides fills it where one was given (eval.h: pol_eval_traced), so that what is
 * told and what was done cannot differ; without one that code costs nothing more. Views live as
 * long as the snapshot and the facts of the request. For policy/ alone; explain.h makes of it what
 * others read.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide/stack.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/text/path.h"
#include "policy/text/terms.h"

/* A line of the stack that was asked. */
struct pol_trace_line {
	const struct pol_stack_line *line;
	enum pol_verdict verdict;
	bool ended;            /* the group, or its substack, ended here */
	struct pol_str reason; /* of deny and error */
};

struct pol_trace_group {
	bool asked;
	bool passed;
	uint32_t first; /* of its lines */
	uint32_t count;
	struct pol_str reason; /* why it did not pass */
};

/* Large; only what is read is written. */
struct pol_trace {
	enum pol_stage stage;
	const struct pol_stack *stack; /* NULL: none decides for the service */
	struct pol_trace_group groups[POL_GROUP_COUNT];
	uint32_t line_count;
	struct pol_trace_line lines[POL_STACK_LINES];

	/* from POL_STAGE_NETWORKS on */
	struct pol_str tree;
	uint32_t node;      /* POL_NONE: it was not found */
	struct pol_run run; /* the permissions that were asked for */
	const struct pol_path *at;
	struct pol_path path; /* what `at` points to, unless the facts have a memo */

	struct pol_facts facts;     /* as they counted in the end */
	struct pol_request request; /* what the subject's roles and scopes came to */
};
