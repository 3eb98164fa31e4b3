/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stored_condition: conditions of stored roles as text, for policy/compile/stored_*.c alone.
 *
 * In the text names are put in, so that it can be read with any later policy. {name} is the first
 * segment of that name in the node's path.
 */

#include "policy/compile/compile_condition.h"

/* Reads conditions. Zeroed, it has read none. All conditions live until the end. */
struct pol_stored_conditions {
	const struct pol_snapshot *snapshot;
	struct pol_snapshot *work; /* a copy of the snapshot that the compiler may write to */
	struct pol_arena scratch;
	struct pol_compiler compiler;
	struct pol_str text;      /* that was parsed last */
	struct pol_source source; /* in which it was */
	struct pol_ast_condition *parsed;
};

/* Compiles the condition for a node. *out NULL: the policy does not have all that it needs. POL_OK,
 * POL_ENOMEM or an arena's status. */
enum pol_status pol_stored_condition_read(struct pol_stored_conditions *conditions,
	struct pol_str text, uint32_t node, const struct pol_condition **out);
void pol_stored_condition_end(struct pol_stored_conditions *conditions);

/* Does {name} mean the same segment of the node in the condition and in its text? */
bool pol_stored_condition_fits(
	const struct pol_snapshot *snapshot, const struct pol_condition *condition, uint32_t node);

/* A grant as the only one of a role, in the arena. ptr NULL: no memory. In stored_text.c. */
struct pol_str pol_stored_text_wrap(struct pol_arena *arena, struct pol_str grant);
/* Is there one role with one grant, and nothing else? In stored_text.c. */
bool pol_stored_text_is_one_grant(const struct pol_ast *ast);
