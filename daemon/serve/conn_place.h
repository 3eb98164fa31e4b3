/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * conn_place: requests that wait until this host has the change that their `as_of` names.
 *
 * Such a request is kept as a copy, which is charged to the peer's uid, while the requests after it
 * are answered. It is due once this host has applied the change, or after CONN_PLACE_MS, and has
 * its turn then as one that was just read. While any waits, the worker looks every CONN_PLACE_TICK.
 *
 * The worker's thread alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"

struct conn;
struct worker;

#define CONN_PLACE_MS   1000 /* the longest wait */
#define CONN_PLACE_TICK 5    /* ms: a hundredth of what a change takes to reach 1,000 hosts */
/* At most this many of one worker at a time, as each is looked at every tick; more are refused as
 * `overloaded`. */
#define CONN_PLACES 256

struct conn_place {
	struct conn_place *next; /* in worker.places, oldest first */
	struct conn *conn;
	uint64_t sequence;
	uint64_t deadline; /* of the loop's clock */
	bool due;
	size_t size; /* that is charged */
	size_t len;
	uint8_t bytes[]; /* the request */
};

enum conn_place_state {
	CONN_PLACE_HERE = 0, /* this host has the change */
	CONN_PLACE_LATE,     /* it does not have it in time, or never: the answer is `stale` */
	CONN_PLACE_DONE,     /* the request waits, or was answered with an error */
};

/* Looks whether the store that is read has the change. `waited`: the request had its time. */
enum conn_place_state conn_place_check(struct conn *conn, const struct wire_value *as_of,
	uint32_t id, struct wire_cursor message, bool waited);

/* Those that are due get a turn. By the worker's timer. */
void conn_place_look(struct worker *worker);

/* Takes the connection's oldest request that is due, for conn_place_free; NULL: none is. */
struct conn_place *conn_place_take(struct conn *conn);
void conn_place_free(struct conn_place *place);

/* Drops all of the connection's. */
void conn_place_drop(struct conn *conn);
