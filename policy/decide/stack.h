/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stack: which modules are asked, in which order, and what their verdicts come to.
 *
 * A stack is compiled flat: inclusions are spread out, and a line inside a substack knows how far
 * it is to the end of it. What a control does with a verdict is one row of one table. The
 * controls are those of pam.conf(5).
 *
 * Lives in the snapshot's arena; immutable once compiled; any thread may run it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "policy/text/str.h"
#include "policy/text/terms.h"

/* Lines of one stack after inclusion, all groups together. A stack is read by people. */
#define POL_STACK_LINES 1024

/* What a verdict does to its group. Zero is the strictest. */
enum pol_effect {
	POL_EFFECT_FAIL_AND_END = 0, /* the group fails, its end comes now */
	POL_EFFECT_FAIL,             /* the group fails, the rest still runs */
	POL_EFFECT_SKIP,             /* as if the line were not there */
	POL_EFFECT_FALLBACK,         /* counts if nothing else decided */
	POL_EFFECT_COUNT,
	POL_EFFECT_COUNT_AND_END /* and the end comes now, unless the group failed before */
};

/* A line as somebody wrote it, for those who read. */
struct pol_written_line {
	struct pol_span at;
	uint32_t line;
	struct pol_str stack;      /* in which it stands, whoever includes it */
	struct pol_str *arguments; /* "allow=10.0.0.0/8,2001:db8::/32" */
	uint32_t argument_count;
};

/* One line after inclusion. */
struct pol_stack_line {
	const struct pol_module *module;
	const void *state;        /* what prepare made; belongs to the snapshot */
	enum pol_control control; /* never include or substack */
	uint32_t skip; /* lines from here to behind the end of its substack; 0: it is in none */
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
	bool fragment; /* neither authenticate nor authorize: no request may name it */
};

/* The declared stack of that name, fragments too, or NULL. The compiler's share, which checks and
 * flattens what was declared, is in compiled.h: pol_stack_compile. */
const struct pol_stack *pol_stack_find(const struct pol_snapshot *snapshot, struct pol_str name);

/* What decides where no stack is declared for it. */
const struct pol_stack *pol_stack_builtin(void);

/* What decides managing calls: modules of our own, and the account and record lines of the declared
 * stack `authz`. Views into the snapshot. */
struct pol_stack pol_stack_managing(const struct pol_snapshot *snapshot);

/* The cell of the control table. An unknown control or verdict is POL_EFFECT_FAIL_AND_END. */
enum pol_effect pol_stack_effect(enum pol_control control, enum pol_verdict verdict);

/* How a group ended: passed, or why not. Marks are pol_mark bits of the lines that ran. */
struct pol_group_result {
	bool passed;
	uint32_t marks;
	struct pol_str reason; /* when not passed */
};

/* What is to be taken, when everything else allows. */
struct pol_charges {
	uint32_t count;
	const struct pol_charge *items[POL_CHARGES]; /* each once */
};

/* Asks the group's modules, and adds the charges that they name. A group without lines passes; one
 * with which the charges become more than POL_CHARGES fails with `module_error`. */
struct pol_group_result pol_stack_run_group(const struct pol_stack_group *group,
	const struct pol_request *request, struct pol_charges *charges);

/* The same, and notes each line that is asked. */
struct pol_trace;
struct pol_group_result pol_stack_trace_group(const struct pol_stack_group *group,
	const struct pol_request *request, struct pol_charges *charges, struct pol_trace *trace);
