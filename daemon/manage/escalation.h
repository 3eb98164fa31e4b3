/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * give: nobody gains, nobody gives what he has not.
 *
 * Each call that could let somebody do more compares, as sets, what he may do before and after it,
 * in the write transaction. What is gained must lie within the caller's own, at the same place or
 * above it (policy/ask/escalation.h), or come from roles and scopes on which he has `grant`. Peers
 * that may do everything are exempt. What a caller gives himself, which is to the key that he
 * presents or to the principal behind it, no `grant` covers.
 *
 * The subjects are judged as if they were active: what is given to somebody who is switched off is
 * his as soon as he is switched on.
 *
 * Each gives 0 to go on; 1 when it is refused and the error is written; or a negative errno. Ask
 * before the first put: facts are views into the transaction.
 */

#include "daemon/call/call.h"
#include "daemon/store/env.h"

/* A key. `before` NULL: its secret is yielded or revived, and all that it allows is gained; for
 * another's principal that takes `issue` as well. */
int escalation_check_key(
	struct call *call, const struct store_key *before, const struct store_key *after);

/* A principal, and with it all its keys. `before` NULL: it is revived. */
int escalation_check_principal(struct call *call, const struct store_principal *before,
	const struct store_principal *after);

/* What a role of the store allows anew, or no longer denies, whoever holds it: here `grant` helps
 * nobody, who would otherwise write the role that he hands out. Each is a number in its snapshot,
 * or POL_NONE. */
int escalation_check_role(
	struct call *call, uint32_t before, const struct pol_snapshot *snapshot, uint32_t after);
