/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/reload_retired.h"

#include <stdlib.h>

#include "policy/snapshot/snapshot.h"

struct retired {
	struct retired *next;
	struct pol_snapshot *snapshot;
	uint64_t serial; /* of the one that replaced it */
};

int reload_retired_init(struct reload_retired *list)
{
	list->first = NULL;
	return -pthread_mutex_init(&list->lock, NULL);
}

void reload_retired_finish(struct reload_retired *list)
{
	reload_retired_free(list, UINT64_MAX);
	pthread_mutex_destroy(&list->lock);
}

struct retired *reload_retired_make(void)
{
	return calloc(1, sizeof(struct retired));
}

void reload_retired_put(struct reload_retired *list, struct retired *place,
	struct pol_snapshot *old, uint64_t serial)
{
	place->snapshot = old;
	place->serial = serial;
	pthread_mutex_lock(&list->lock);
	place->next = list->first;
	list->first = place;
	pthread_mutex_unlock(&list->lock);
}

void reload_retired_free(struct reload_retired *list, uint64_t taken)
{
	struct retired **link = &list->first;
	struct retired *free_now = NULL;

	pthread_mutex_lock(&list->lock);
	while (*link != NULL) {
		struct retired *retired = *link;

		if (retired->serial > taken) {
			link = &retired->next;
			continue;
		}
		*link = retired->next;
		retired->next = free_now;
		free_now = retired;
	}
	pthread_mutex_unlock(&list->lock);
	while (free_now != NULL) {
		struct retired *retired = free_now;

		free_now = retired->next;
		pol_snapshot_unref(retired->snapshot);
		free(retired);
	}
}
