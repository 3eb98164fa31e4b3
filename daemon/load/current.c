/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/current.h"

#include <stdlib.h>

#include "daemon/host/log.h"

struct retired {
	struct retired *next;
	struct pol_snapshot *snapshot;
	uint64_t serial; /* of the policy that replaced it */
};

int current_init(struct current *current, struct pol_snapshot *snapshot)
{
	int r = pthread_mutex_init(&current->lock, NULL);

	if (r != 0) {
		return -r;
	}
	current->snapshot = snapshot;
	current->retired = NULL;
	atomic_init(&current->serial, 1);
	return 0;
}

void current_finish(struct current *current)
{
	if (current->snapshot == NULL) {
		return;
	}
	current_free_retired(current, UINT64_MAX);
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

void current_exchange(struct current *current, struct pol_snapshot *snapshot)
{
	struct retired *retired = calloc(1, sizeof *retired);
	uint64_t serial;

	pthread_mutex_lock(&current->lock);
	serial = atomic_load_explicit(&current->serial, memory_order_relaxed) + 1;
	if (retired != NULL) {
		*retired = (struct retired){ current->retired, current->snapshot, serial };
		current->retired = retired;
	}
	current->snapshot = snapshot;
	atomic_store_explicit(&current->serial, serial, memory_order_release);
	pthread_mutex_unlock(&current->lock);
	if (retired == NULL) {
		log_error("an old policy is never freed: out of memory", "serial=%llu",
			(unsigned long long)serial);
	}
}

void current_free_retired(struct current *current, uint64_t taken)
{
	struct retired **link = &current->retired;
	struct retired *old, *next;

	pthread_mutex_lock(&current->lock);
	/* Newest first: all after the first match are older. */
	while (*link != NULL && (*link)->serial > taken) {
		link = &(*link)->next;
	}
	old = *link;
	*link = NULL;
	pthread_mutex_unlock(&current->lock);
	for (; old != NULL; old = next) {
		next = old->next;
		pol_snapshot_unref(old->snapshot);
		free(old);
	}
}
