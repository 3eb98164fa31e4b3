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
	const char *host;  /* this host's name */
	const char *state; /* the state folder, for copies of the store */
	bool confine;      /* the watcher limits its files and calls; false: for debugging */
	bool start_stale;  /* answer before it has caught up once */
	struct store *store;
	struct share_fresh *fresh; /* lives longer */
	/* The writer's thread, after each commit of rows or of its own and before `fresh->applied`
	 * says so: workers are to see it. `roles`: stored roles have changed. */
	void (*applied)(void *context, bool roles);
	/* The writer's thread: the store was replaced, and what is kept in memory of uses is not
	 * its. */
	void (*replaced)(void *context);
	/* The watcher's thread: a key used a permission elsewhere. False: there is no room now. */
	bool (*learn)(void *context, uint64_t number, uint64_t hash);
	void *context;
};

/* Starts the watcher's thread, which confines itself: it alone may connect to the network. To be
 * called before confine_files and confine_calls. */
int share_create(
	const struct share_options *options, struct share **out, char why[static SHARE_WHY]);
/* Says that this host leaves, ends the thread and frees. The writer must have ended. NULL is
 * ignored. */
void share_destroy(struct share *share);

/* Is the store part of a realm? False for NULL. Any thread. */
bool share_is_on(const struct share *share);

/* How the writer is reached. */
struct share_writer {
	void (*wake)(void *context); /* so that it calls share_writer_turn; any thread */
	/* Its own thread, in work that takes long, for each piece of that: a supervisor is shown
	 * that it goes on. */
	void (*go_on)(void *context);
	void *context;
};
/* Once the writer is there. NULL, before it ends: it is not reached any more. */
void share_set_writer(struct share *share, const struct share_writer *writer);

/* The writer's: NULL in a single store. */
struct share_append *share_writer_append(struct share *share);
/* The writer's, between batches, after wake_writer: applies new rows, appends marks, begins what
 * the watcher asked for. */
void share_writer_turn(struct share *share);

/* Any thread: waits for all hosts. False: too many wait. */
bool share_wait_everywhere(struct share *share, struct share_waiter *waiter);

/* What this host's row says of the policy that answers. Any thread. */
void share_set_revision(struct share *share, const char *revision);

/* May this host do more than end things? Not with a wrong clock or another policy than all are to
 * have. Any thread. */
bool share_may_sweep(struct share *share);

/* Adds what other hosts counted about a key, as of their last round; nothing in a single store.
 * False: that is not known, since nothing was read from the database since the start. Any thread.
 */
struct store_use;
bool share_add_use(struct share *share, uint64_t number, struct store_use *use);
/* Asks for a round now. Any thread. */
void share_ask_uses(struct share *share);

/* For `status` and metrics. Any thread. */
struct share_status {
	bool on;
	char host[SHARE_HOST + 1];
	bool connected;
	char problem[SHARE_WHY]; /* empty: none */
	uint8_t realm[SHARE_REALM];
	uint8_t tag[SHARE_TAG]; /* of `place` */
	uint64_t place;         /* the row that the store had at the last look */
	uint64_t epoch, applied, head;
	uint32_t format;
	char policy[SHARE_REVISION]; /* empty: any */
	uint64_t lag_ns;             /* since the anchor; UINT64_MAX: there is no anchor */
	uint64_t max_lag_ns;         /* 0: no bound */
	enum share_standbys standbys;
	bool stale, diverged;
	uint32_t hosts;
	int64_t clock_us; /* how far this host's clock is ahead of the database's */
	uint64_t appended, lost, unanswered, applied_rows; /* since the start */
	const char *work;               /* what is at work: a constant; NULL: nothing */
	uint64_t work_done, work_total; /* records; total 0: not known */
};
void share_get_status(struct share *share, struct share_status *out);

/* The rows of `host`, as the watcher read them last, by name. *out_now: the database's clock then,
 * in microseconds; 0: they were not read yet. `out`: the caller frees it. -ENOMEM. Any thread. */
struct share_host;
int share_get_hosts(
	struct share *share, struct share_host **out, size_t *out_count, int64_t *out_now);
/* Which of them is this one. */
const uint8_t *share_get_instance(const struct share *share);
