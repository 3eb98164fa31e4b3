/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * live: what the principals, keys and roles in the store of a running daemon gain and lose by a
 * change of the policy, before it is deployed.
 *
 * The daemon is asked for all of them, of all tenants; what they may do is computed here, by both
 * policies. The policy before should be the one that the daemon runs. A role of the store has the
 * permissions that its grants select in that policy, as if it had been written there; those of the
 * policy after do not widen it, as in the daemon.
 */

#include "tools/dangling.h"
#include "tools/differences.h"
#include "tools/policy.h"

/* What is found beside the differences, in the form of the daemon's `dangling`. */
struct live_found {
	struct dangling_found dangling;  /* what the policy after lacks, and that before has */
	struct dangling_found exclusive; /* who would hold roles that exclude each other */
	const char *running;             /* the revision that the daemon runs */
};

/* Shows each difference. EXIT_YES, or another status, reported. The caller finishes *out. */
int live_compare(struct app *app, const struct policy policies[2], struct differences *differences,
	struct live_found *out);
void live_finish(struct live_found *found);

/* Shows what was found, after the differences. */
void live_show(const struct differences *differences, const struct live_found *found);
