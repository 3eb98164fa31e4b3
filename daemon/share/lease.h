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
 *
 * Time proves that only while no host allows by another max_lag: share_proof is not there until
 * every row of `host` reports the row of the log that set it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum share_standbys {
	SHARE_STANDBYS_UNKNOWN = 0, /* time proves nothing */
	SHARE_STANDBYS_NONE,        /* a single server, which cannot be replaced by a standby */
	SHARE_STANDBYS_SYNCHRONOUS,
};

#define SHARE_NS_OF_MS UINT64_C(1000000)

#define SHARE_LEASE_MARGIN(ns) ((ns) + (ns) / 100 * 3 + 3)

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
	uint64_t beat; /* of the newest look on this connection */
	uint64_t connection;
	struct share_look looks[SHARE_LEASE_LOOKS]; /* oldest first */
	size_t count;
};

/* Enters a look. One on another connection drops those of the connection before, and so does one
 * whose beat is lower: the log is another one. When there is no room for it, the newest but one is
 * dropped. */
void share_lease_look(struct share_lease *lease, const struct share_look *look);
/* The store has committed all rows up to this one, and no others: lower than before when it began
 * again from another log. */
void share_lease_apply(struct share_lease *lease, uint64_t sequence);
/* Drops all looks, and the anchor if `anchor`: another server answers, or this host has diverged.
 */
void share_lease_drop(struct share_lease *lease, bool anchor);
/* The newest time by which everything is applied; 0: there is none. */
uint64_t share_lease_anchor(const struct share_lease *lease);

/* By what time proves something. */
struct share_proof {
	enum share_standbys standbys;
	uint64_t max_lag;  /* ns; 0: none */
	uint64_t sequence; /* of a row that has these settings */
	bool ready;        /* time proves something */
};

/* Each time that the rows of `host` were read: the settings in this store, the last row that it
 * has applied, and the least one that any row of `host` reports. After another setting nothing is
 * proven by time until all have reported a row that has it. */
void share_proof_update(struct share_proof *proof, enum share_standbys standbys, uint64_t max_lag,
	uint64_t applied, uint64_t least);
/* Can a host that lacks a change allow nothing any more? `since`: a time after its commit, by the
 * clock of `now`. */
bool share_proof_is_over(const struct share_proof *proof, uint64_t since, uint64_t now);
