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

#include <stdbool.h>
#include <stdint.h>

#include "daemon/share/log.h"

struct store;
struct store_write;
struct share_fresh;

#define SHARE_TRIES 2 /* lost ones, before the head is locked */

/* How a place of the log is reached: made in share.c, the log is lent while it is connected. */
struct share_append {
	struct store *store;
	struct share_fresh *fresh; /* `applied` is set after each commit */
	struct share_head head;    /* where this store is: realm, epoch, sequence, tag, format */
	const char *host;          /* this host's name */
	struct share_log *log;     /* NULL: there is no connection */
	bool locked;               /* the head, by us */
	bool owes;                 /* a row stands that the store could not commit */
	/* Lends the connection for a batch, waiting for it until the deadline (ms, CLOCK_BOOTTIME);
	 * NULL: there is none. Gives it back; `broken`: it is to be opened again. */
	struct share_log *(*take)(void *context, uint64_t deadline);
	void (*give)(void *context, struct share_log *log, bool broken);
	void *context;
};

/* Before a batch: applies what other hosts appended, as far as the log can be read; 0 also without
 * a connection, since the append finds out. -EINPROGRESS: a row that stands cannot be committed
 * here. */
int share_append_begin(struct share_append *append);

/* Locks the head, for the next append; catches up under the lock. Released by share_append or
 * share_append_end. */
int share_append_lock(struct share_append *append);

/* Appends what the batch changed, and puts its place into the write. `revision`: of the policy that
 * judges. 0: commit now, and call share_append_committed. SHARE_LOST: abort, and run again.
 * -ENOTCONN: nothing was sent. -EINPROGRESS: it may stand. -E2BIG: larger than SHARE_MAX_PAYLOAD.
 */
int share_append(struct share_append *append, struct store_write *write, struct pol_str revision,
	uint32_t asks);

/* The batch changed nothing ("already so", a refusal): is the log still where this store is, now? 0
 * or SHARE_LOST: run again, or as above. */
int share_append_still(struct share_append *append);

/* After the commit. `result`: of the commit; a negative one means that the row stands and this
 * store lacks it: it is stale until the row is applied from the log. */
void share_append_committed(struct share_append *append, int result);

/* After a batch that was not committed. */
void share_append_end(struct share_append *append);
