/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "daemon/host/signals.h"

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
	sigset_t before;

	(void)context;
	most = most < PARALLEL_MAX ? most : PARALLEL_MAX;
	most = most < count ? most : count;
	signals_block(&before);
	while (started + 1 < most && pthread_create(&threads[started], NULL, run, &loop) == 0) {
		started++;
	}
	signals_restore(&before);
	run(&loop);
	for (size_t i = 0; i < started; i++) {
		pthread_join(threads[i], NULL);
	}
}
