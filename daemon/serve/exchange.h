/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * exchange: puts a policy in the present one's place, as a job in the writer's queue, so that
 * policy and store change in one order.
 */

#include <stdbool.h>
#include <stdint.h>

struct build;
struct build_options;
struct peer;
struct pol_snapshot;
struct server;

struct exchanged {
	struct pol_snapshot *old; /* the caller's from now on */
	uint64_t serial;          /* of the new one */
};

/*
 * Waits for the writer; not for its own thread. The build's snapshot is taken, and the audit trail
 * says from which revision to which, and who asked (by; NULL: the daemon itself, or a signal).
 * False: nothing was done, and the build says why the policy does not stand beside the store.
 */
bool exchange_run(struct server *server, struct build *build, const struct build_options *options,
	const struct peer *by, struct exchanged *out);
