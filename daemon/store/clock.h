/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * clock: the time that expiry, schedules and the trail go by: the wall clock, but not set back.
 *
 * The store keeps the latest time that the daemon has seen. A wall clock that is more than
 * STORE_CLOCK_SLACK before it was set back, and what has ended would be valid again; until it has
 * caught up, the latest time counts instead.
 */

#include <stdint.h>

struct store;
struct store_options;
struct store_write;

#define STORE_CLOCK_SLACK 300 /* seconds that the clock may be corrected */

/* Unix seconds. Any thread. */
int64_t store_now(struct store *store);

struct store_clock {
	int64_t latest; /* Unix seconds */
	int64_t back;   /* seconds that the wall clock is before `latest`; 0: it is not set back */
};
struct store_clock store_clock(struct store *store);

/* Logs an alarm when the clock was set back, and when that is over. In one thread, from time to
 * time. */
void store_watch_clock(struct store *store);

/* Makes the wall clock's time the latest one, durably, and enters that in the trail. No other
 * thread may use the store. */
int store_accept_clock(struct store *store, int64_t *out_from, int64_t *out_to);

/* Puts the latest time, in a flush of use: with other records, or if the stored one is
 * STORE_CLOCK_SLACK old. */
int store_put_clock(struct store_write *write);
