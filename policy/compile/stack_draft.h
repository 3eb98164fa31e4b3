/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stack_draft: stacks while they are compiled. For policy/compile/stack_*.c alone. A draft lives in
 * the snapshot's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide/stack.h"
#include "policy/language/parse.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/terms.h"

/* A line as written. */
struct pol_draft_line {
	const struct pol_ast_line *ast;
	uint32_t target; /* the stack that it includes; POL_NONE: none, or not declared */
	const struct pol_module *module; /* NULL: an inclusion, or a mistake */
	const void *state;               /* what the module prepared */
	struct pol_written_line *written;
};

enum pol_draft_progress { POL_DRAFT_UNSEEN = 0, POL_DRAFT_BEGUN, POL_DRAFT_DONE };

struct pol_draft_group {
	enum pol_draft_progress progress;
	uint32_t next;   /* the line at which the walk goes on */
	uint32_t parent; /* the stack from which the walk came; POL_NONE: it began here */
	struct pol_stack_group flat;
	bool doubtful; /* a line may be missing after a mistake */
};

struct pol_draft {
	const struct pol_ast_stack *ast;
	struct pol_draft_line *lines;
	uint32_t counts[POL_GROUP_COUNT]; /* of lines as written */
	struct pol_draft_group groups[POL_GROUP_COUNT];
	bool too_long; /* reported as too long */
	bool circular; /* reported as part of a circle */
	bool aside;    /* its name is missing or taken: its lines are checked and not used */
};

struct pol_stack_compiler {
	struct pol_snapshot *snapshot;
	const struct pol_host *host; /* NULL: there is none */
	struct pol_diags *diags;
	struct pol_draft *drafts;
	uint32_t count;
	struct pol_line_cursor lines;
};

/* Does the line include a stack, and not call a module? */
static inline bool pol_draft_includes(const struct pol_ast_line *line)
{
	return line->control == POL_CONTROL_INCLUDE || line->control == POL_CONTROL_SUBSTACK;
}

/* Flattens a group of the stack and of all stacks that it includes. Reports circles and stacks that
 * are too long. POL_OK or the arena's status. */
enum pol_status pol_stack_flatten(
	struct pol_stack_compiler *compiler, uint32_t start, enum pol_group group);

/* Reports that the stack has too many lines, once for each stack. */
void pol_stack_flatten_too_long(struct pol_stack_compiler *compiler, struct pol_draft *draft);

/* Finds the line's module and lets it prepare the line. Reports mistakes. */
void pol_stack_resolve(struct pol_stack_compiler *compiler, struct pol_draft_line *line);

/* Checks the quotas of all stacks, which must be flat: lines with one name must mean the same, and
 * a stack has at most POL_CHARGES of them. Notes in the snapshot whether any stack may name a
 * charge. POL_OK or the arena's status. */
enum pol_status pol_stack_quota_check(struct pol_stack_compiler *compiler);
