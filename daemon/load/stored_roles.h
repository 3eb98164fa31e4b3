/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stored_roles: the store's roles and those of the policy's files, as one snapshot.
 *
 * Roles of the store are compiled into sets when they are written and at each exchange of the
 * policy, and take part in decisions as an extension of its snapshot (policy/snapshot/stored.h). So
 * a change of a role is an exchange of the snapshot: its job runs in a transaction of its own, and
 * the exchange comes after the commit and before the answer. Until then decisions use the old one.
 */

#include <stdint.h>

#include "daemon/store/env.h"
#include "policy/snapshot/snapshot.h"

/* Roles of all tenants: a decision's cost does not depend on them, an exchange's does (some ten
 * microseconds each). */
#define STORED_ROLES_MAX 10000

/* What is not stored yet. */
struct stored_roles_change {
	const struct store_role *put; /* instead of the role of its number, or a new one */
	uint64_t remove;              /* the number of one that goes; 0: none */
	uint64_t fault;               /* out: the number of one in a circle */
};

/*
 * The snapshot with the store's roles, as `read` sees them and with the change (NULL: none): a new
 * reference, which is the snapshot's base where there are none. Sets of an extension that is given
 * are used again. -ELOOP: a circle; -E2BIG: they are too many; -ENOMEM; or the store's errors.
 */
int stored_roles_extend(struct store_read *read, const struct pol_snapshot *snapshot,
	struct stored_roles_change *change, struct pol_snapshot **out);

/* The number of the role that an assignment or a key of this tenant means, POL_NONE if the snapshot
 * lacks it. `stored`: its own number, 0 for one of the files. */
uint32_t stored_roles_find(
	const struct pol_snapshot *snapshot, uint32_t tenant, struct pol_str name, uint64_t stored);
