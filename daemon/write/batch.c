/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "daemon/host/log.h"
#include "daemon/store/env.h"
#include "daemon/write/writer_internal.h"

/* A job costs its flow a turn for each time it ran this long. */
#define WRITER_TURN_US 1000

static struct writer_job *next_of(const struct writer_job *job)
{
	return (struct writer_job *)job->item.next;
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
	uint64_t now = writer_microseconds();

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
	uint64_t begin = writer_microseconds();
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
	job->turns = (uint32_t)((writer_microseconds() - begin) / WRITER_TURN_US);
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
	uint64_t soon = writer_microseconds() + WRITER_ENDS_MS * 1000;

	return job->item.class == QUEUE_ENDS && soon < end ? soon : end;
}

/* Runs the batch's first job and, if it is no `again`, those that the queue gives after it, as long
 * as the batch may grow. */
static void run_all(
	struct writer *writer, struct batch *batch, struct writer_turn *turn, bool again)
{
	struct writer_job *job = batch->first;
	uint64_t end = writer_microseconds() + WRITER_BATCH_MS * 1000;
	bool alone = again || job->alone || is_last(writer);

	if (alone) {
		store_write_alone(turn->write);
	}
	turn->read = store_write_reader(turn->write);
	run_in_batch(writer, job, turn);
	end = ends_at(job, end);
	while (!alone && batch->count < WRITER_BATCH && writer_microseconds() < end) {
		job = writer_take(writer);
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

void batch_run(struct writer *writer, struct writer_job *first)
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
