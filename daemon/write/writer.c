/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/write/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/host/signals.h"
#include "daemon/keys/usage.h"
#include "daemon/store/env.h"
#include "daemon/write/writer_internal.h"

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

uint64_t writer_microseconds(void)
{
	struct timespec now = later(0);

	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- the queue -------------------------------------------------------------------------------- */

static struct writer_job *job_of(struct queue_item *item)
{
	return (struct writer_job *)item;
}

struct writer_job *writer_take(struct writer *writer)
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
	if (!more) {
		(void)store_settle(writer->store);
	}
	return more && r == 0;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* The first job of a batch, or NULL: time to flush, or to end. */
static struct writer_job *await_job(struct writer *writer, struct timespec *flush_at)
{
	if (writer->held != NULL) {
		return writer_take(writer);
	}
	pthread_mutex_lock(&writer->mutex);
	while (writer->queue.count == 0 && !writer->stop && !writer->flush && !writer->turn &&
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
	return writer_take(writer);
}

/* Between two batches. */
static bool goes_on(struct writer *writer)
{
	bool end, turn;

	pthread_mutex_lock(&writer->mutex);
	writer->beat = writer->asked;
	end = writer->stop && writer->queue.count == 0 && writer->held == NULL;
	turn = writer->turn;
	writer->turn = false;
	pthread_mutex_unlock(&writer->mutex);
	if (turn && writer->shared.turn != NULL) {
		writer->shared.turn(writer->shared.context);
	}
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
			batch_run(writer, job);
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

int writer_create(struct store *store, struct usage *usage, const struct writer_shared *shared,
	struct writer **out)
{
	struct writer *writer = calloc(1, sizeof *writer);
	pthread_condattr_t monotonic;
	int r;

	if (writer == NULL) {
		return -ENOMEM;
	}
	writer->store = store;
	writer->usage = usage;
	if (shared != NULL) {
		writer->shared = *shared;
	}
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

void writer_wake_share(struct writer *writer)
{
	pthread_mutex_lock(&writer->mutex);
	writer->turn = true;
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

void writer_go_on(struct writer *writer)
{
	pthread_mutex_lock(&writer->mutex);
	writer->beat = writer->asked;
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
