/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decision_watch: the decisions that are made while a peer asks for them (decisions.watch).
 *
 * While it is on, workers put an event for each decision into a buffer of DECISION_WATCH_BYTES and
 * never wait for the watcher: what does not fit is counted as dropped. The watcher takes the whole
 * buffer at once and leaves an empty one. A watch that is not asked for DECISION_WATCH_IDLE seconds
 * is off, and its memory is freed. There is one at a time.
 *
 * Any thread, except create, tick and destroy, which are the main thread's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECISION_WATCH_BYTES ((size_t)512 << 10)
#define DECISION_WATCH_IDLE  10 /* seconds */
#define DECISION_WATCH_ID    16

struct decision_watch;

int decision_watch_create(struct decision_watch **out);
/* Ends a watch that nobody asks for any more. The caller calls it about every second. */
void decision_watch_tick(struct decision_watch *watch);
/* After the workers have ended. NULL is ignored. */
void decision_watch_destroy(struct decision_watch *watch);

/* Is an event wanted now? False while no watch is on, and while its buffer is full, which counts
 * the decision as dropped. NULL is off. */
bool decision_watch_wants(struct decision_watch *watch);

/* Puts an event, a packed map. `len` 0: it is one too large to be put, and counts as dropped. */
void decision_watch_put(struct decision_watch *watch, const uint8_t *event, size_t len);

struct decision_watch_taken {
	uint8_t id[DECISION_WATCH_ID]; /* for the next call */
	uint8_t *bytes; /* the events, packed one after another; for decision_watch_give_back */
	size_t len;
	uint32_t events;
	uint64_t seen;    /* decisions since the watch began, these included */
	uint64_t dropped; /* of these */
};

/* Begins a watch (id NULL), or goes on with the one of that id, and takes its events. 0; -EBUSY:
 * another watch is on, or another call is taking this one's; -ESTALE: there is no such watch;
 * -ENOMEM. */
int decision_watch_take(
	struct decision_watch *watch, const uint8_t *id, struct decision_watch_taken *out);
/* To follow each decision_watch_take that gave 0, soon. `end`: the watch is over. */
void decision_watch_give_back(
	struct decision_watch *watch, struct decision_watch_taken *taken, bool end);
