/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * everywhere: answers that wait until all hosts have a change, and requests that wait until this
 * host has one.
 *
 * A waiter is embedded in what waits (serve/defer.h) and belongs to its submitter, again from
 * `done` on. `done` runs in the watcher's thread. A lock guards the list.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/share/lease.h"
#include "daemon/share/row.h"

#define SHARE_WAITERS       1024 /* at a time; more are answered at once */
#define SHARE_EVERYWHERE_MS 5000 /* then the hosts that lack it are named */
#define SHARE_NAMED_HOSTS   16   /* in such an answer */

enum share_reached {
	SHARE_REACHED_NOT = 0,  /* some hosts have not reported, and no time proves it */
	SHARE_REACHED_REPORTED, /* every host reported it */
	SHARE_REACHED_TIME,     /* no host that lacks it can allow any more */
};

struct share_waiter {
	struct share_waiter *next;
	uint64_t sequence;
	uint64_t since; /* CLOCK_BOOTTIME in ns, after the commit */
	enum share_reached reached;
	/* The hosts that have not reported it: the first ones, and how many. */
	char lacking[SHARE_NAMED_HOSTS][SHARE_HOST + 1];
	size_t lacking_count;
	void (*done)(struct share_waiter *waiter);
};

/* What the rows of `host` say. */
struct share_host_seen {
	struct pol_str name;
	uint64_t applied;
};

struct share_everywhere;

int share_everywhere_create(struct share_everywhere **out);
/* Ends all waiters as SHARE_REACHED_NOT. NULL is ignored. */
void share_everywhere_destroy(struct share_everywhere *everywhere);
/* False: SHARE_WAITERS wait already. Any thread. */
bool share_everywhere_wait(struct share_everywhere *everywhere, struct share_waiter *waiter);
/* True if anybody waits: then the watcher reads the hosts more often. Any thread. */
bool share_everywhere_waits(struct share_everywhere *everywhere);
/* Ends those waiters whose change all of `hosts` have, or that waited long enough: the proof's
 * time, or SHARE_EVERYWHERE_MS while there is no proof by time. `hosts`: all rows of `host`, also
 * those that are gone; none: they could not be read. The watcher's thread. */
void share_everywhere_look(struct share_everywhere *everywhere, const struct share_host_seen *hosts,
	size_t count, uint64_t now, const struct share_proof *proof);
