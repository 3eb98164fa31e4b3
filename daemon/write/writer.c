/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/write/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/keys/usage.h"
#include "daemon/store/env.h"

struct writer {
	struct store *store;
	struct usage *usage;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows, up to stop */
	pthread_cond_t wake;
	struct writer_job *first;
	struct writer_job **last;
	uint64_t waiting;
	bool stop;
	bool flush;        /* now */
	bool flush_failed; /* the thread's own: so that a full disk is said once */
};

static struct timespec later(unsigned seconds)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += seconds;
	return at;
}

static bool is_past(const struct timespec *at)
{
	struct timespec now = later(0);

	return now.tv_sec > at->tv_sec || (now.tv_sec == at->tv_sec && now.tv_nsec >= at->tv_nsec);
}

/* --- jobs ------------------------------------------------------------------------------------- */

static void run_job(struct writer_job *job, struct writer_turn *turn)
{
	int r;

	store_write_job(turn->write);
	r = store_reserve_allows(turn->write, job->need) ? job->run(job, turn) : -EFBIG;
	if (r == 0 && store_write_owes(turn->write)) {
		log_error("a change without a record in the audit trail was undone: this is a bug",
			"job=%p", (void *)job);
		r = -EPROTO;
	}
	job->wrote = r == 0 && store_write_job_changed(turn->write);
	if (r == 0) {
		r = store_write_keep(turn->write);
	} else {
		store_write_undo(turn->write);
	}
	job->result = r;
}

/* Runs jobs up to `end` (exclusive) in one transaction. What a failed commit took with it is in
 * their results; jobs that put nothing keep theirs. */
static int run_jobs(struct writer *writer, struct writer_job *first, struct writer_job *end)
{
	struct writer_turn turn = { .now = store_now(writer->store) };
	int r = store_write_begin(writer->store, &turn.write);

	if (r < 0) {
		for (struct writer_job *job = first; job != end; job = job->next) {
			job->result = r;
			job->wrote = false;
		}
		return 0;
	}
	if (first->next == end) {
		store_write_alone(turn.write);
	}
	turn.read = store_write_reader(turn.write);
	for (struct writer_job *job = first; job != end; job = job->next) {
		run_job(job, &turn);
	}
	if (!store_write_changed(turn.write)) {
		store_write_abort(turn.write);
		return 0;
	}
	r = store_write_commit(turn.write, true);
	for (struct writer_job *job = first; r < 0 && job != end; job = job->next) {
		if (job->wrote) {
			job->result = r;
		}
	}
	return r;
}

static void run_batch(struct writer *writer, struct writer_job *first)
{
	struct writer_job *next;

	/* One that fills the map or the disk must not take a revocation beside it with it. */
	if (run_jobs(writer, first, NULL) < 0 && first->next != NULL) {
		for (struct writer_job *job = first; job != NULL; job = job->next) {
			if (job->wrote) {
				run_jobs(writer, job, job->next);
			}
		}
	}
	for (struct writer_job *job = first; job != NULL; job = next) {
		next = job->next;
		job->next = NULL;
		job->done(job, job->result);
	}
}

/* --- flushing --------------------------------------------------------------------------------- */

/* One slice. true: there is more of this round. */
static bool flush_slice(struct writer *writer)
{
	struct store_write *write;
	bool more = false;
	int r = store_write_begin(writer->store, &write);

	if (r == 0) {
		store_write_alone(write);
		/* What is kept in memory as well must not use up what changes need. */
		r = store_reserve_allows(write, STORE_EDITS)
			    ? usage_flush(writer->usage, write, &more)
			    : -EFBIG;
		if (r == 0) {
			r = store_write_keep(write);
		}
		if (r == 0 && store_write_changed(write)) {
			r = store_write_commit(write, false);
		} else {
			store_write_abort(write);
		}
		usage_flushed(writer->usage, r == 0);
	}
	if (r < 0 && !writer->flush_failed) {
		log_error("cannot write the use of keys", "why=%s", store_explain(r));
	}
	writer->flush_failed = r < 0;
	return more && r == 0;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Jobs to be done, at most a batch, or NULL: time to flush, or to end. */
static struct writer_job *take_jobs(struct writer *writer, struct timespec *flush_at)
{
	struct writer_job *first, **end;
	unsigned count = 0;

	pthread_mutex_lock(&writer->mutex);
	while (writer->first == NULL && !writer->stop && !writer->flush) {
		if (pthread_cond_timedwait(&writer->wake, &writer->mutex, flush_at) == ETIMEDOUT) {
			break;
		}
	}
	if (writer->flush) {
		writer->flush = false;
		*flush_at = later(0);
	}
	first = writer->first;
	end = &writer->first;
	while (*end != NULL && count < WRITER_BATCH &&
		(count == 0 || (!first->alone && !(*end)->alone))) {
		end = &(*end)->next;
		count++;
	}
	writer->first = *end;
	if (writer->first == NULL) {
		writer->last = &writer->first;
	}
	*end = NULL;
	pthread_mutex_unlock(&writer->mutex);
	return first;
}

static unsigned count_jobs(const struct writer_job *job)
{
	unsigned count = 0;

	for (; job != NULL; job = job->next) {
		count++;
	}
	return count;
}

static bool must_end(struct writer *writer)
{
	bool end;

	pthread_mutex_lock(&writer->mutex);
	end = writer->stop && writer->first == NULL;
	pthread_mutex_unlock(&writer->mutex);
	return end;
}

static void *on_thread(void *data)
{
	struct writer *writer = data;
	struct timespec flush_at = later(WRITER_FLUSH_SECONDS);
	struct timespec overdue_at = later(2 * WRITER_FLUSH_SECONDS);

	while (!must_end(writer)) {
		struct writer_job *jobs = take_jobs(writer, &flush_at);
		unsigned count = count_jobs(jobs);

		if (jobs != NULL) {
			run_batch(writer, jobs);
			pthread_mutex_lock(&writer->mutex);
			writer->waiting -= count;
			pthread_mutex_unlock(&writer->mutex);
		}
		/* After the changes that wait; but a flush that is overdue does not wait for them.
		 */
		if ((jobs == NULL && is_past(&flush_at)) || is_past(&overdue_at)) {
			if (!flush_slice(writer)) {
				flush_at = later(WRITER_FLUSH_SECONDS);
				overdue_at = later(2 * WRITER_FLUSH_SECONDS);
			}
		}
	}
	while (flush_slice(writer)) {
	}
	return NULL;
}

static int start_thread(struct writer *writer)
{
	sigset_t all, old;
	int r;

	/* Signals are the main thread's, except those that say that the store is damaged. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&writer->thread, NULL, on_thread, writer);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int writer_create(struct store *store, struct usage *usage, struct writer **out)
{
	struct writer *writer = calloc(1, sizeof *writer);
	pthread_condattr_t monotonic;
	int r;

	if (writer == NULL) {
		return -ENOMEM;
	}
	writer->store = store;
	writer->usage = usage;
	writer->last = &writer->first;
	pthread_mutex_init(&writer->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	r = start_thread(writer);
	if (r < 0) {
		pthread_cond_destroy(&writer->wake);
		pthread_mutex_destroy(&writer->mutex);
		free(writer);
		return r;
	}
	*out = writer;
	return 0;
}

void writer_submit(struct writer *writer, struct writer_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&writer->mutex);
	*writer->last = job;
	writer->last = &job->next;
	writer->waiting++;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->mutex);
}

void writer_flush(struct writer *writer)
{
	pthread_mutex_lock(&writer->mutex);
	writer->flush = true;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->mutex);
}

uint64_t writer_waiting(struct writer *writer)
{
	uint64_t waiting;

	pthread_mutex_lock(&writer->mutex);
	waiting = writer->waiting;
	pthread_mutex_unlock(&writer->mutex);
	return waiting;
}

void writer_destroy(struct writer *writer)
{
	if (writer == NULL) {
		return;
	}
	pthread_mutex_lock(&writer->mutex);
	writer->stop = true;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->mutex);
	pthread_join(writer->thread, NULL);
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->mutex);
	free(writer);
}
