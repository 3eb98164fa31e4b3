/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * writer: the one thread that changes anything.
 *
 * It takes jobs in the order of the queue (queue.h), runs them inside one transaction, makes that
 * durable, raises the store's generation, and only then calls `done` of each job. A batch takes its
 * next job when the one before has run, and ends after WRITER_BATCH_MS or WRITER_BATCH jobs: so a
 * job that ends rights waits for the job that runs and for one commit, not for what has queued. A
 * long job runs in slices, each in a batch: others run between them. A job that is refused or fails
 * is undone alone. When no job waits the writer writes the use of keys, in slices, every
 * WRITER_FLUSH_SECONDS; that raises nothing.
 *
 * In a shared store (struct writer_shared) a batch is appended to the log of all hosts before its
 * commit, and runs again, the same jobs in the same order, when another host was first. Then a
 * result of -EINPROGRESS says that the change may stand, and -ENOTCONN that it was not made: the
 * database does not answer. Uses and `local` jobs stay on this host. Each batch is one round trip
 * to the database, so a batch waits up to WRITER_GATHER_US while further jobs arrive, unless the
 * last batch had one job.
 *
 * A job belongs to its submitter, again from `done` on; its functions run in the writer's thread.
 * Nothing that they touch may wait for the writer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/share/row.h"
#include "daemon/store/reserve.h"
#include "daemon/write/queue.h"

#define WRITER_FLUSH_SECONDS 10
#define WRITER_FULL_SECONDS  60 /* between two lines of the log about changes without room */
/* Jobs of one transaction: bounds what a failed commit takes with it, and a batch's latency. */
#define WRITER_BATCH    256
#define WRITER_BATCH_MS 10
#define WRITER_ENDS_MS  2 /* after a job that ends rights */

/* What `run` returns after a slice, when there is another one. */
#define WRITER_MORE 3

struct share_append;
struct store;
struct store_read;
struct store_write;
struct usage;
struct writer;

/* What a job may use while it runs. */
struct writer_turn {
	struct store_read *read; /* sees the batch so far */
	struct store_write *write;
	int64_t now;      /* store_now */
	const char *host; /* this host's name in a shared store, for the actor; else NULL */
};

struct writer_job {
	struct queue_item item; /* class, uid, tenant and order are the submitter's */
	int result;             /* the writer's: what `done` will be given */
	bool wrote;             /* the writer's: it put something */
	uint32_t turns;         /* the writer's: what it costs its flow */
	enum store_need need;   /* how much it is worth when the store is nearly full */
	bool alone;             /* in a transaction of its own: it changes what others go by */
	/* It is `alone`, too, and puts only what this host has for itself (store/shared.h), which
	 * is neither appended nor asked of the log. What else it put is undone: -EPROTO. */
	bool local;
	uint32_t asks; /* of enum share_asks, for the row that has the change */
	/* The writer's, after a batch of a shared store: where its store is since, which is the
	 * place by which the change stands, or what the job found; empty otherwise. */
	uint64_t sequence;
	char place[SHARE_PLACE_TEXT];
	/* The writer's: why the job was refused before it ran (-EROFS), a constant; or NULL. */
	const char *refused;
	/* Returns 0: keep what was put (nothing put is well, too). What was put without an entry in
	 * the audit trail (audit.h) is undone: -EPROTO. WRITER_MORE: keep it, and run again in a
	 * later batch. 1: refused, the answer is written, undo. Negative errno: failed, undo. May
	 * run again, after an undo: when a commit failed for the whole batch, and in a shared store
	 * each time that another host was first. */
	int (*run)(struct writer_job *job, const struct writer_turn *turn);
	/* After the commit of a slice that returned WRITER_MORE; NULL for a job without slices. */
	void (*more)(struct writer_job *job);
	/* Once a job: what run returned, or the negative errno that the commit ended with, after
	 * which nothing of the change stands. store_explain says what it means. */
	void (*done)(struct writer_job *job, int result);
};

/* How the writer reaches the log of a shared store. The writer's thread calls these. */
struct writer_shared {
	/* At the beginning of each batch. NULL: the store is a single one (now). */
	struct share_append *(*append)(void *context);
	/* Between two batches, after writer_wake_share: it may write to the store. */
	void (*turn)(void *context);
	void *context;
};

/* Starts the thread. The store and usage must outlive it. `shared` is copied; NULL: a single store.
 */
int writer_create(struct store *store, struct usage *usage, const struct writer_shared *shared,
	struct writer **out);

/* Any thread. Never blocks for a transaction. */
void writer_submit(struct writer *writer, struct writer_job *job);

/* Any thread: begins to write the use of keys now, after the jobs that wait. For tests. */
void writer_flush(struct writer *writer);

/* Any thread: asks for a turn of struct writer_shared, before the jobs that wait. Several calls
 * before it begins are one. */
void writer_wake_share(struct writer *writer);

/* Any thread: jobs that wait or run, for back-pressure and `status`. */
uint64_t writer_waiting(struct writer *writer);

/* Any thread: asks the thread to show that it goes on; writer_beat is this number once it has
 * passed between two batches, or writer_go_on. 0 at the beginning. */
void writer_ask_beat(struct writer *writer, uint32_t beat);
uint32_t writer_beat(struct writer *writer);
/* The writer's thread, in work that takes long: it has made progress, which answers the beat. */
void writer_go_on(struct writer *writer);

/* Does all that was submitted before, flushes all use, ends the thread and frees. Nothing may be
 * submitted from then on. NULL is ignored. */
void writer_destroy(struct writer *writer);
