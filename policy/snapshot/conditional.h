/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * conditional: joins what roles and scopes allow and deny under a condition. Private to policy/.
 */

#include "policy/snapshot/compiled.h"

struct pol_conditionals {
	const struct pol_conditional *items;
	uint32_t count;
	const struct pol_permset *sometimes; /* the union of their sets; NULL: not known */
};

/* Adds conditionals to those of a role or scope; of one condition and effect the sets are joined.
 * The items must live as long as the arena. POL_ENOMEM, or the arena's status. */
enum pol_status pol_conditional_join(struct pol_permset_pool *pool, struct pol_arena *arena,
	struct pol_grantee *into, const struct pol_conditionals *from);

/* A copy of the condition with all its parts and texts. NULL: the arena has no memory. */
const struct pol_condition *pol_conditional_copy(
	struct pol_arena *arena, const struct pol_condition *condition);
