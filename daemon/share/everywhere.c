/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/everywhere.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct share_everywhere {
	pthread_mutex_t mutex; /* guards what follows */
	struct share_waiter *waiters;
	size_t count;
};

int share_everywhere_create(struct share_everywhere **out)
{
	struct share_everywhere *everywhere = calloc(1, sizeof *everywhere);

	if (everywhere == NULL) {
		return -ENOMEM;
	}
	if (pthread_mutex_init(&everywhere->mutex, NULL) != 0) {
		free(everywhere);
		return -ENOMEM;
	}
	*out = everywhere;
	return 0;
}

/* Not under the lock: a waiter may be freed, or wait again. */
static void end(struct share_waiter *waiter)
{
	while (waiter != NULL) {
		struct share_waiter *next = waiter->next;

		waiter->next = NULL;
		waiter->done(waiter);
		waiter = next;
	}
}

void share_everywhere_destroy(struct share_everywhere *everywhere)
{
	if (everywhere == NULL) {
		return;
	}
	end(everywhere->waiters);
	pthread_mutex_destroy(&everywhere->mutex);
	free(everywhere);
}

bool share_everywhere_wait(struct share_everywhere *everywhere, struct share_waiter *waiter)
{
	bool room;

	waiter->reached = SHARE_REACHED_NOT;
	waiter->lacking_count = 0;
	pthread_mutex_lock(&everywhere->mutex);
	room = everywhere->count < SHARE_WAITERS;
	if (room) {
		waiter->next = everywhere->waiters;
		everywhere->waiters = waiter;
		everywhere->count++;
	}
	pthread_mutex_unlock(&everywhere->mutex);
	return room;
}

bool share_everywhere_waits(struct share_everywhere *everywhere)
{
	bool waits;

	pthread_mutex_lock(&everywhere->mutex);
	waits = everywhere->count > 0;
	pthread_mutex_unlock(&everywhere->mutex);
	return waits;
}

/* Names the hosts that lack the waiter's change. */
static void name_lacking(
	struct share_waiter *waiter, const struct share_host_seen *hosts, size_t count)
{
	waiter->lacking_count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t len = hosts[i].name.len <= SHARE_HOST ? hosts[i].name.len : SHARE_HOST;

		if (hosts[i].applied >= waiter->sequence) {
			continue;
		}
		if (waiter->lacking_count < SHARE_NAMED_HOSTS) {
			char *name = waiter->lacking[waiter->lacking_count];

			memcpy(name, hosts[i].name.ptr, len);
			name[len] = '\0';
		}
		waiter->lacking_count++;
	}
}

/* Does the wait end? Then `reached` says how. `least`: that any host reports. */
static bool is_over(
	struct share_waiter *waiter, uint64_t least, uint64_t now, const struct share_proof *proof)
{
	if (least >= waiter->sequence) {
		waiter->reached = SHARE_REACHED_REPORTED;
	} else if (share_proof_is_over(proof, waiter->since, now)) {
		waiter->reached = SHARE_REACHED_TIME;
	} else {
		waiter->reached = SHARE_REACHED_NOT;
		return !proof->ready && now >= waiter->since &&
		       now - waiter->since >= SHARE_EVERYWHERE_MS * SHARE_NS_OF_MS;
	}
	return true;
}

void share_everywhere_look(struct share_everywhere *everywhere, const struct share_host_seen *hosts,
	size_t count, uint64_t now, const struct share_proof *proof)
{
	struct share_waiter **link, *over = NULL;
	/* No rows prove nothing: this host has one, too. */
	uint64_t least = count > 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < count; i++) {
		least = hosts[i].applied < least ? hosts[i].applied : least;
	}
	pthread_mutex_lock(&everywhere->mutex);
	link = &everywhere->waiters;
	while (*link != NULL) {
		struct share_waiter *waiter = *link;

		if (!is_over(waiter, least, now, proof)) {
			link = &waiter->next;
			continue;
		}
		name_lacking(waiter, hosts, count);
		*link = waiter->next;
		waiter->next = over;
		over = waiter;
		everywhere->count--;
	}
	pthread_mutex_unlock(&everywhere->mutex);
	end(over);
}
