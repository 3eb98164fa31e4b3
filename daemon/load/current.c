/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/current.h"

int current_init(struct current *current, struct pol_snapshot *snapshot)
{
	int r = pthread_mutex_init(&current->lock, NULL);

	if (r != 0) {
		return -r;
	}
	current->snapshot = snapshot;
	atomic_init(&current->serial, 1);
	return 0;
}

void current_finish(struct current *current)
{
	if (current->snapshot == NULL) {
		return;
	}
	pol_snapshot_unref(current->snapshot);
	current->snapshot = NULL;
	pthread_mutex_destroy(&current->lock);
}

struct pol_snapshot *current_ref(struct current *current, uint64_t *out_serial)
{
	struct pol_snapshot *snapshot;

	pthread_mutex_lock(&current->lock);
	snapshot = pol_snapshot_ref(current->snapshot);
	*out_serial = atomic_load_explicit(&current->serial, memory_order_relaxed);
	pthread_mutex_unlock(&current->lock);
	return snapshot;
}

struct pol_snapshot *current_exchange(struct current *current, struct pol_snapshot *snapshot)
{
	struct pol_snapshot *old;
	uint64_t serial;

	pthread_mutex_lock(&current->lock);
	old = current->snapshot;
	current->snapshot = snapshot;
	serial = atomic_load_explicit(&current->serial, memory_order_relaxed);
	atomic_store_explicit(&current->serial, serial + 1, memory_order_release);
	pthread_mutex_unlock(&current->lock);
	return old;
}
