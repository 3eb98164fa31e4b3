/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * append: the step before the writer's commit: the batch becomes a row of the log.
 *
 * The writer runs a batch in a write transaction on its store at the state n, and calls
 * share_append. If that returns 0 the row n+1 is in the log, and the writer commits: the write has
 * the row's place (store/shared.h) in the same transaction. SHARE_LOST: another host was first; the
 * writer aborts, catches up (catch_up.h) and runs the batch again. After SHARE_TRIES lost tries it
 * takes the head's lock first (share_append_lock), so that its turn comes.
 *
 * No answer from the database: the same row is sent again until its place is taken, by it or by
 * another host's row; only then may the batch run again, because the statement may arrive late.
 * After SHARE_ANSWER_MS the writer gives up with -EINPROGRESS, which is answered as `unavailable`:
 * the change may stand. A row that is found in its place counts after one more durable commit
 * (share_log_ops.beat), since its own wait for a standby may have been cancelled.
 *
 * Nothing here waits for another host. The writer's thread only.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/share/log.h"
#include "daemon/store/reserve.h"

struct store;
struct store_write;
struct share_fresh;

#define SHARE_TRIES 2 /* lost ones, before the head is locked */
/* How long a batch of which nothing was sent waits for a connection, in ms: that one is opened
 * again after a fail-over must not refuse a change, and an outage must not hold up what is local.
 */
#define SHARE_TAKE_MS 1000
/* After the server's identity changed nothing is appended but what hosts give back, and nothing
 * else is answered, in ms. */
#define SHARE_HOLD_MS 5000
/* Between two tries of a row, after the first two: a database that fails at once is not to be asked
 * all the time. */
#define SHARE_AGAIN_MS 50
#define SHARE_REVISION 72 /* bytes of a policy's revision, its NUL included */

/* How a place of the log is reached. share.c makes it; the members up to `context` are its own, and
 * it sets them before the writer's thread begins a batch or a turn. */
struct share_append {
	struct store *store;
	struct share_fresh *fresh;     /* `applied` is set after each commit */
	const char *host;              /* this host's name */
	char revision[SHARE_REVISION]; /* of the policy that judges; empty: none */
	/* What may be done at all: STORE_MAKES; or STORE_ENDS while this host may only end things
	 * (its policy is not the one that all are to have, or its clock is wrong), and then why, a
	 * constant sentence. */
	enum store_need least;
	const char *least_why;
	/* Lends the connection for a batch, waiting for it until the deadline (ms, CLOCK_BOOTTIME);
	 * NULL: there is none. *out_number: another one for each connection that was opened. Gives
	 * it back; `broken`: it is to be opened again. */
	struct share_log *(*take)(void *context, uint64_t deadline, uint64_t *out_number);
	void (*give)(void *context, struct share_log *log, bool broken);
	/* After each commit of a row, before `fresh->applied` has it: `roles`: it changed stored
	 * roles, so that the policy's snapshot must be extended again; not for this host's own
	 * rows. NULL: nothing is called. */
	void (*committed)(void *context, bool roles);
	void *context;

	/* From share_append_load on the writer's thread alone sets these. */
	struct share_head head; /* where this store is: realm, epoch, sequence, tag, format, server
				 */
	bool diverged;          /* as it is stored: nothing is applied or appended any more; */
	bool unsaved;           /* that is not stored yet */
	bool owes;              /* a row stands that the store could not commit */
	bool behind; /* the log may have rows that the store lacks. A host that hears of such
		      * a row, or of a head before `head`, sets it, and for the latter looked = 0 */
	/* Rows that were applied changed stored roles: share.c has the policy's snapshot extended
	 * again, and sets this to false. */
	bool roles;
	bool pending; /* the batch is in the log: its head will be `after` */
	struct share_head after;
	uint32_t asks; /* of that row */
	/* For the watcher, from any thread. The sequence of the row that is being appended, whose
	 * notice need not wake the writer; 0: none. And the last row that is applied and asks for a
	 * report. */
	atomic_uint_fast64_t sending, reports;
	bool locked;           /* this host holds the lock of the head */
	struct share_log *log; /* the connection that the watcher lent; NULL: none */
	uint64_t number;       /* of the connection that was lent last */
	uint64_t looked;       /* number of the connection whose server is known */
	uint64_t held_until;   /* ms, CLOCK_BOOTTIME: see SHARE_HOLD_MS */
	uint8_t *buffer;       /* for rows that are read and written */
	size_t capacity;
	char why[SHARE_WHY]; /* why nothing can be appended or applied; empty: it can */
	/* Since the start; any thread reads them. */
	atomic_uint_fast64_t appended, lost, unanswered, applied;
};

/* Reads where the store is (store/shared.h). -ENOENT: it is a single store. The format is
 * SHARE_FORMAT until the head was read. */
int share_append_load(struct share_append *append);
/* Gives back what is lent and frees what it has; not the struct. */
void share_append_finish(struct share_append *append);

/* Before a batch: takes the connection if there is one, and applies what other hosts appended, as
 * far as the log can be read; 0 also without a connection, since the append finds out. -ENOTCONN:
 * nothing can be appended here until the row that stands, or a rejoin, is done: `why` says it. */
int share_append_begin(struct share_append *append);

/* Locks the head, for the next append; catches up under the lock. Released by share_append or
 * share_append_end. 0, or -ENOTCONN. */
int share_append_lock(struct share_append *append);

/* Appends what the kept jobs of the batch changed, and puts its place and the row into the write.
 * 0: commit now, and call share_append_committed. For a batch that changed nothing that is shared,
 * call share_append_still instead of this. SHARE_LOST: abort, and run again. -ENOTCONN: it was not
 * made, and nothing was sent. -EINPROGRESS: it may stand. -E2BIG: larger than SHARE_MAX_PAYLOAD.
 * -EBADMSG: the batch met an altered record. Other negative errnos are the store's. */
int share_append(struct share_append *append, struct store_write *write, uint32_t asks);

/* The batch changed nothing ("already so", a refusal): is the log still where this store is, now?
 * Proven by a durable commit, which a primary that was replaced cannot make. 0 or SHARE_LOST: run
 * again, or -ENOTCONN. */
int share_append_still(struct share_append *append);

/* After the commit. `result`: of the commit; a negative one means that the row stands and this
 * store lacks it: `fresh` is stale, which share.c ends once `owes` is false. */
void share_append_committed(struct share_append *append, int result);

/* After each batch, appended or not: ends the lock, and gives the connection back. */
void share_append_end(struct share_append *append);

/* Gives back a connection that failed. */
void share_append_broken(struct share_append *append);
