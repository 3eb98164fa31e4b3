/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * escalation: a caller can grant only what it has.
 *
 * A call that may let a principal or key do more compares, in the write transaction, the
 * permissions before and after the change. What is gained must be among the caller's own
 * permissions, at the same place or above it (policy/ask/escalation.h), or come from roles and
 * scopes on which the caller has `grant`; and for no longer than the caller has it (grantor.h).
 * `grant` does not count for the key that the caller presented, for that key's principal, and for
 * keys whose secret the caller receives or received (custody.h). Superusers are exempt,
 * and peers that a `manage` line gives everything (actor_gives_anything).
 *
 * Disabled principals and keys are compared as if they were enabled, since a change of them takes
 * effect when they are enabled.
 *
 * Each function returns 0 to go on, 1 if the change is refused and the error is written, or a
 * negative errno. Callers check before they store anything: the facts are views into the
 * transaction. The writer's thread.
 */

#include "daemon/call/call.h"
#include "daemon/store/env.h"

/* A change of a key. `before` NULL: the call revives its secret (enable, restore, roll back, a
 * later end, wider networks), and everything that `after` allows counts as gained; for a key of
 * another principal `issue` is required too. */
int escalation_check_key(
	struct call *call, const struct store_key *before, const struct store_key *after);

/* The same for a call that gives the caller a secret of the key, or takes one from it (create,
 * rotate, import): the key counts as the caller's own. */
int escalation_check_secret(struct call *call, const struct store_key *key);

/* A change of a principal, and so of all its keys. `before` NULL: it is enabled, and everything
 * that `after` allows counts as gained. */
int escalation_check_principal(struct call *call, const struct store_principal *before,
	const struct store_principal *after);

/* A change of what every principal, or every caller, of a tenant is assigned: the caller is among
 * them, so it counts as a gain of its own too, and `grant` does not count. What a role denied and
 * no longer does is for escalation_check_role, because others may hold what it denied. */
int escalation_check_everyone(struct call *call, enum store_everyone kind,
	const struct store_principal *before, const struct store_principal *after);

/* Is it the principal of the caller's token? No caller may change what decides about its own
 * requests. */
bool escalation_is_own(const struct call *call, uint32_t tenant, struct pol_str id);

/* A change of a role of the store: what it allows now, or no longer denies. `grant` does not count
 * here, since a caller could otherwise write any permission into a role that it may grant. `before`
 * is a number in the call's snapshot, `after` one in `snapshot`, each or POL_NONE. */
int escalation_check_role(
	struct call *call, uint32_t before, const struct pol_snapshot *snapshot, uint32_t after);

/* Every principal, or every caller, of a tenant will hold the role: what other roles allow to one
 * that holds it. What the role itself allows is for escalation_check_everyone. */
int escalation_check_membership(struct call *call, uint32_t role);
