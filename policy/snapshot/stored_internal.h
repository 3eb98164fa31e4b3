/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stored_internal: structures that snapshot/stored.c and compile/stored_text.c share. Private to
 * policy/.
 */

#include <stdatomic.h>

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/permset.h"
#include "policy/snapshot/stored.h"

/* One allocation: the structure, then the chunks and lists of both sets. What has a condition is in
 * an arena of its own, with copies of the conditions. */
struct pol_stored {
	atomic_size_t references;
	struct pol_permset allow;
	struct pol_permset deny;
	struct pol_arena arena;
	const struct pol_conditional *conditionals;
	uint32_t conditional_count;
};

/* A stored role of an extension. Slots are sorted by number. */
struct pol_stored_slot {
	uint64_t number; /* given by the host */
	uint32_t tenant;
	bool breaches; /* it inherits roles that are exclusive */
	bool shadowed; /* it allows nothing: struct pol_stored_role */
	struct pol_stored *own;
};

/* Copies what it allows and denies, with and without conditions; one reference. NULL: no memory. */
struct pol_stored *pol_stored_own_create(const struct pol_grantee *from);

/* Drops an extension's references to its stored roles and its base. */
void pol_stored_release(struct pol_snapshot *snapshot);
