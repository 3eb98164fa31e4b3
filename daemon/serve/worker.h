/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * worker: a thread with a loop, its connections, a read transaction and a reference to the policy.
 *
 * Others reach it through its inbox alone: connections to serve, answers that other threads made,
 * a new policy to take up, the order to end. Everything else here belongs to its thread.
 *
 * The transaction stays open from one batch to the next while the store's generation stands. The
 * server wakes all workers within a second of a commit; then it is let go, so that an idle worker
 * keeps no old page alive. No timer of a worker's own runs for that: one that waits for a request
 * would set it and take it back each time, which costs more than a decision.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "client/wire.h"
#include "daemon/decide/everyone_memo.h"
#include "daemon/serve/fairness.h"
#include "daemon/serve/stats.h"
#include "daemon/share/fresh.h"

struct conn;
struct conn_place;
struct defer;
struct given_room;
struct pol_snapshot;
struct server;
struct store_read;

#define WORKER_READ ((size_t)64 << 10) /* bytes of one read */
#define WORKER_FLUSH                                                                               \
	((size_t)256 << 10) /* answers are sent when this many bytes have come together */
#define WORKER_TICK 500     /* ms, between looks at deadlines */
#define WORKER_REAP 16      /* connections closed at once because they are idle */

struct worker {
	struct server *server;
	unsigned index;
	uv_thread_t thread;
	bool running;
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t tick;  /* looks at deadlines */
	uv_timer_t drain; /* closes what is left at the end */
	uv_timer_t place; /* runs while a request waits for a change */
	uv_idle_t serve;  /* runs while a connection waits for its turn */
	uv_check_t round; /* begins a round (fairness.h) */
	bool handles;     /* wake, tick, drain, place, serve and round were initialised */

	uv_mutex_t lock; /* of the inbox */
	bool has_lock;
	struct conn *arrived;   /* by conn.next */
	struct defer *answered; /* by defer.next */
	bool end;
	bool reap;

	/* the batch at hand */
	struct store_read *read;
	bool reading;
	int read_error; /* why not */
	uint64_t generation;
	struct share_view view; /* taken before the store was */
	struct pol_snapshot *snapshot;
	uint64_t serial;
	_Atomic uint64_t
		taken; /* the oldest serial in use, for reload, which frees older policies */
	_Atomic uint32_t beat; /* the last one of the server's watchdog that it has seen */
	int64_t now;

	struct conn *conns;
	struct conn **slots; /* by the low half of a connection's number */
	uint32_t slot_count;
	uint32_t generations; /* the high half */
	struct fairness fairness;
	struct conn_place *places; /* requests that wait for a change: conn_place.h */
	uint32_t place_count;
	uint32_t paused;   /* calls that go on in a later turn: conn_rest.h */
	uint32_t deferred; /* calls that other threads hold */
	bool ending;

	uint8_t *bytes; /* WORKER_READ of them */
	struct wire_buf out;
	uint32_t batches;
	uint32_t random_state;         /* see call.random_state */
	struct everyone_memo everyone; /* see call.everyone */
	struct given_room *given;
	struct stats stats;
};

/* Makes its parts; the thread begins with worker_start. */
int worker_init(struct worker *worker, struct server *server, unsigned index);
int worker_start(struct worker *worker);
/* The thread must have ended, or never begun. A zeroed one is well. */
void worker_finish(struct worker *worker);

/* --- by any thread ---------------------------------------------------------------------------- */

void worker_adopt(struct worker *worker, struct conn *conn);
void worker_deliver(struct defer *defer);
void worker_wake(struct worker *worker);
/* Answers what was read, waits for what other threads hold, then the thread ends. */
void worker_end(struct worker *worker);

/* Connections are scarce: closes some of those that are idle. */
void worker_reap(struct worker *worker);

/* --- by its own thread ------------------------------------------------------------------------ */

/* Before a batch: the present store, policy and time. */
void worker_begin(struct worker *worker);
/* Gives the connection a number; -ENOMEM. */
int worker_add(struct worker *worker, struct conn *conn);
void worker_remove(struct worker *worker, struct conn *conn);
/* The connection with the number; NULL: it is closed. */
struct conn *worker_find(const struct worker *worker, uint64_t number);
/* Puts it after the others of its uid that wait for a turn. */
void worker_queue(struct worker *worker, struct conn *conn);
/* Sets `taken` to the oldest policy that the worker or a paused call of it uses. */
void worker_publish_taken(struct worker *worker);
/* Makes sure that deadlines are looked at. */
void worker_watch_deadlines(struct worker *worker);
