/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * current: the policy that answers, exchanged at one instant.
 *
 * Whoever decides holds a reference of its own and compares one number, the serial, before each
 * batch; it takes the lock when that was raised. The writer's thread alone exchanges, so that
 * policy and store change in one order, and may look without the lock. Whoever exchanged keeps a
 * reference to the old one until every holder has let go of it: then nobody on the way of a
 * decision ever frees a policy.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"

struct current {
	pthread_mutex_t lock;
	struct pol_snapshot *snapshot;
	_Atomic uint64_t serial; /* from 1 */
};

/* Takes over the caller's reference. */
int current_init(struct current *current, struct pol_snapshot *snapshot);
void current_finish(struct current *current);

static inline uint64_t current_serial(const struct current *current)
{
	return atomic_load_explicit(&current->serial, memory_order_acquire);
}

/* A new reference, and its serial. Any thread. */
struct pol_snapshot *current_ref(struct current *current, uint64_t *out_serial);

/* Puts a new one in place, taking over the caller's reference; gives back the one that the old
 * one was held by. The writer's thread. */
struct pol_snapshot *current_exchange(struct current *current, struct pol_snapshot *snapshot);
