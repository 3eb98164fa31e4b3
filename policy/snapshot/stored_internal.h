/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stored_internal: what stored.c (roles and extensions) and stored_text.c (their grants as text)
 * share. For policy/ alone.
 */

#include <stdatomic.h>

#include "policy/snapshot/permset.h"
#include "policy/snapshot/stored.h"

/* One piece of memory: the chunks and lists of both sets stand behind it. */
struct pol_stored {
	atomic_size_t references;
	struct pol_permset allow;
	struct pol_permset deny;
};

/* Where an extension keeps one, by ascending number. */
struct pol_stored_slot {
	uint64_t number;
	uint32_t tenant;
	bool breaches;
	struct pol_stored *own;
};

/* Copies both sets; NULL: no memory. */
struct pol_stored *pol_stored_keep(const struct pol_permset *allow, const struct pol_permset *deny);

/* Lets go of what an extension holds beside its arena. */
void pol_stored_release(struct pol_snapshot *snapshot);
