/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * sweep: what time alone brings about in the store, as jobs of the daemon's own in the writer.
 *
 * Every SWEEP_SECONDS, and once at the start: keys that were deleted long enough ago go, and so do
 * the secrets that were kept for retries; altered records that were refused enter the trail. Each
 * job does a slice, and the next one queues behind whatever waits, so that no change waits longer
 * than a slice.
 *
 * create, stop and destroy by main's thread.
 */

#include <uv.h>

struct server;
struct sweep;

#define SWEEP_SECONDS 10
#define SWEEP_SLICE   64 /* keys of one job */

/* The writer must be there. 0 or a negative errno. */
int sweep_create(struct server *server, struct sweep **out);
/* Nothing is submitted from then on; the timer closes in the loop. NULL is ignored, as is a second
 * call. */
void sweep_stop(struct sweep *sweep);
/* Once the loop has closed the timer and the writer has ended. NULL is ignored. */
void sweep_destroy(struct sweep *sweep);
