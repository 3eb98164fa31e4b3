/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <uv.h>

struct loop {
	void (*work)(void *argument, size_t i);
	void *argument;
	size_t count;
	atomic_size_t next;
};

static void *run(void *argument)
{
	struct loop *loop = argument;
	size_t i;

	while ((i = atomic_fetch_add_explicit(&loop->next, 1, memory_order_relaxed)) <
		loop->count) {
		loop->work(loop->argument, i);
	}
	return NULL;
}

void parallel_for(
	void *context, size_t count, void (*work)(void *argument, size_t i), void *argument)
{
	struct loop loop = { .work = work, .argument = argument, .count = count };
	size_t most = uv_available_parallelism();
	pthread_t threads[PARALLEL_MAX - 1];
	size_t started = 0;
	sigset_t all, old;

	(void)context;
	most = most < PARALLEL_MAX ? most : PARALLEL_MAX;
	most = most < count ? most : count;
	/* The main thread alone handles signals, except those of a fault and of a refused call. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (started + 1 < most && pthread_create(&threads[started], NULL, run, &loop) == 0) {
		started++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	run(&loop);
	for (size_t i = 0; i < started; i++) {
		pthread_join(threads[i], NULL);
	}
}
