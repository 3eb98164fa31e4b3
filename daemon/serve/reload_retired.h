/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * reload_retired: old policies, kept until every worker has taken a newer one.
 *
 * So nobody on the way of a decision ever frees a policy. Any thread adds; whoever frees does that
 * in its own thread, without the lock.
 */

#include <pthread.h>
#include <stdint.h>

struct pol_snapshot;
struct retired;

struct reload_retired {
	pthread_mutex_t lock;
	struct retired *first; /* by retired.next */
};

/* In place. 0 or negative errno. */
int reload_retired_init(struct reload_retired *list);
/* Frees all: nobody decides any more. */
void reload_retired_finish(struct reload_retired *list);

/* A place in the list, made before there is something to put in; NULL: no memory. Put or freed. */
struct retired *reload_retired_make(void);

/* Takes over the place and the reference to what `serial` replaced. */
void reload_retired_put(struct reload_retired *list, struct retired *place,
	struct pol_snapshot *old, uint64_t serial);

/* Lets go of those that were replaced by `taken`, which every worker has, or by an older one. */
void reload_retired_free(struct reload_retired *list, uint64_t taken);
