/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/host/log.h"
#include "daemon/host/memory.h"
#include "daemon/host/notify.h"
#include "daemon/host/signals.h"
#include "daemon/load/current.h"
#include "daemon/load/watch.h"
#include "daemon/serve/defer.h"
#include "daemon/serve/reload_attempt.h"
#include "daemon/serve/server.h"

/* Less urgent than any answer; a third of one's share, so that a busy host gets its policy too. */
enum { NICENESS = 5 };

struct reload {
	struct server *server;
	uv_thread_t thread;
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t quiet;
	uv_timer_t rescan;
	uint64_t first_event; /* of those not yet acted upon; 0: none */
	struct reload_attempt attempt;
	bool running;
	bool has_loop;
	bool has_lock;

	uv_mutex_t lock;       /* of all below */
	struct defer *waiting; /* by defer.next, newest first */
	bool asked;
	bool signalled; /* asked by a signal */
	bool stop;
};

static void free_retired(struct reload *reload)
{
	const struct server *server = reload->server;
	uint64_t taken = UINT64_MAX;

	for (unsigned i = 0; i < server->worker_count; i++) {
		uint64_t serial =
			atomic_load_explicit(&server->workers[i].taken, memory_order_acquire);

		taken = serial < taken ? serial : taken;
	}
	current_free_retired(&reload->server->current, taken);
}

static void answer_waiting(struct reload *reload, struct defer *waiting)
{
	struct server *server = reload->server;
	struct defer *next;
	uint64_t serial;
	struct pol_snapshot *now = current_ref(&server->current, &serial);

	for (; waiting != NULL; waiting = next) {
		next = waiting->next;
		defer_reloaded(waiting, now, serial);
		worker_deliver(waiting);
	}
	pol_snapshot_unref(now);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void on_quiet(uv_timer_t *timer);

static void run_attempt(struct reload *reload, enum reload_trigger trigger, const struct peer *by)
{
	uint64_t again, serial;

	reload->first_event = 0;
	uv_timer_stop(&reload->quiet);
	serial = current_serial(&reload->server->current);
	again = reload_attempt_run(&reload->attempt, trigger, by);
	if (trigger != RELOAD_WATCH || serial != current_serial(&reload->server->current)) {
		reload_attempt_find_dangling(&reload->attempt);
	}
	/* The build may have taken long; timers go by the loop's clock. */
	uv_update_time(&reload->loop);
	if (again > 0) {
		uv_timer_start(&reload->quiet, on_quiet, again, 0);
	}
	free_retired(reload);
	memory_return_free();
}

static void on_quiet(uv_timer_t *timer)
{
	run_attempt(timer->data, RELOAD_WATCH, NULL);
}

static void on_rescan(uv_timer_t *timer)
{
	struct reload *reload = timer->data;

	/* What is being changed is looked at when it is quiet. */
	if (!uv_is_active((uv_handle_t *)&reload->quiet)) {
		run_attempt(reload, RELOAD_WATCH, NULL);
	}
}

static void on_change(void *context)
{
	struct reload *reload = context;
	uint64_t now = uv_now(&reload->loop);
	uint64_t wait = RELOAD_QUIET;

	if (reload->first_event == 0) {
		reload->first_event = now;
	} else if (now + wait > reload->first_event + RELOAD_LATEST) {
		uint64_t latest = reload->first_event + RELOAD_LATEST;

		wait = latest > now ? latest - now : 0;
	}
	uv_timer_start(&reload->quiet, on_quiet, wait, 0);
}

static void on_close(uv_handle_t *handle)
{
	(void)handle;
}

static void close_handles(struct reload *reload)
{
	watch_close(reload->attempt.watch);
	reload->attempt.watch = NULL;
	uv_close((uv_handle_t *)&reload->wake, on_close);
	uv_close((uv_handle_t *)&reload->quiet, on_close);
	uv_close((uv_handle_t *)&reload->rescan, on_close);
}

static void on_wake(uv_async_t *async)
{
	struct reload *reload = async->data;
	struct defer *waiting;
	bool asked, signalled, stop;

	uv_mutex_lock(&reload->lock);
	waiting = reload->waiting;
	asked = reload->asked;
	signalled = reload->signalled;
	stop = reload->stop;
	reload->waiting = NULL;
	reload->asked = false;
	reload->signalled = false;
	uv_mutex_unlock(&reload->lock);
	free_retired(reload);
	if (asked && !stop) {
		if (signalled) {
			notify_reloading(&reload->server->notify);
		}
		run_attempt(reload, waiting != NULL ? RELOAD_REQUEST : RELOAD_SIGNAL,
			waiting != NULL ? &waiting->peer : NULL);
		if (signalled) {
			notify_send(&reload->server->notify, "READY=1");
		}
	}
	answer_waiting(reload, waiting);
	if (stop && !uv_is_closing((uv_handle_t *)async)) {
		close_handles(reload);
	}
}

static void run(void *argument)
{
	struct reload *reload = argument;

	/* Threads have a priority of their own on Linux. */
	if (setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS) != 0) {
		log_warn("reloads run at full priority", "error=%s", strerror(errno));
	}
	if (reload->attempt.watch != NULL) {
		/* The first look also says what changed between the first reading and now. */
		reload_attempt_watch(&reload->attempt);
		uv_timer_start(&reload->rescan, on_rescan, 0, RELOAD_RESCAN);
	}
	reload_attempt_find_dangling(&reload->attempt);
	uv_run(&reload->loop, UV_RUN_DEFAULT);
}

/* --- any thread ------------------------------------------------------------------------------- */

void reload_ask(struct reload *reload, struct defer *defer)
{
	uv_mutex_lock(&reload->lock);
	if (defer != NULL) {
		defer->next = reload->waiting;
		reload->waiting = defer;
	}
	reload->asked = true;
	uv_mutex_unlock(&reload->lock);
	uv_async_send(&reload->wake);
}

void reload_ask_by_signal(struct reload *reload)
{
	uv_mutex_lock(&reload->lock);
	reload->asked = true;
	reload->signalled = true;
	uv_mutex_unlock(&reload->lock);
	uv_async_send(&reload->wake);
}

void reload_taken(struct reload *reload)
{
	uv_async_send(&reload->wake);
}

struct report_attempts *reload_get_attempts(struct reload *reload)
{
	return &reload->attempt.attempts;
}

/* --- its life --------------------------------------------------------------------------------- */

static int init_loop(struct reload *reload)
{
	int r = uv_loop_init(&reload->loop);

	if (r < 0) {
		return r;
	}
	r = uv_async_init(&reload->loop, &reload->wake, on_wake);
	if (r < 0) {
		uv_loop_close(&reload->loop);
		return r;
	}
	uv_timer_init(&reload->loop, &reload->quiet);
	uv_timer_init(&reload->loop, &reload->rescan);
	reload->wake.data = reload;
	reload->quiet.data = reload;
	reload->rescan.data = reload;
	reload->has_loop = true;
	return 0;
}

int reload_create(struct server *server, struct build *first, struct reload **out)
{
	struct reload *reload = calloc(1, sizeof *reload);
	int r;

	if (reload == NULL) {
		return -ENOMEM;
	}
	reload->server = server;
	r = uv_mutex_init(&reload->lock);
	if (r < 0) {
		goto fail;
	}
	reload->has_lock = true;
	r = init_loop(reload);
	if (r == 0 && server->context.config->watch) {
		r = watch_create(&reload->loop, on_change, reload, &reload->attempt.watch);
	}
	if (r == 0) {
		r = reload_attempt_init(&reload->attempt, server, first);
	}
	if (r < 0) {
		goto fail;
	}
	*out = reload;
	return 0;

fail:
	reload_destroy(reload);
	return r;
}

int reload_start(struct reload *reload)
{
	sigset_t before;
	int r;

	signals_block(&before);
	r = uv_thread_create(&reload->thread, run, reload);
	signals_restore(&before);
	reload->running = r == 0;
	return r;
}

void reload_stop(struct reload *reload)
{
	if (reload == NULL || !reload->running) {
		return;
	}
	uv_mutex_lock(&reload->lock);
	reload->stop = true;
	uv_mutex_unlock(&reload->lock);
	uv_async_send(&reload->wake);
	uv_thread_join(&reload->thread);
	reload->running = false;
}

void reload_destroy(struct reload *reload)
{
	if (reload == NULL) {
		return;
	}
	if (reload->has_loop) {
		if (!uv_is_closing((uv_handle_t *)&reload->wake)) {
			close_handles(reload);
		}
		uv_run(&reload->loop, UV_RUN_DEFAULT);
		uv_loop_close(&reload->loop);
	}
	reload_attempt_finish(&reload->attempt);
	if (reload->has_lock) {
		uv_mutex_destroy(&reload->lock);
	}
	free(reload);
}
