/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * writer: the one thread that changes anything.
 *
 * It takes all jobs that have queued, runs them in order inside one transaction, makes that
 * durable, raises the store's generation, and only then calls `done` of each job. A job that is
 * refused or fails is undone alone. When no job waits it writes the use of keys, in slices, every
 * WRITER_FLUSH_SECONDS; that raises nothing.
 *
 * A job belongs to its submitter, again from `done` on; both functions run in the writer's
 * thread. Nothing that they touch may wait for the writer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/reserve.h"

#define WRITER_FLUSH_SECONDS 10
/* Jobs of one transaction: bounds what a failed commit takes with it, and a batch's latency. */
#define WRITER_BATCH 256

struct store;
struct store_read;
struct store_write;
struct usage;
struct writer;

/* What a job may use while it runs. */
struct writer_turn {
	struct store_read *read; /* sees the batch so far */
	struct store_write *write;
	int64_t now; /* store_now */
};

struct writer_job {
	struct writer_job *next; /* in the writer's queue */
	int result;              /* the writer's: what `done` will be given */
	bool wrote;              /* the writer's: it put something */
	enum store_need need;    /* how much it is worth when the store is nearly full */
	bool alone;              /* in a transaction of its own: it changes what others go by */
	/* Returns 0: keep what was put (nothing put is well, too). What was put without an entry in
	 * the audit trail (audit.h) is undone: -EPROTO. A positive number: refused, the answer is
	 * written, undo. Negative errno: failed, undo. May run a second time, after an undo, when a
	 * commit failed for the whole batch. */
	int (*run)(struct writer_job *job, const struct writer_turn *turn);
	/* Once a job: what run returned, or the negative errno that the commit ended with, after
	 * which nothing of the change stands. store_explain says what it means. */
	void (*done)(struct writer_job *job, int result);
};

/* Starts the thread. The store and usage must outlive it. */
int writer_create(struct store *store, struct usage *usage, struct writer **out);

/* Any thread. Never blocks for a transaction. */
void writer_submit(struct writer *writer, struct writer_job *job);

/* Any thread: begins to write the use of keys now, after the jobs that wait. For tests. */
void writer_flush(struct writer *writer);

/* Any thread: jobs that wait or run, for back-pressure and `status`. */
uint64_t writer_waiting(struct writer *writer);

/* Does all that was submitted before, flushes all use, ends the thread and frees. Nothing may be
 * submitted from then on. NULL is ignored. */
void writer_destroy(struct writer *writer);
