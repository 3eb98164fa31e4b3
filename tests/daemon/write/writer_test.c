/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/write/writer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>

#include "daemon/keys/usage.h"
#include "tests/daemon/folder.h"

static struct store *store;
static struct usage *usage;
static struct writer *writer;

static void setup(void)
{
	folder_make();
	store = folder_store();
	cr_assert_eq(usage_create(store, &usage), 0);
	cr_assert_eq(writer_create(store, usage, &writer), 0);
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
