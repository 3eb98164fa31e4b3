/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/write/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/host/signals.h"
#include "daemon/keys/usage.h"
#include "daemon/store/env.h"

/* A job costs its flow a turn for each time it ran this long. */
#define WRITER_TURN_US 1000

struct writer {
	struct store *store;
	struct usage *usage;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows, up to stop */
	pthread_cond_t wake;
	struct queue queue;
	uint64_t waiting;
	bool flush;           /* now */
	uint32_t asked, beat; /* see writer_ask_beat */
	bool stop;
	struct writer_job *held; /* the thread's own: taken, and first of the next batch */
	bool flush_failed;       /* the thread's own: so that a full disk is said once */
	/* The thread's own: */
	uint64_t
		full_at; /* when a change without room was logged last, in microseconds; 0: never */
	uint64_t full;   /* those since then */
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

static uint64_t microseconds(void)
{
	struct timespec now = later(0);

	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- the queue -------------------------------------------------------------------------------- */

static struct writer_job *job_of(struct queue_item *item)
{
	return (struct writer_job *)item;
}

static struct writer_job *next_of(const struct writer_job *job)
{
	return job_of(job->item.next);
}

/* The next job, or NULL. */
static struct writer_job *take(struct writer *writer)
{
	struct writer_job *job = writer->held;

	writer->held = NULL;
	if (job == NULL) {
		pthread_mutex_lock(&writer->mutex);
		job = job_of(queue_take(&writer->queue));
		pthread_mutex_unlock(&writer->mutex);
	}
	return job;
}

static bool is_last(struct writer *writer)
{
	bool last;

	pthread_mutex_lock(&writer->mutex);
	last = writer->queue.count == 0;
	pthread_mutex_unlock(&writer->mutex);
	return last;
}

/* --- jobs ------------------------------------------------------------------------------------- */

/* -EFBIG is a full map. */
static bool is_full(int result)
{
	return result == -ENOSPC || result == -EDQUOT || result == -EFBIG;
}

/* Each change is answered with the reason; the log has it once in WRITER_FULL_SECONDS. */
static void log_full(struct writer *writer, int result)
{
	uint64_t now = microseconds();

	writer->full++;
	if (writer->full_at != 0 &&
		now - writer->full_at < WRITER_FULL_SECONDS * UINT64_C(1000000)) {
		return;
	}
	log_error("changes cannot be written", "why=%s refused=%llu", store_explain(result),
		(unsigned long long)writer->full);
	writer->full_at = now;
	writer->full = 0;
}

static void run_job(struct writer *writer, struct writer_job *job, struct writer_turn *turn)
{
	uint64_t begin = microseconds();
	int r, kept;

	store_write_job(turn->write);
	r = store_reserve_allows(turn->write, job->need) ? job->run(job, turn) : -EFBIG;
	if ((r == 0 || r == WRITER_MORE) && store_write_owes(turn->write)) {
		log_error("a change without a record in the audit trail was undone: this is a bug",
			"job=%p", (void *)job);
		r = -EPROTO;
	}
	job->wrote = (r == 0 || r == WRITER_MORE) && store_write_job_changed(turn->write);
	if (r == 0 || r == WRITER_MORE) {
		kept = store_write_keep(turn->write);
		r = kept < 0 ? kept : r;
	} else {
		store_write_undo(turn->write);
	}
	job->result = store_why_failed(writer->store, r);
	job->turns = (uint32_t)((microseconds() - begin) / WRITER_TURN_US);
}

/* Runs a job of a batch. No later one of its order runs before its last slice. */
static void run_in_batch(struct writer *writer, struct writer_job *job, struct writer_turn *turn)
{
	run_job(writer, job, turn);
	if (job->result == WRITER_MORE) {
		pthread_mutex_lock(&writer->mutex);
		queue_slice(&writer->queue, &job->item);
		pthread_mutex_unlock(&writer->mutex);
	}
}

/* The jobs of a transaction, in the order in which they ran. */
struct batch {
	struct writer_job *first;
	struct queue_item **last;
	unsigned count;
};

static void add(struct batch *batch, struct writer_job *job)
{
	job->item.next = NULL;
	if (batch->first == NULL) {
		batch->first = job;
	} else {
		*batch->last = &job->item;
	}
	batch->last = &job->item.next;
	batch->count++;
}

/* When a batch with this job ends at the latest: what ends rights is to be durable soon. */
static uint64_t ends_at(const struct writer_job *job, uint64_t end)
{
	uint64_t soon = microseconds() + WRITER_ENDS_MS * 1000;

	return job->item.class == QUEUE_ENDS && soon < end ? soon : end;
}

/* Runs the batch's first job and, if it is no `again`, those that the queue gives after it, as long
 * as the batch may grow. */
static void run_all(
	struct writer *writer, struct batch *batch, struct writer_turn *turn, bool again)
{
	struct writer_job *job = batch->first;
	uint64_t end = microseconds() + WRITER_BATCH_MS * 1000;
	bool alone = again || job->alone || is_last(writer);

	if (alone) {
		store_write_alone(turn->write);
	}
	turn->read = store_write_reader(turn->write);
	run_in_batch(writer, job, turn);
	end = ends_at(job, end);
	while (!alone && batch->count < WRITER_BATCH && microseconds() < end) {
		job = take(writer);
		if (job == NULL || job->alone) {
			writer->held = job;
			break;
		}
		add(batch, job);
		run_in_batch(writer, job, turn);
		end = ends_at(job, end);
	}
}

/* Runs a batch from its first job on in one transaction. What a failed commit took with it is in
 * their results; jobs that put nothing keep theirs. */
static int run_batch(struct writer *writer, struct batch *batch, bool again)
{
	struct writer_turn turn = { .now = store_now(writer->store) };
	int r = store_write_begin(writer->store, &turn.write);

	if (r < 0) {
		batch->first->result = store_why_failed(writer->store, r);
		batch->first->wrote = false;
		return 0;
	}
	run_all(writer, batch, &turn, again);
	if (!store_write_changed(turn.write)) {
		store_write_abort(turn.write);
		return 0;
	}
	r = store_why_failed(writer->store, store_write_commit(turn.write, true));
	for (struct writer_job *job = batch->first; r < 0 && job != NULL; job = next_of(job)) {
		if (job->wrote) {
			job->result = r;
		}
	}
	return r;
}

/* Runs a job of a batch whose commit failed, in a transaction of its own. */
static void run_again(struct writer *writer, struct writer_job *job)
{
	struct queue_item *next = job->item.next;
	struct batch batch = { .first = NULL };

	add(&batch, job);
	run_batch(writer, &batch, true);
	job->item.next = next;
}

/* Gives the job back to its submitter, or to the queue if there is more of it. */
static void finish_job(struct writer *writer, struct writer_job *job)
{
	bool more = job->result == WRITER_MORE;

	if (more && job->more != NULL) {
		job->more(job);
	}
	pthread_mutex_lock(&writer->mutex);
	if (more) {
		queue_return(&writer->queue, &job->item, job->turns);
	} else {
		queue_done(&writer->queue, &job->item, job->turns);
	}
	pthread_mutex_unlock(&writer->mutex);
	if (!more && is_full(job->result)) {
		log_full(writer, job->result);
	}
	if (!more) {
		job->done(job, job->result);
		pthread_mutex_lock(&writer->mutex);
		writer->waiting--;
		pthread_mutex_unlock(&writer->mutex);
	}
}

static void run_jobs(struct writer *writer, struct writer_job *first)
{
	struct batch batch = { .first = NULL };
	struct writer_job *next;

	add(&batch, first);
	/* One that fills the map or the disk must not take a revocation beside it with it. */
	if (run_batch(writer, &batch, false) < 0 && batch.count > 1) {
		for (struct writer_job *job = batch.first; job != NULL; job = next_of(job)) {
			if (job->wrote) {
				run_again(writer, job);
			}
		}
	}
	for (struct writer_job *job = batch.first; job != NULL; job = next) {
		next = next_of(job);
		job->item.next = NULL;
		finish_job(writer, job);
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
	r = store_why_failed(writer->store, r);
	if (r < 0 && !writer->flush_failed) {
		log_error("cannot write the use of keys", "why=%s", store_explain(r));
	}
	writer->flush_failed = r < 0;
	return more && r == 0;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* The first job of a batch, or NULL: time to flush, or to end. */
static struct writer_job *await_job(struct writer *writer, struct timespec *flush_at)
{
	if (writer->held != NULL) {
		return take(writer);
	}
	pthread_mutex_lock(&writer->mutex);
	while (writer->queue.count == 0 && !writer->stop && !writer->flush &&
		writer->beat == writer->asked) {
		if (pthread_cond_timedwait(&writer->wake, &writer->mutex, flush_at) == ETIMEDOUT) {
			break;
		}
	}
	if (writer->flush) {
		writer->flush = false;
		*flush_at = later(0);
	}
	pthread_mutex_unlock(&writer->mutex);
	return take(writer);
}

/* Between two batches. */
static bool goes_on(struct writer *writer)
{
	bool end;

	pthread_mutex_lock(&writer->mutex);
	writer->beat = writer->asked;
	end = writer->stop && writer->queue.count == 0 && writer->held == NULL;
	pthread_mutex_unlock(&writer->mutex);
	return !end;
}

static void *on_thread(void *data)
{
	struct writer *writer = data;
	struct timespec flush_at = later(WRITER_FLUSH_SECONDS);
	struct timespec overdue_at = later(2 * WRITER_FLUSH_SECONDS);

	while (goes_on(writer)) {
		struct writer_job *job = await_job(writer, &flush_at);

		if (job != NULL) {
			run_jobs(writer, job);
		}
		/* After the changes that wait; but a flush that is overdue does not wait for them.
		 */
		if ((job == NULL && is_past(&flush_at)) || is_past(&overdue_at)) {
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
	sigset_t before;
	int r;

	signals_block(&before);
	r = -pthread_create(&writer->thread, NULL, on_thread, writer);
	signals_restore(&before);
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
	queue_init(&writer->queue);
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
	pthread_mutex_lock(&writer->mutex);
	queue_push(&writer->queue, &job->item);
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

void writer_ask_beat(struct writer *writer, uint32_t beat)
{
	pthread_mutex_lock(&writer->mutex);
	writer->asked = beat;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->mutex);
}

uint32_t writer_beat(struct writer *writer)
{
	uint32_t beat;

	pthread_mutex_lock(&writer->mutex);
	beat = writer->beat;
	pthread_mutex_unlock(&writer->mutex);
	return beat;
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
