/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * lease: from looks at the log to the anchor of fresh.h, and when a change is everywhere. Pure: it
 * has no clock and no connection.
 *
 * A look's candidate is the time before it was sent. It counts once the head that the look saw is
 * applied here and, with synchronous standbys, once a later look on the same connection finds the
 * beat raised by two: the second of these raises began after the look's answer, and a standby that
 * was not yet promoted acknowledged it, so the server that answered was the primary.
 *
 * A change is everywhere when each row of `host` reports it, or SHARE_LEASE_MARGIN x max_lag after
 * its commit: an allow for a later request has an anchor after that. The margin allows for clocks
 * that run 1 % apart and for rounding.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum share_standbys {
	SHARE_STANDBYS_UNKNOWN = 0, /* time proves nothing */
	SHARE_STANDBYS_NONE,        /* a single server, which cannot be replaced by a standby */
	SHARE_STANDBYS_SYNCHRONOUS,
};

#define SHARE_LEASE_MARGIN(ns) ((ns) + (ns) / 100 * 3 + 1)

struct share_look {
	uint64_t sent;       /* CLOCK_BOOTTIME in ns, before it was sent */
	uint64_t connection; /* raised by each new one; from 1 */
	uint64_t sequence;   /* of the head */
	uint64_t beat;
};

/* Looks that wait for the beat or for their head to be applied. */
#define SHARE_LEASE_LOOKS 16

struct share_lease {
	enum share_standbys standbys;
	uint64_t anchor;
	uint64_t applied;
	uint64_t beat; /* the newest on this connection */
	uint64_t connection;
	struct share_look looks[SHARE_LEASE_LOOKS]; /* oldest first */
	size_t count;
};

/* Enters a look. When there is no room for it, the newest but one is dropped. */
void share_lease_look(struct share_lease *lease, const struct share_look *look);
/* The store has committed all rows up to this one. */
void share_lease_apply(struct share_lease *lease, uint64_t sequence);
/* Drops all looks, and the anchor if `anchor`: another server answers, or this host has diverged.
 */
void share_lease_drop(struct share_lease *lease, bool anchor);
/* The newest time by which everything is applied; 0: there is none. */
uint64_t share_lease_anchor(const struct share_lease *lease);
