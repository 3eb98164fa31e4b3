/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stack: runs the modules of a stack in order and combines their verdicts.
 *
 * The controls are those of pam.conf(5), in one table of control and verdict. A compiled stack is
 * flat: the lines of included stacks are copied into it, and each line of a substack has the
 * distance to its end. Stacks live in the snapshot's arena, are immutable, and may be run by any
 * thread. They are compiled in compile/stack_compile.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "policy/text/str.h"
#include "policy/text/terms.h"

/* Lines of one stack after inclusion, all groups together. */
#define POL_STACK_LINES 1024

/* The effect of a verdict on its group, with the action of pam.conf(5). Zero is the strictest. */
enum pol_effect {
	POL_EFFECT_FAIL_AND_END = 0, /* die: the group fails and ends */
	POL_EFFECT_FAIL,             /* bad: the group fails, but the next lines run */
	POL_EFFECT_SKIP,             /* ignore */
	POL_EFFECT_FALLBACK,         /* counts only if no other line decides */
	POL_EFFECT_COUNT,            /* ok: the group passes if no line fails it */
	POL_EFFECT_COUNT_AND_END     /* done: the same, and it ends unless it has failed */
};

/* A line as written in the policy, for explanations. */
struct pol_written_line {
	struct pol_span at;
	uint32_t line;
	struct pol_str stack;      /* the stack that has the line, not one that includes it */
	struct pol_str *arguments; /* "allow=10.0.0.0/8,2001:db8::/32" */
	uint32_t argument_count;
	uint32_t data_line; /* its number in snapshot->data_lines, from 1; 0: it reads no data file
			     */
};

/* One line after inclusion. */
struct pol_stack_line {
	const struct pol_module *module;
	const void *state;        /* from prepare; lives in the snapshot */
	enum pol_control control; /* never include or substack */
	uint32_t skip; /* distance to the first line after its substack; 0: it is in none */
	const struct pol_written_line *written; /* NULL in the built-in stack */
};

struct pol_stack_group {
	const struct pol_stack_line *lines;
	uint32_t count;
};

struct pol_stack {
	struct pol_str name; /* empty: the built-in one */
	struct pol_span at;
	uint32_t line;
	struct pol_stack_group groups[POL_GROUP_COUNT];
	bool fragment; /* has no authenticate and no authorize lines: only for inclusion */
};

/* The declared stack of that name, which may be a fragment, or NULL. */
const struct pol_stack *pol_stack_find(const struct pol_snapshot *snapshot, struct pol_str name);

/* The stack that decides if the policy declares none. Static. */
const struct pol_stack *pol_stack_builtin(void);

/* The stack for managing calls: built-in lines in `authenticate` and `authorize`, the other groups
 * from the declared stack `authz`, if any. Views of the snapshot. */
struct pol_stack pol_stack_managing(const struct pol_snapshot *snapshot);

/* Looks up the control table. POL_EFFECT_FAIL_AND_END for an unknown control or verdict. */
enum pol_effect pol_stack_effect(enum pol_control control, enum pol_verdict verdict);

/* The result of a group. Marks are pol_mark bits of the lines that ran. */
struct pol_group_result {
	bool passed;
	uint32_t marks;
	struct pol_str reason;           /* when not passed */
	const struct pol_stack_line *by; /* the line that gave the reason, or NULL */
};

/* The charges of a decision, which are counted if it allows. */
struct pol_charges {
	uint32_t count;
	const struct pol_charge *items[POL_CHARGES]; /* without duplicates */
};

/* Runs the modules of a group and adds the charges that they name. A group without lines passes. If
 * there are more than POL_CHARGES charges, it fails with `module_error`. */
struct pol_group_result pol_stack_run_group(const struct pol_stack_group *group,
	const struct pol_request *request, struct pol_charges *charges);

/* Writes the fact by which the line's module denied, as the module says it: UTF-8 without control
 * characters; empty: it says none. */
void pol_stack_fact(
	const struct pol_stack_line *line, const struct pol_facts *facts, char out[POL_FACT_TEXT]);

/* pol_stack_run_group that records each line that runs in *trace. */
struct pol_trace;
struct pol_group_result pol_stack_trace_group(const struct pol_stack_group *group,
	const struct pol_request *request, struct pol_charges *charges, struct pol_trace *trace);
