/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/share/append.h"
#include "daemon/store/changes.h"
#include "daemon/store/env.h"
#include "daemon/write/writer_internal.h"

/* A job costs its flow a turn for each time it ran this long. */
#define WRITER_TURN_US 1000

static struct writer_job *next_of(const struct writer_job *job)
{
	return (struct writer_job *)job->item.next;
}

static size_t count_queued(struct writer *writer)
{
	size_t count;

	pthread_mutex_lock(&writer->mutex);
	count = writer->queue.count;
	pthread_mutex_unlock(&writer->mutex);
	return count;
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
	job->refused = NULL;
	job->place[0] = '\0';
	if (writer->append != NULL && job->need < writer->append->least) {
		job->refused = writer->append->least_why;
		r = -EROFS;
	} else {
		r = store_reserve_allows(turn->write, job->need) ? job->run(job, turn) : -EFBIG;
	}
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
	bool alone = again || job->alone || job->local || count_queued(writer) == 0;

	if (alone) {
		store_write_alone(turn->write);
	}
	turn->read = store_write_reader(turn->write);
	run_in_batch(writer, job, turn);
	end = ends_at(job, end);
	while (!alone && batch->count < WRITER_BATCH && writer_microseconds() < end) {
		job = writer_take(writer);
		if (job == NULL || job->alone || job->local) {
			writer->held = job;
			break;
		}
		add(batch, job);
		run_in_batch(writer, job, turn);
		end = ends_at(job, end);
	}
}

/* Begins the batch's transaction. What that fails with is its first job's result. */
static int begin(struct writer *writer, struct batch *batch, struct writer_turn *turn)
{
	int r;

	*turn = (struct writer_turn){
		.now = store_now(writer->store),
		.host = writer->append != NULL ? writer->append->host : NULL,
	};
	r = writer->append != NULL ? store_write_begin_logged(writer->store, &turn->write)
				   : store_write_begin(writer->store, &turn->write);
	if (r < 0) {
		batch->first->result = store_why_failed(writer->store, r);
		batch->first->wrote = false;
	}
	return r;
}

/* Has a local job put what is shared? */
static bool is_shared(const struct writer_job *job, const struct store_write *write)
{
	struct pol_str changes;

	return job->local && (store_write_changes(write, &changes) < 0 || changes.len > 0);
}

/* Runs a batch from its first job on in one transaction, on this host alone. What a failed commit
 * took with it is in their results; jobs that put nothing keep theirs. */
static int run_here(struct writer *writer, struct batch *batch, bool again)
{
	struct writer_turn turn;
	int r = begin(writer, batch, &turn);

	if (r < 0) {
		return 0;
	}
	run_all(writer, batch, &turn, again);
	if (!store_write_changed(turn.write)) {
		store_write_abort(turn.write);
		return 0;
	}
	if (is_shared(batch->first, turn.write)) {
		store_write_abort(turn.write);
		batch->first->result = -EPROTO;
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

/* --- in a shared store ------------------------------------------------------------------------ */

/* Runs the jobs of a batch that was lost once more, in the same order. */
static void run_same(struct writer *writer, struct batch *batch, struct writer_turn *turn)
{
	if (batch->count == 1) {
		store_write_alone(turn->write);
	}
	turn->read = store_write_reader(turn->write);
	for (struct writer_job *job = batch->first; job != NULL; job = next_of(job)) {
		run_in_batch(writer, job, turn);
	}
}

static uint32_t asks_of(const struct batch *batch)
{
	uint32_t asks = 0;

	for (const struct writer_job *job = batch->first; job != NULL; job = next_of(job)) {
		asks |= job->wrote ? job->asks : 0;
	}
	return asks;
}

/* Commits what is in the log. A row that stands and is not committed here may be seen elsewhere. */
static int commit_appended(struct writer *writer, struct store_write *write)
{
	bool stands = writer->append->pending;
	int r = store_why_failed(writer->store, store_write_commit(write, true));

	share_append_committed(writer->append, r);
	if (r == 0 && !stands) {
		/* It is in no log. */
		r = store_why_failed(writer->store, store_settle(writer->store));
	}
	return r < 0 && stands ? -EINPROGRESS : r;
}

/* Runs the batch, appends it and commits it. SHARE_LOST: nothing of it stands, run it again. */
static int run_shared_once(struct writer *writer, struct batch *batch, bool first, bool again)
{
	struct writer_turn turn;
	int r = begin(writer, batch, &turn);

	if (r < 0) {
		return r;
	}
	if (first) {
		run_all(writer, batch, &turn, again);
	} else {
		run_same(writer, batch, &turn);
	}
	if (!store_write_changed(turn.write)) {
		store_write_abort(turn.write);
		return share_append_still(writer->append);
	}
	r = share_append(writer->append, turn.write, asks_of(batch));
	if (r != 0) {
		store_write_abort(turn.write);
		return r;
	}
	return commit_appended(writer, turn.write);
}

/* Whether each job ran on what the log has is not known, or known to be false. */
static void fail_shared(struct batch *batch, int r)
{
	bool unknown = r == -EINPROGRESS || r == -ENOTCONN;

	for (struct writer_job *job = batch->first; job != NULL; job = next_of(job)) {
		if (job->wrote) {
			job->result = r;
		} else if (job->result >= 0) {
			/* It saw what jobs before it put, or an old state. */
			job->result = unknown ? -ENOTCONN : r;
			job->wrote = !unknown; /* so that it runs again alone */
		}
	}
}

/* Where the store is after the batch. */
static void note_place(const struct share_head *head, struct batch *batch)
{
	char place[SHARE_PLACE_TEXT];

	share_place_format(head->sequence, head->tag, place);
	for (struct writer_job *job = batch->first; job != NULL; job = next_of(job)) {
		job->sequence = head->sequence;
		memcpy(job->place, place, sizeof place);
	}
}

bool batch_gathers(const struct batch_gather *gather)
{
	return gather->queued + 1 < gather->last && gather->spent < WRITER_GATHER_US &&
	       (gather->spent == 0 || gather->queued > gather->queued_before);
}

/*
 * A client that always has several changes under way sends the next ones one after the other, as it
 * reads the answers of the last batch. Were the first of them a batch of its own, the others would
 * wait for its row. So while the queue grows, the batch waits until as many are there as the last
 * one had.
 */
static void gather(struct writer *writer, const struct writer_job *first)
{
	const struct timespec step = { .tv_nsec = WRITER_GATHER_STEP_US * 1000 };
	uint64_t begin = writer_microseconds();
	struct batch_gather gather = { .last = writer->gathered, .queued = count_queued(writer) };

	while (!first->alone && batch_gathers(&gather)) {
		nanosleep(&step, NULL);
		gather.queued_before = gather.queued;
		gather.queued = count_queued(writer);
		gather.spent = writer_microseconds() - begin;
	}
}

static int run_shared(struct writer *writer, struct batch *batch, bool again)
{
	struct share_append *append = writer->append;
	uint64_t end = writer_microseconds() + SHARE_ANSWER_MS * UINT64_C(1000);
	unsigned lost = 0;
	int r;

	if (!again) {
		gather(writer, batch->first);
	}
	r = share_append_begin(append);
	if (r < 0) {
		/* It did not run. */
		batch->first->wrote = false;
		batch->first->result = -ENOTCONN;
	}
	while (r == 0) {
		r = run_shared_once(writer, batch, lost == 0, again);
		if (r != SHARE_LOST) {
			break;
		}
		lost++;
		if (writer_microseconds() >= end) {
			r = -ENOTCONN;
		} else if (lost >= SHARE_TRIES) {
			r = share_append_lock(append);
		} else {
			r = share_append_begin(append);
		}
	}
	share_append_end(append);
	writer->gathered = again ? 0 : batch->count;
	if (r == 0) {
		note_place(&append->head, batch);
	}
	if (r < 0) {
		fail_shared(batch, r);
	}
	return r == -EINPROGRESS || r == -ENOTCONN ? 0 : r;
}

static int run_batch(struct writer *writer, struct batch *batch, bool again)
{
	int r;

	if (writer->shared.append != NULL && !batch->first->local) {
		writer->append = writer->shared.append(writer->shared.context);
	}
	if (writer->append == NULL) {
		return run_here(writer, batch, again);
	}
	r = run_shared(writer, batch, again);
	writer->append = NULL;
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
