/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <sched.h>
#include <semaphore.h>

#include "daemon/host/parallel.h"

enum { MOST = 1000 };

struct calls {
	unsigned of[MOST]; /* each written by one thread alone */
};

static void count(void *argument, size_t i)
{
	struct calls *calls = argument;

	cr_assert_lt(i, MOST);
	calls->of[i]++;
}

Test(parallel, every_iteration_runs_once_before_it_returns)
{
	static const size_t counts[] = { 0, 1, 2, PARALLEL_MAX, PARALLEL_MAX + 1, MOST };

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct calls calls = { { 0 } };

		parallel_for(NULL, counts[i], count, &calls);
		for (size_t k = 0; k < MOST; k++) {
			cr_expect_eq(calls.of[k], k < counts[i], "%zu of %zu", k, counts[i]);
		}
	}
}

/* Two pieces, each of which ends when the other has begun. */
struct meeting {
	sem_t begun[2];
};

static void meet(void *argument, size_t i)
{
	struct meeting *meeting = argument;

	sem_post(&meeting->begun[i]);
	sem_wait(&meeting->begun[1 - i]);
}

/* Done one after the other they would wait for ever. */
Test(hands, pieces_are_done_at_the_same_time, .timeout = 2400)
{
	struct meeting meeting;
	cpu_set_t cores;

	cr_assert_eq(sched_getaffinity(0, sizeof cores, &cores), 0);
	if (CPU_COUNT(&cores) < 2) {
		cr_skip_test("one core");
	}
	sem_init(&meeting.begun[0], 0, 0);
	sem_init(&meeting.begun[1], 0, 0);
	parallel_for(NULL, 2, meet, &meeting);
}
