/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/write/writer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "daemon/keys/usage.h"
#include "daemon/write/writer_internal.h"
#include "tests/daemon/folder.h"

static struct store *store;
static struct usage *usage;
static struct writer *writer;

static void setup(void)
{
	folder_make();
	store = folder_store();
	cr_assert_eq(usage_create(store, &usage), 0);
	cr_assert_eq(writer_create(store, usage, NULL, &writer), 0);
}

static void teardown(void)
{
	writer_destroy(writer);
	usage_destroy(usage);
	store_close(store);
	folder_remove();
}

TestSuite(writer, .init = setup, .fini = teardown);

struct job {
	struct writer_job job;
	unsigned number;
	int returns; /* what run returns */
	int result;
	uint64_t generation; /* when done */
	sem_t *done;
	sem_t *gate;  /* run waits for it */
	bool forgets; /* the trail */
};

static int on_run(struct writer_job *base, const struct writer_turn *turn)
{
	struct job *job = (struct job *)base;
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, job->number);

	if (job->gate != NULL) {
		sem_wait(job->gate);
		return 0;
	}
	if (store_create_key(turn->write, &key) < 0 ||
		(!job->forgets && folder_enter(turn->write, key.kid) < 0)) {
		return -EIO;
	}
	return job->returns;
}

static void on_done(struct writer_job *base, int result)
{
	struct job *job = (struct job *)base;

	job->result = result;
	job->generation = store_generation(store);
	sem_post(job->done);
}

static bool is_there(unsigned number)
{
	struct store_read *read;
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number), found;
	int r;

	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	r = store_get_key(read, key.kid, &found);
	store_read_close(read);
	return r == 0;
}

Test(writer, a_change_is_there_when_done_is_called)
{
	sem_t done;
	struct job job = { { .run = on_run, .done = on_done }, .number = 1, .done = &done };
	uint64_t before = store_generation(store);

	sem_init(&done, 0, 0);
	writer_submit(writer, &job.job);
	sem_wait(&done);
	cr_assert_eq(job.result, 0);
	cr_assert_eq(job.generation, before + 2);
	cr_assert(is_there(1));
}

/* The first job holds the writer until all others have queued, so that they are one batch. */
Test(writer, a_refused_job_neither_undoes_nor_half_applies_the_others)
{
	sem_t done, gate;
	struct job jobs[5];
	static const int returns[5] = { 0, 0, 1, -EINVAL, 0 };

	sem_init(&done, 0, 0);
	sem_init(&gate, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		jobs[i] = (struct job){ .job = { .run = on_run, .done = on_done },
			.number = i,
			.returns = returns[i],
			.done = &done,
			.gate = i == 0 ? &gate : NULL };
		writer_submit(writer, &jobs[i].job);
	}
	sem_post(&gate);
	for (unsigned i = 0; i < 5; i++) {
		sem_wait(&done);
	}
	for (unsigned i = 0; i < 5; i++) {
		cr_assert_eq(jobs[i].result, returns[i]);
		cr_assert_eq(is_there(i), i == 1 || i == 4, "job %u", i);
	}
}

Test(writer, a_change_without_a_record_in_the_trail_is_undone)
{
	sem_t done;
	struct job job = { .job = { .run = on_run, .done = on_done },
		.number = 1,
		.done = &done,
		.forgets = true };

	sem_init(&done, 0, 0);
	writer_submit(writer, &job.job);
	sem_wait(&done);
	cr_assert_eq(job.result, -EPROTO);
	cr_assert(!is_there(1));
}

static void await_beat(uint32_t beat)
{
	writer_ask_beat(writer, beat);
	while (writer_beat(writer) != beat) {
		sched_yield();
	}
}

static atomic_uint turns;

static void on_turn(void *context)
{
	(void)context;
	turns++;
}

static struct share_append *on_append(void *context)
{
	(void)context;
	return NULL;
}

Test(writer, a_turn_that_was_asked_for_comes_between_two_batches)
{
	const struct writer_shared shared = { .append = on_append, .turn = on_turn };
	sem_t done;
	struct job job = { { .run = on_run, .done = on_done }, .number = 1, .done = &done };

	sem_init(&done, 0, 0);
	writer_destroy(writer);
	cr_assert_eq(writer_create(store, usage, &shared, &writer), 0);
	await_beat(1);
	cr_expect_eq(turns, 0);
	writer_wake_share(writer);
	await_beat(2);
	await_beat(3);
	cr_expect_eq(turns, 1);
	writer_submit(writer, &job.job);
	sem_wait(&done);
	cr_expect_eq(job.result, 0);
	cr_expect_eq(turns, 1);
}

/* Asks for a beat inside the job; what is answered by then is the job's result. */
static int on_ask(struct writer_job *base, const struct writer_turn *turn)
{
	(void)base;
	(void)turn;
	writer_ask_beat(writer, 7);
	for (unsigned i = 0; i < 1000; i++) {
		sched_yield();
	}
	return writer_beat(writer) == 7 ? -EINVAL : 1;
}

Test(writer, a_beat_is_answered_when_idle_and_not_while_a_job_runs)
{
	sem_t done;
	struct job job = { { .run = on_ask, .done = on_done }, .done = &done };

	sem_init(&done, 0, 0);
	cr_expect_eq(writer_beat(writer), 0);
	await_beat(1);
	await_beat(2);
	writer_submit(writer, &job.job);
	sem_wait(&done);
	cr_expect_eq(job.result, 1);
	await_beat(7);
}

/* The same, and goes on: 1 if that answered. */
static int on_progress(struct writer_job *base, const struct writer_turn *turn)
{
	int r = on_ask(base, turn);

	writer_go_on(writer);
	return r == 1 && writer_beat(writer) == 7 ? 1 : -EINVAL;
}

Test(writer, work_that_makes_progress_answers_a_beat)
{
	sem_t done;
	struct job job = { { .run = on_progress, .done = on_done }, .done = &done };

	sem_init(&done, 0, 0);
	writer_submit(writer, &job.job);
	sem_wait(&done);
	cr_expect_eq(job.result, 1);
}

Test(writer, all_that_was_submitted_is_done_before_it_ends)
{
	sem_t done;
	struct job jobs[600];

	sem_init(&done, 0, 0);
	for (unsigned i = 0; i < 600; i++) {
		jobs[i] = (struct job){
			.job = { .run = on_run, .done = on_done }, .number = i, .done = &done
		};
		writer_submit(writer, &jobs[i].job);
	}
	writer_destroy(writer);
	writer = NULL;
	for (unsigned i = 0; i < 600; i++) {
		cr_assert_eq(jobs[i].result, 0);
		cr_assert(is_there(i));
	}
}

Test(writer, the_use_of_keys_is_written_at_the_end)
{
	struct store_read *read;
	struct store_use use;
	struct pol_ip ip = { .known = false };
	struct usage_event event = { .now = 77, .ip = &ip };

	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	usage_count(usage, read, 3, &event);
	writer_destroy(writer);
	writer = NULL;
	cr_assert_eq(store_read_renew(read), 0);
	cr_assert_eq(store_get_use(read, 3, &use), 0);
	cr_assert_eq(use.uses, 1);
	cr_assert_eq(use.at, 77);
	store_read_close(read);
}

/* --- order and slices ---------------------------------------------------------------------------
 */

/* A job that notes when it ran, and runs in slices. */
struct noted {
	struct writer_job job;
	char name;
	unsigned slices; /* that are left */
	unsigned commits;
	sem_t *done;
	sem_t *gate;
};

static char notes[64];
static size_t note_count;

static int on_note(struct writer_job *base, const struct writer_turn *turn)
{
	struct noted *noted = (struct noted *)base;

	(void)turn;
	if (noted->gate != NULL) {
		sem_wait(noted->gate);
		return 0;
	}
	notes[note_count++] = noted->name;
	return noted->slices > noted->commits ? WRITER_MORE : 0;
}

static void on_commit(struct writer_job *base)
{
	((struct noted *)base)->commits++;
}

static void on_noted(struct writer_job *base, int result)
{
	cr_assert_eq(result, 0);
	sem_post(((struct noted *)base)->done);
}

/* Submits the jobs while the writer waits, and gives the order in which they ran. */
static const char *run_noted(struct noted *jobs, unsigned count)
{
	sem_t done, gate;
	struct noted first = {
		.job = { .run = on_note, .done = on_noted }, .done = &done, .gate = &gate
	};

	sem_init(&done, 0, 0);
	sem_init(&gate, 0, 0);
	note_count = 0;
	writer_submit(writer, &first.job);
	for (unsigned i = 0; i < count; i++) {
		jobs[i].job.run = on_note;
		jobs[i].job.done = on_noted;
		jobs[i].job.more = on_commit;
		jobs[i].done = &done;
		writer_submit(writer, &jobs[i].job);
	}
	cr_assert_geq(writer_waiting(writer), count);
	sem_post(&gate);
	for (unsigned i = 0; i <= count; i++) {
		sem_wait(&done);
	}
	/* The last one waits until its `done` has returned. */
	while (writer_waiting(writer) > 0) {
		sched_yield();
	}
	notes[note_count] = '\0';
	return notes;
}

Test(writer, what_ends_rights_runs_first)
{
	struct noted jobs[] = {
		{ .name = 'm', .job.item.class = QUEUE_MAKES },
		{ .name = 'a', .job.item.class = QUEUE_EDITS, .job.alone = true },
		{ .name = 'e', .job.item.class = QUEUE_ENDS },
		{ .name = 'n', .job.item.class = QUEUE_MAKES },
	};

	cr_assert_str_eq(run_noted(jobs, 4), "eamn");
}

Test(writer, a_job_in_slices_runs_until_it_is_done_and_lets_others_run)
{
	struct noted jobs[] = {
		{ .name = 's', .job.item.class = QUEUE_ENDS, .slices = 3 },
		{ .name = 'x', .job.item = { .class = QUEUE_ENDS, .uid = 1 } },
		{ .name = 'm', .job.item.class = QUEUE_MAKES },
	};

	/* The first slice and the other user's job are one batch. */
	cr_assert_str_eq(run_noted(jobs, 3), "sxmsss");
	cr_assert_eq(jobs[0].commits, 3);
}

Test(writer, no_job_of_the_same_order_runs_between_two_slices)
{
	struct noted jobs[] = {
		{ .name = 's', .job.item = { .class = QUEUE_ENDS, .order = 7 }, .slices = 3 },
		{ .name = 'e', .job.item = { .class = QUEUE_ENDS, .order = 7 } },
		{ .name = 'm', .job.item = { .class = QUEUE_MAKES, .order = 7 } },
		{ .name = 'o', .job.item = { .class = QUEUE_MAKES, .order = 8 } },
	};

	cr_assert_str_eq(run_noted(jobs, 4), "sosssem");
}

/* --- flushes and changes ---------------------------------------------------------------------- */

enum { SLICES = 24 };

/* A job that sees how far the flush is. */
struct seeing {
	struct writer_job job;
	uint64_t round;
	unsigned slices;
	sem_t done;
};

/* Numbers are flushed in order: which slices of that round of uses are written? */
static unsigned slices_written(struct store_read *read, uint64_t round)
{
	unsigned slices = 0;

	for (; slices < SLICES; slices++) {
		struct store_use use;

		cr_assert_eq(store_get_use(read, slices * USAGE_SLICE + 1, &use), 0);
		if (use.uses < round) {
			break;
		}
	}
	return slices;
}

static int on_see(struct writer_job *job, const struct writer_turn *turn)
{
	struct seeing *seeing = (struct seeing *)job;

	seeing->slices = slices_written(turn->read, seeing->round);
	return 0;
}

static void on_seen(struct writer_job *job, int result)
{
	(void)result;
	sem_post(&((struct seeing *)job)->done);
}

/* Submits the job while no slice can begin or end, because this thread holds the write lock; how
 * many were written by then. */
static unsigned submit_between_slices(struct seeing *seeing)
{
	struct store_write *write;
	unsigned slices;

	cr_assert_eq(store_write_begin(store, &write), 0);
	slices = slices_written(store_write_reader(write), seeing->round);
	writer_submit(writer, &seeing->job);
	store_write_abort(write);
	return slices;
}

Test(writer, a_change_waits_for_one_slice_of_a_flush_at_most)
{
	struct pol_ip ip = { .known = false };
	struct usage_event event = { .now = 77, .ip = &ip };
	struct seeing seeing = { .job = { .run = on_see, .done = on_seen } };
	struct store_read *read;
	unsigned inside = 0;

	sem_init(&seeing.done, 0, 0);
	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	/* A flush may be over before this thread gets the lock once: then there is another. */
	while (inside == 0) {
		unsigned before = 0;

		seeing.round++;
		for (uint64_t number = 1; number < SLICES * USAGE_SLICE; number++) {
			usage_count(usage, read, number, &event);
		}
		writer_flush(writer);
		while (before < SLICES) {
			before = submit_between_slices(&seeing);
			sem_wait(&seeing.done);
			/* The one that may have waited for the lock. */
			cr_assert_leq(seeing.slices, before + 1);
			inside += seeing.slices > 0 && seeing.slices < SLICES;
		}
	}
	store_read_close(read);
}

Test(gather, a_batch_waits_while_as_many_as_before_are_coming)
{
	static const struct {
		struct batch_gather gather;
		bool waits;
	} cases[] = {
		{ { .last = 0, .queued = 0 }, false },   /* the first batch */
		{ { .last = 1, .queued = 0 }, false },   /* one change at a time */
		{ { .last = 64, .queued = 0 }, true },   /* its first look */
		{ { .last = 64, .queued = 63 }, false }, /* all are there */
		{ { .last = 64, .queued = 80 }, false },
		{ { .last = 64, .queued = 9, .queued_before = 4, .spent = 100 },
			true }, /* it grows */
		{ { .last = 64, .queued = 9, .queued_before = 9, .spent = 100 },
			false }, /* not any more */
		{ { .last = 64, .queued = 9, .queued_before = 4, .spent = WRITER_GATHER_US },
			false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_expect_eq(batch_gathers(&cases[i].gather), cases[i].waits, "case %zu", i);
	}
}
