/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stack_draft: stacks while they are compiled. For policy/stack_*.c alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide/stack.h"
#include "policy/language/parse.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/terms.h"

/* One line as written. */
struct pol_draft_line {
	const struct pol_ast_line *ast;
	uint32_t target; /* of an inclusion: a stack; POL_NONE: not declared */
	const struct pol_module *module;
	const void *state;
	struct pol_written_line *written;
};

enum pol_draft_progress { POL_DRAFT_UNSEEN = 0, POL_DRAFT_BEGUN, POL_DRAFT_DONE };

struct pol_draft_group {
	enum pol_draft_progress progress;
	uint32_t next;   /* the line that the walk looks at next */
	uint32_t parent; /* on the walk: the stack that includes this one; POL_NONE: none */
	struct pol_stack_group flat;
	bool doubtful; /* after a mistake a line is missing in it */
};

struct pol_draft {
	const struct pol_ast_stack *ast;
	struct pol_draft_line *lines;
	uint32_t counts[POL_GROUP_COUNT]; /* of lines as written */
	struct pol_draft_group groups[POL_GROUP_COUNT];
	bool too_long; /* said so */
	bool circular; /* likewise */
	bool aside;    /* without a name of its own: its lines are looked at, and no more */
};

struct pol_stack_compiler {
	struct pol_snapshot *snapshot;
	const struct pol_host *host; /* NULL: nobody is asked */
	struct pol_diags *diags;
	struct pol_draft *drafts;
	uint32_t count;
	struct pol_line_cursor lines;
};

/* Is the line an inclusion, and no module's? */
static inline bool pol_draft_includes(const struct pol_ast_line *line)
{
	return line->control == POL_CONTROL_INCLUDE || line->control == POL_CONTROL_SUBSTACK;
}

/* Flattens the group of the stack and all that it includes. Circles and stacks that are too long
 * become errors. POL_OK or the arena's status. */
enum pol_status pol_stack_flatten(
	struct pol_stack_compiler *compiler, uint32_t start, enum pol_group group);

/* Complains, once a stack. */
void pol_stack_flatten_too_long(struct pol_stack_compiler *compiler, struct pol_draft *draft);

/* Finds the line's module and has it prepare the line. Complains. */
void pol_stack_resolve(struct pol_stack_compiler *compiler, struct pol_draft_line *line);
