/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * sweep: removes from the store what is over, as jobs of the daemon's own in the writer.
 *
 * Every SWEEP_SECONDS, and once at the start: keys that were deleted SWEEP_DELETED_SECONDS ago are
 * removed, and so are the secrets that were kept for retries; a refused altered record is entered
 * in the trail. Each job does a slice, and the next one queues after the jobs that wait, so that no
 * change waits longer than a slice.
 */

#include <stdbool.h>

struct audit_change;
struct store;
struct sweep;
struct writer;

#define SWEEP_SECONDS         10
#define SWEEP_SLICE           64           /* keys of one job */
#define SWEEP_DELETED_SECONDS (30 * 86400) /* a deleted key can be restored for this long */

/* Both must outlive it, but the writer must end before the sweep is destroyed. */
int sweep_create(struct store *store, struct writer *writer, struct sweep **out);
/* Main's thread, every SWEEP_SECONDS. */
void sweep_tick(struct sweep *sweep);
/* Nothing is submitted from then on. NULL is ignored. */
void sweep_stop(struct sweep *sweep);
/* NULL is ignored. */
void sweep_destroy(struct sweep *sweep);

/* Removes keys that were deleted SWEEP_DELETED_SECONDS ago, at most so many; *out_more: there may
 * be others. The writer's thread. */
int sweep_purge(const struct audit_change *change, unsigned most, bool *out_more);
