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
struct pol_snapshot;
struct server;

/*
 * Waits for the writer; not for its own thread. The build's snapshot is taken, the old one is the
 * caller's from then on, and *out_serial is the new one's. False: nothing was done, and the build
 * says why the policy does not stand beside the store.
 */
bool exchange_run(struct server *server, struct build *build, const struct build_options *options,
	struct pol_snapshot **out_old, uint64_t *out_serial);
