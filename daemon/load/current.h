/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * current: the policy that answers, exchanged at one instant, and those before it.
 *
 * A thread that decides holds a reference of its own and compares one number, the serial, before
 * each batch; it takes the lock when the serial was raised. The writer's thread alone exchanges, so
 * that policy and store change in one order, and may read without the lock. A policy that was
 * replaced is retired: its last reference is kept here until every holder has taken a newer one,
 * so that no thread that decides ever frees a policy.
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

/* Takes over the caller's reference. */
int current_init(struct current *current, struct pol_snapshot *snapshot);
void current_finish(struct current *current);

static inline uint64_t current_serial(const struct current *current)
{
	return atomic_load_explicit(&current->serial, memory_order_acquire);
}

/* A new reference, and its serial. Any thread. */
struct pol_snapshot *current_ref(struct current *current, uint64_t *out_serial);

/* Puts a new one in place, taking over the caller's reference, and retires the old one. The
 * writer's thread. */
void current_exchange(struct current *current, struct pol_snapshot *snapshot);

/* Frees what was replaced by `taken`, a serial that every holder has taken, or by an older one. Any
 * thread but those that decide. */
void current_free_retired(struct current *current, uint64_t taken);
