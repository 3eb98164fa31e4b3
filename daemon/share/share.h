/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * share: this host's part in a shared store: SHARED-STORE.md says what it promises.
 *
 * One ordered log in PostgreSQL has every change; each host applies it to its own store, and
 * decides by that alone. The writer appends a batch before it commits (append.h). The watcher's
 * thread (watcher.c) holds the connections: it opens both, looks at the head each second, wakes the
 * writer when there are new rows, raises the beat, reports what this host has applied, and ends
 * what waits (everywhere.h).
 *
 * Without `shared` in the configuration there is no struct share, and nothing of this runs. With
 * it, but before `authzcheck store share` or `store join`, the store is a single one, and the
 * watcher only keeps a connection.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/share/append.h"
#include "daemon/share/everywhere.h"
#include "daemon/share/fresh.h"
#include "daemon/share/lease.h"
#include "daemon/store/env.h"

struct share;
struct config;

struct share_options {
	const char *conninfo;
	const char *host; /* this host's name */
	bool start_stale; /* answer before it has caught up once */
	struct store *store;
	struct share_fresh *fresh; /* lives longer */
	/* Wakes the writer so that it calls share_writer_turn. Any thread. */
	void (*wake_writer)(void *context);
	void *context;
};

/* Starts the watcher's thread, which confines itself: it alone may connect to the network. To be
 * called before confine_files and confine_calls. */
int share_create(
	const struct share_options *options, struct share **out, char why[static SHARE_WHY]);
/* Says that this host leaves, ends the thread and frees. The writer must have ended. NULL is
 * ignored. */
void share_destroy(struct share *share);

/* Is the store part of a realm? Any thread. */
bool share_is_on(const struct share *share);

/* The writer's: NULL in a single store. */
struct share_append *share_writer_append(struct share *share);
/* The writer's, between batches, after wake_writer: applies new rows, appends marks, begins what
 * the watcher asked for. */
void share_writer_turn(struct share *share);

/* Any thread: waits for all hosts. False: too many wait. */
bool share_wait_everywhere(struct share *share, struct share_waiter *waiter);

/* What this host's row says of the policy that answers. Any thread. */
void share_set_revision(struct share *share, const char *revision);

/* For `status` and metrics. Any thread. */
struct share_status {
	bool on;
	char host[SHARE_HOST + 1];
	bool connected;
	char problem[SHARE_WHY]; /* empty: none */
	uint64_t epoch, applied, head;
	uint64_t lag_ns;     /* since the anchor; UINT64_MAX: there is no anchor */
	uint64_t max_lag_ns; /* 0: no bound */
	enum share_standbys standbys;
	bool stale, diverged;
	uint32_t hosts;
	int64_t clock_us; /* how far this host's clock is ahead of the database's */
	uint64_t appended, lost, unanswered, applied_rows; /* since the start */
};
void share_get_status(struct share *share, struct share_status *out);
