/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * clock: the time that expiry, schedules and the trail go by: the wall clock, but not set back.
 *
 * The store keeps the latest time that the daemon has seen. A wall clock that is more than
 * STORE_CLOCK_SLACK before it was set back, and what has ended would be valid again; until it has
 * caught up, the latest time counts instead.
 *
 * While the daemon runs, the wall clock is compared with the time that has passed since boot. One
 * that went ahead by more than STORE_CLOCK_SLACK counts at once, since what has ended must not be
 * valid; but the latest time goes on as fast as time passes. So a clock that is set right again was
 * not set back. When it has stayed ahead for STORE_CLOCK_SETTLES it is taken as right.
 */

#include <stdint.h>

struct store;
struct store_options;
struct store_write;

#define STORE_CLOCK_SLACK   300  /* seconds that the clock may be corrected */
#define STORE_CLOCK_SETTLES 3600 /* seconds in which somebody sees that the clock is wrong */

/* Unix seconds. Any thread. */
int64_t store_now(struct store *store);

/* The latest time that is taken as right, in Unix seconds: as the above, but not that of a clock
 * that went ahead. Any thread. */
int64_t store_latest(struct store *store);

struct store_clock {
	int64_t latest; /* Unix seconds */
	int64_t back;   /* seconds that the wall clock is before `latest`; 0: it is not set back */
	int64_t ahead;  /* seconds that it is ahead of the time that passed; 0: it is not */
};
struct store_clock store_clock(struct store *store);

/* Compares the clock with the time that passed. Logs an alarm when it was set back or went ahead,
 * and when that is over. In one thread, every second. */
void store_watch_clock(struct store *store);

/* Makes the wall clock's time the latest one, durably, and enters that in the trail. No other
 * thread may use the store. 1: the clock was not set back, and nothing is changed. */
int store_accept_clock(struct store *store, int64_t *out_from, int64_t *out_to);

/* Puts the latest time, in a flush of use: with other records, or if the stored one is
 * STORE_CLOCK_SLACK old. */
int store_put_clock(struct store_write *write);
