/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * current: the policy that answers requests, replaced atomically, and retired ones.
 *
 * A worker holds a reference of its own and compares the serial before each batch; it takes the
 * lock only if the serial was raised. The writer's thread alone exchanges the policy, so that
 * policy and store change in one order; it may read `snapshot` without the lock. A policy that was
 * replaced is retired: one reference is kept here until every worker has taken a newer one, so that
 * no worker ever frees a policy.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"

struct retired;

struct current {
	pthread_mutex_t lock;
	struct pol_snapshot *snapshot;
	_Atomic uint64_t serial; /* from 1 */
	struct retired *retired; /* newest first */
};

/* Takes over the caller's reference. 0 or a negative errno. */
int current_init(struct current *current, struct pol_snapshot *snapshot);
void current_finish(struct current *current);

static inline uint64_t current_serial(const struct current *current)
{
	return atomic_load_explicit(&current->serial, memory_order_acquire);
}

/* A new reference to the current policy, and its serial. Any thread. */
struct pol_snapshot *current_ref(struct current *current, uint64_t *out_serial);

/* Makes `snapshot` the current policy, taking over the caller's reference, and retires the old one.
 * The writer's thread. */
void current_exchange(struct current *current, struct pol_snapshot *snapshot);

/* Frees the policies that were replaced by serial `taken` or an older one; every worker has taken
 * that serial. Any thread except workers. */
void current_free_retired(struct current *current, uint64_t taken);
