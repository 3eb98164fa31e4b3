/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stored_roles: extends a policy's snapshot by the roles of the store.
 *
 * Roles of the store are compiled when they are written and whenever the policy is exchanged; the
 * result is an extension of the policy's snapshot (policy/snapshot/stored.h). A change of a role
 * therefore exchanges the snapshot: its job runs in a transaction of its own, and the exchange
 * comes after the commit and before the answer. Until then decisions use the old snapshot. Any
 * thread; the caller owns the read transaction.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/env.h"
#include "policy/snapshot/snapshot.h"

/* Roles of all tenants. Each makes an exchange longer by about ten microseconds, and no decision.
 * Half of them is divided evenly among the tenants, for each to have a share that no other one can
 * take; the other half is for all. */
#ifndef STORED_ROLES_MAX /* a test's daemon has fewer */
#define STORED_ROLES_MAX 10000
#endif

/* Bytes that they may take together, compiled, with what they inherit. A change that would take
 * more is refused; with a later policy they may take up to POL_SNAPSHOT_LIMIT. */
#ifndef STORED_ROLES_BYTES
#define STORED_ROLES_BYTES (POL_SNAPSHOT_LIMIT / 2)
#endif

/* A change that is not stored yet. */
struct stored_roles_change {
	const struct store_role *put; /* replaces the role of its number, or is new */
	uint64_t remove;              /* the number of the role to leave out; 0: none */
	bool any;                     /* any role may have changed: none is used again */
	uint64_t fault;               /* out: the number of a role in a circle */
};

/*
 * Extends the snapshot by the store's roles, as `read` sees them and with the change (NULL: none).
 * *out is a new reference; without roles, to the snapshot's base. If `snapshot` is an extension,
 * compiled roles in it are used again. A role whose name the files declare, in any case, is
 * shadowed there. 0; -ELOOP: the roles inherit in a circle; -E2BIG: more than STORED_ROLES_MAX;
 * -EDQUOT: the role to put is new, its tenant has used up its share, and what is left is for
 * others; -EOVERFLOW: they would take more than POL_SNAPSHOT_LIMIT; -ENOMEM; or an error of the
 * store.
 */
int stored_roles_extend(struct store_read *read, const struct pol_snapshot *snapshot,
	struct stored_roles_change *change, struct pol_snapshot **out);

/* stored_roles_extend for a policy that takes the place of `before`, without a change: if it is
 * `before` with other data files, the compiled roles of that are used again. */
int stored_roles_extend_next(struct store_read *read, const struct pol_snapshot *snapshot,
	const struct pol_snapshot *before, struct pol_snapshot **out);

/* Would `next` have more than STORED_ROLES_BYTES of roles, and more than `before`? */
bool stored_roles_are_too_large(const struct pol_snapshot *before, const struct pol_snapshot *next);

/* Why the roles cannot be taken into a policy, as a message for the log or an answer. */
const char *stored_roles_explain(int error);

/* The snapshot's number of a role that an assignment or a key of this tenant names; POL_NONE: the
 * snapshot lacks it. `stored` is the role's number in the store, 0 for a role of the files. */
uint32_t stored_roles_find(
	const struct pol_snapshot *snapshot, uint32_t tenant, struct pol_str name, uint64_t stored);
