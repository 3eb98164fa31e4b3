/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * sweep: removes expired data from the store, by jobs of the writer.
 *
 * Every SWEEP_SECONDS, and once at the start: it removes keys that were deleted
 * SWEEP_DELETED_SECONDS ago, and secrets that were kept for retries and have expired, and enters
 * altered records that were refused in the trail. Each job does one slice; the next is queued after
 * the jobs that wait, so that no change waits longer than a slice.
 */

#include <stdbool.h>

struct audit_change;
struct store;
struct sweep;
struct writer;

#define SWEEP_SECONDS         10
#define SWEEP_SLICE           64           /* keys of one job */
#define SWEEP_DELETED_SECONDS (30 * 86400) /* a deleted key can be restored for this long */

/* 0 or a negative errno. Store and writer must outlive it, but the writer's thread must have ended
 * before it is destroyed. */
int sweep_create(struct store *store, struct writer *writer, struct sweep **out);
/* The main thread, every SWEEP_SECONDS. */
void sweep_tick(struct sweep *sweep);
/* No job is submitted from then on. NULL is ignored. Any thread. */
void sweep_stop(struct sweep *sweep);
/* NULL is ignored. */
void sweep_destroy(struct sweep *sweep);

/* Removes keys that were deleted SWEEP_DELETED_SECONDS ago, at most `most` of them; *out_more:
 * there may be others. 0 or a negative errno. The writer's thread. */
int sweep_purge(const struct audit_change *change, unsigned most, bool *out_more);
