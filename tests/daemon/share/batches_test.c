/* SPDX-License-Identifier: Apache-2.0 */
/* batches_test: the writer's batches in a shared store. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <semaphore.h>

#include "daemon/keys/usage.h"
#include "daemon/write/writer.h"
#include "tests/daemon/share/hosts.h"
#include "tests/daemon/store/equal.h"

#define HOSTS 3

static struct log_memory *memory;
static struct host hosts[HOSTS];
static struct usage *usages[HOSTS];
static struct writer *writers[HOSTS];
static sem_t done;

static struct share_append *on_append(void *context)
{
	return &((struct host *)context)->append;
}

static void on_turn(void *context)
{
	(void)hosts_catch_up(context);
}

static void start(unsigned at)
{
	const struct writer_shared shared = { on_append, on_turn, &hosts[at] };

	cr_assert_eq(usage_create(hosts[at].store, &usages[at]), 0);
	cr_assert_eq(writer_create(hosts[at].store, usages[at], &shared, &writers[at]), 0);
}

static void stop(unsigned at)
{
	writer_destroy(writers[at]);
	usage_destroy(usages[at]);
	writers[at] = NULL;
	usages[at] = NULL;
}

static void setup(void)
{
	memory = hosts_begin();
	for (unsigned i = 0; i < HOSTS; i++) {
		hosts[i].log = memory;
		hosts_open(&hosts[i], i);
	}
	start(0);
	sem_init(&done, 0, 0);
}

static void teardown(void)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		stop(i);
		hosts_close(&hosts[i]);
	}
	log_memory_destroy(memory);
	folder_remove();
}

TestSuite(batches, .init = setup, .fini = teardown);

enum what {
	MAKES, /* a key, another one at each run */
	FINDS, /* a key that is there: 0; or refuses: 1 */
	MARKS, /* a key on this host alone */
	RACES, /* makes a key after another host appended, until the head is locked */
};

struct job {
	struct writer_job job;
	enum what what;
	unsigned number; /* of its first key; each run takes the next one */
	unsigned runs;
	unsigned order; /* of its last run */
	int result;
	sem_t *gate;
};

static unsigned orders;
static unsigned raced;

static int put_key(const struct writer_turn *turn, unsigned number)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number);
	int r = store_create_key(turn->write, &key);

	return r < 0 ? r : folder_enter(turn->write, key.kid);
}

static int find_key(const struct writer_turn *turn, unsigned number)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number), found;

	return store_get_key(turn->read, key.kid, &found) == 0 ? 0 : 1;
}

static int put_mark(const struct writer_turn *turn, unsigned number)
{
	char kid[STORE_KID + 1];
	struct store_mark mark = { .what = STORE_MARK_REVOKE, .at = 1 };

	folder_key(kid, number);
	memcpy(mark.kid, kid, STORE_KID);
	return store_put_mark(turn->write, &mark);
}

static int on_run(struct writer_job *base, const struct writer_turn *turn)
{
	struct job *job = (struct job *)base;
	unsigned number = job->number + job->runs++;

	job->order = ++orders;
	if (job->gate != NULL) {
		sem_wait(job->gate);
	}
	switch (job->what) {
	case FINDS:
		return find_key(turn, job->number);
	case MARKS:
		return put_mark(turn, number);
	case RACES:
		if (log_memory_locks(memory) == 0) {
			unsigned other = 900000 + raced++;

			cr_assert(hosts_put(&hosts[1], other) == 0 ||
				  hosts_put(&hosts[1], other) == 0);
		}
		return put_key(turn, number);
	case MAKES:
		break;
	}
	return put_key(turn, number);
}

static void on_done(struct writer_job *base, int result)
{
	((struct job *)base)->result = result;
	sem_post(&done);
}

static struct job job_of(enum what what, unsigned number)
{
	return (struct job){
		.job = { .run = on_run, .done = on_done }, .what = what, .number = number
	};
}

static int run(unsigned at, struct job *job)
{
	writer_submit(writers[at], &job->job);
	sem_wait(&done);
	return job->result;
}

static uint64_t sequence(void)
{
	struct share_head head;

	log_memory_head(memory, &head);
	return head.sequence;
}

/* How many of the job's keys the host has. */
static unsigned count(struct host *host, const struct job *job)
{
	unsigned found = 0;

	for (unsigned i = 0; i < job->runs; i++) {
		found += hosts_have(host, job->number + i);
	}
	return found;
}

static void expect_equal(void)
{
	char why[256] = "";

	for (unsigned i = 0; i < HOSTS; i++) {
		stop(i);
		cr_assert_eq(hosts_catch_up(&hosts[i]), 0, "%s", hosts[i].append.why);
		cr_expect_eq(hosts[i].append.head.sequence, sequence());
		cr_expect(equal_stores(
				  hosts[0].store, hosts[i == 0 ? 1 : i].store, why, sizeof why) ||
				  i == 0,
			"%s", why);
	}
}

Test(batches, a_change_is_appended_before_it_is_answered)
{
	struct job job = job_of(MAKES, 10);

	cr_expect_eq(run(0, &job), 0);
	cr_expect_eq(sequence(), 1);
	cr_expect(hosts_have(&hosts[0], 10));
	expect_equal();
}

Test(batches, jobs_that_queue_are_one_row_and_run_again_in_the_same_order)
{
	struct job jobs[6];
	sem_t gate;

	sem_init(&gate, 0, 0);
	for (unsigned i = 0; i < 6; i++) {
		jobs[i] = job_of(MAKES, 100 * (i + 1));
		jobs[i].gate = i == 0 ? &gate : NULL;
	}
	cr_assert_eq(hosts_put(&hosts[1], 1), 0);
	hosts[0].append.behind = false;
	for (unsigned i = 0; i < 6; i++) {
		writer_submit(writers[0], &jobs[i].job);
	}
	sem_post(&gate);
	sem_post(&gate);
	for (unsigned i = 0; i < 6; i++) {
		sem_wait(&done);
	}
	for (unsigned i = 0; i < 6; i++) {
		cr_expect_eq(jobs[i].result, 0);
		cr_expect_eq(count(&hosts[0], &jobs[i]), 1);
		cr_expect(i == 0 || jobs[i].order > jobs[i - 1].order);
	}
	cr_expect_eq(jobs[0].runs, 2);
	/* The other host's row, that of the first job, and usually one for the rest: a batch also
	 * ends after WRITER_BATCH_MS, which may pass between two jobs on a busy machine. */
	cr_expect_lt(sequence(), 1 + 6, "jobs share rows");
	expect_equal();
}

Test(batches, after_two_lost_tries_the_head_is_locked)
{
	struct job job = job_of(RACES, 10);

	cr_expect_eq(run(0, &job), 0);
	cr_expect_eq(raced, SHARE_TRIES);
	cr_expect_eq(job.runs, SHARE_TRIES + 1);
	cr_expect_eq(log_memory_locks(memory), 1);
	cr_expect_eq(count(&hosts[0], &job), 1);
	expect_equal();
}

Test(batches, what_changes_nothing_is_answered_by_what_the_log_has)
{
	struct job job = job_of(FINDS, 5);

	cr_assert_eq(run(0, &job), 1);
	cr_assert_eq(hosts_put(&hosts[1], 5), 0);
	cr_expect_eq(run(0, &job), 0, "the other host's change was answered before");
	cr_expect_eq(job.runs, 3);
	log_memory_set_away(memory, true);
	cr_expect_eq(run(0, &job), -ENOTCONN);
	log_memory_set_away(memory, false);
}

Test(batches, without_the_database_a_change_is_not_made)
{
	struct job job = job_of(MAKES, 10);

	log_memory_set_away(memory, true);
	cr_expect_eq(run(0, &job), -ENOTCONN);
	cr_expect_eq(count(&hosts[0], &job), 0);
	log_memory_set_away(memory, false);
	cr_expect_eq(run(0, &job), 0);
	expect_equal();
}

Test(batches, what_is_local_needs_no_database_and_is_in_no_row)
{
	struct job job = job_of(MARKS, 10);
	struct store_read *read;
	struct store_mark mark;

	job.job.local = true;
	log_memory_set_away(memory, true);
	cr_expect_eq(run(0, &job), 0);
	log_memory_set_away(memory, false);
	cr_expect_eq(sequence(), 0);
	read = folder_reader(hosts[0].store);
	cr_expect_eq(store_get_mark(read, POL_STR("100000000010"), &mark), 0);
	store_read_close(read);
	cr_expect_eq(share_append_still(&hosts[0].append), 0);
	share_append_end(&hosts[0].append);
}

Test(batches, a_local_job_that_changes_what_is_shared_is_undone)
{
	struct job job = job_of(MAKES, 10);

	job.job.local = true;
	cr_expect_eq(run(0, &job), -EPROTO);
	cr_expect_not(hosts_have(&hosts[0], 10));
	cr_expect_eq(sequence(), 0);
}

Test(batches, a_host_that_may_only_end_things_runs_nothing_else)
{
	struct job makes = job_of(MAKES, 10), ends = job_of(MAKES, 20);

	ends.job.need = STORE_ENDS;
	hosts[0].append.least = STORE_ENDS;
	hosts[0].append.least_why = "its clock is wrong";
	cr_expect_eq(run(0, &makes), -EROFS);
	cr_expect_eq(makes.runs, 0);
	cr_expect_str_eq(makes.job.refused, "its clock is wrong");
	cr_expect_eq(run(0, &ends), 0);
	cr_expect_null(ends.job.refused);
	hosts[0].append.least = STORE_MAKES;
	cr_expect_eq(run(0, &makes), 0);
	cr_expect_null(makes.job.refused);
	expect_equal();
}

static enum log_fault always_late(void *context)
{
	(void)context;
	return LOG_LATE;
}

/* The deadline is the answer's: this test waits for it. */
Test(batches, a_change_without_an_answer_may_stand_and_is_there_once, .timeout = 60)
{
	struct job job = job_of(MAKES, 10), other = job_of(MAKES, 20);

	log_memory_set_faults(memory, always_late, NULL);
	cr_expect_eq(run(0, &job), -EINPROGRESS);
	cr_expect_eq(job.runs, 1);
	cr_expect_not(hosts_have(&hosts[0], 10));
	log_memory_set_faults(memory, NULL, NULL);
	log_memory_arrive(memory, 0);
	cr_expect_eq(run(0, &other), 0);
	cr_expect_eq(count(&hosts[0], &job), 1);
	cr_expect_eq(sequence(), 2);
	expect_equal();
}

Test(batches, the_turn_applies_what_others_appended)
{
	cr_assert_eq(hosts_put(&hosts[1], 5), 0);
	writer_wake_share(writers[0]);
	writer_ask_beat(writers[0], 1);
	while (writer_beat(writers[0]) != 1) {
		sched_yield();
	}
	/* The beat is answered before the turn of the same round; another one comes after it. */
	writer_ask_beat(writers[0], 2);
	while (writer_beat(writers[0]) != 2) {
		sched_yield();
	}
	cr_expect(hosts_have(&hosts[0], 5));
}

/* --- all at once ------------------------------------------------------------------------------ */

#define JOBS 200 /* of each host */

static struct job many[HOSTS][JOBS];
static unsigned seed;

static unsigned draw(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % below;
}

static enum log_fault random_fault(void *context)
{
	static const enum log_fault some[] = { LOG_LATE, LOG_LOST, LOG_DONE, LOG_DOUBLED,
		LOG_BROKEN };
	static unsigned state = 99;

	(void)context;
	state = state * 1103515245 + 12345;
	return (state >> 16) % 4 == 0 ? some[(state >> 18) % 5] : LOG_NONE;
}

static void disturb(void)
{
	for (unsigned finished = 0; finished < HOSTS * JOBS;) {
		if (sem_trywait(&done) == 0) {
			finished++;
			continue;
		}
		log_memory_arrive(memory, draw(7));
		writer_wake_share(writers[draw(HOSTS)]);
		if (draw(200) == 0) {
			log_memory_set_away(memory, true);
			sched_yield();
			log_memory_set_away(memory, false);
		}
		sched_yield();
	}
	log_memory_set_faults(memory, NULL, NULL);
	log_memory_arrive(memory, 0);
}

static void expect_job(const struct job *job)
{
	unsigned found =
		job->what == MAKES ? count(&hosts[0], job) : hosts_have(&hosts[0], job->number);

	cr_expect_leq(found, 1, "%u was made %u times", job->number, found);
	switch (job->result) {
	case 0:
		cr_expect_eq(found, 1, "%u was answered and is not there", job->number);
		break;
	case -ENOTCONN:
		cr_expect(job->what == FINDS || found == 0, "%u was not to be there", job->number);
		break;
	case 1:
		cr_expect_eq(job->what, FINDS);
		break;
	default:
		cr_expect_eq(job->result, -EINPROGRESS, "%u: %d", job->number, job->result);
	}
}

Test(batches, with_faults_each_answered_change_is_in_all_stores_once_and_they_are_equal,
	.timeout = 120)
{
	log_memory_set_faults(memory, random_fault, NULL);
	for (unsigned i = 1; i < HOSTS; i++) {
		start(i);
	}
	for (unsigned k = 0; k < JOBS; k++) {
		for (unsigned i = 0; i < HOSTS; i++) {
			many[i][k] = job_of(k % 5 == 4 ? FINDS : MAKES,
				1000000 * (i + 1) + 1000 * (k % 5 == 4 ? k / 2 : k));
			many[i][k].job.alone = k % 4 != 0; /* so that there are many rows */
			writer_submit(writers[i], &many[i][k].job);
		}
	}
	disturb();
	expect_equal();
	for (unsigned i = 0; i < HOSTS; i++) {
		for (unsigned k = 0; k < JOBS; k++) {
			expect_job(&many[i][k]);
		}
	}
	cr_expect_gt(hosts[0].append.lost + hosts[1].append.lost + hosts[2].append.lost, 0);
}
