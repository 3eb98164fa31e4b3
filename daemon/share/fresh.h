/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fresh: is what this host knows recent enough to allow by it?
 *
 * The watcher's thread writes, workers read; all members are atomic. A worker that has read a
 * request loads the anchor first, then renews its view of the store, decides, and compares the
 * clock last: past max_lag, what would allow is `stale` instead. (In another order a worker that is
 * stopped between two steps could allow by an old view with a new anchor.)
 *
 * After a commit, the writer sets max_lag and the like first, `applied` next, and only then an
 * anchor by which the commit counts, or reports it to other hosts. The store's generation was
 * raised by then, so a worker that sees the anchor sees the commit.
 *
 * Times are CLOCK_BOOTTIME in nanoseconds, which runs on while the machine is suspended.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct share_fresh {
	atomic_bool shared;           /* false: a single store, which is always fresh */
	atomic_bool stale;            /* fresh by no clock: not caught up yet, or diverged */
	atomic_uint_fast64_t max_lag; /* ns; 0: there is no bound */
	atomic_uint_fast64_t anchor;  /* all that was in the log by then is applied; 0: never */
	atomic_uint_fast64_t applied; /* the sequence that the store has committed */
};

/* What a worker notes before it renews its reader. */
struct share_view {
	bool shared;
	uint64_t anchor;
	uint64_t applied; /* the store that is read has this row, or a later one */
};

static inline struct share_view share_fresh_view(struct share_fresh *fresh)
{
	struct share_view view = { .shared = atomic_load_explicit(
					   &fresh->shared, memory_order_acquire) };

	if (view.shared) {
		view.anchor = atomic_load_explicit(&fresh->anchor, memory_order_acquire);
		view.applied = atomic_load_explicit(&fresh->applied, memory_order_acquire);
	}
	return view;
}

/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t share_now(void);
/* The wall clock, in microseconds since 1970. */
int64_t share_wall_us(void);

/* After the decision: false, if what it allows is too old to be given. In a single store this is
 * one comparison. */
bool share_fresh_slow(struct share_fresh *fresh, const struct share_view *view);
static inline bool share_is_fresh(struct share_fresh *fresh, const struct share_view *view)
{
	return !view->shared || share_fresh_slow(fresh, view);
}
