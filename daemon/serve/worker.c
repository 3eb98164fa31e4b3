/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/decide/given.h"
#include "daemon/host/log.h"
#include "daemon/host/signals.h"
#include "daemon/load/current.h"
#include "daemon/serve/conn.h"
#include "daemon/serve/conn_rest.h"
#include "daemon/serve/defer.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"

/* --- the inbox -------------------------------------------------------------------------------- */

void worker_adopt(struct worker *worker, struct conn *conn)
{
	uv_mutex_lock(&worker->lock);
	conn->next = worker->arrived;
	worker->arrived = conn;
	uv_mutex_unlock(&worker->lock);
	uv_async_send(&worker->wake);
}

void worker_deliver(struct defer *defer)
{
	struct worker *worker = defer->worker;

	uv_mutex_lock(&worker->lock);
	defer->next = worker->answered;
	worker->answered = defer;
	uv_mutex_unlock(&worker->lock);
	uv_async_send(&worker->wake);
}

void worker_wake(struct worker *worker)
{
	uv_async_send(&worker->wake);
}

void worker_reap(struct worker *worker)
{
	uv_mutex_lock(&worker->lock);
	worker->reap = true;
	uv_mutex_unlock(&worker->lock);
	uv_async_send(&worker->wake);
}

void worker_end(struct worker *worker)
{
	uv_mutex_lock(&worker->lock);
	worker->end = true;
	uv_mutex_unlock(&worker->lock);
	uv_async_send(&worker->wake);
}

/* --- turns and deadlines ---------------------------------------------------------------------- */

static void close_if_done(struct worker *worker);

static void on_serve(uv_idle_t *idle)
{
	struct worker *worker = idle->data;
	struct conn *conn;

	while ((conn = fairness_next(&worker->fairness)) != NULL) {
		conn_turn(conn);
	}
	if (worker->fairness.ready == 0) {
		uv_idle_stop(idle);
	}
	close_if_done(worker);
}

/* After polling, so that of one uid the connections that wait are served before those newly
 * readable. */
static void on_round(uv_check_t *check)
{
	struct worker *worker = check->data;

	fairness_renew(&worker->fairness);
}

void worker_queue(struct worker *worker, struct conn *conn)
{
	if (worker->fairness.ready == 0) {
		uv_idle_start(&worker->serve, on_serve);
	}
	fairness_queue(&worker->fairness, conn);
}

static void on_tick(uv_timer_t *timer)
{
	struct worker *worker = timer->data;
	uint64_t now = uv_now(&worker->loop);
	struct conn *next;
	bool any = false;

	for (struct conn *conn = worker->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->deadline == 0) {
			continue;
		}
		any = true;
		if (conn->deadline <= now) {
			conn_expire(conn);
		}
	}
	if (!any) {
		uv_timer_stop(timer);
	}
	close_if_done(worker);
}

void worker_watch_deadlines(struct worker *worker)
{
	if (!uv_is_active((uv_handle_t *)&worker->tick)) {
		uv_timer_start(&worker->tick, on_tick, WORKER_TICK, WORKER_TICK);
	}
}

/* --- a batch ---------------------------------------------------------------------------------- */

static void end_read(struct worker *worker)
{
	if (worker->reading) {
		store_read_reset(worker->read);
		worker->reading = false;
	}
}

void worker_publish_taken(struct worker *worker)
{
	uint64_t oldest = worker->serial;

	for (struct conn *conn = worker->paused > 0 ? worker->conns : NULL; conn != NULL;
		conn = conn->next) {
		if (conn->rest != NULL && conn->rest->serial < oldest) {
			oldest = conn->rest->serial;
		}
	}
	atomic_store_explicit(&worker->taken, oldest, memory_order_release);
	if (worker->server->reload != NULL) {
		reload_taken(worker->server->reload);
	}
}

static void take_policy(struct worker *worker)
{
	struct current *current = &worker->server->current;
	struct pol_snapshot *old = worker->snapshot;

	if (worker->snapshot != NULL && worker->serial == current_serial(current)) {
		return;
	}
	worker->snapshot = current_ref(current, &worker->serial);
	/* Never the last reference: reload keeps one until all have taken the new one. */
	pol_snapshot_unref(old);
	conn_rest_bound(worker);
	worker_publish_taken(worker);
}

/* The store as of now. */
static void take_store(struct worker *worker)
{
	uint64_t generation = store_generation(worker->server->context.store);

	if (!worker->reading || generation != worker->generation) {
		worker->read_error = store_read_renew(worker->read);
		worker->reading = worker->read_error == 0;
		worker->generation = generation;
	}
}

void worker_begin(struct worker *worker)
{
	const struct server *server = worker->server;

	/* First of all: what the store has is not older than this. */
	if (server->context.fresh != NULL) {
		worker->view = share_fresh_view(server->context.fresh);
	}
	/* Both as of one moment: neither may have changed since the first was looked at. */
	do {
		take_store(worker);
		take_policy(worker);
	} while (worker->generation != store_generation(server->context.store));
	worker->now = store_now(server->context.store);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void take_answers(struct worker *worker, struct defer *defer)
{
	struct defer *first = NULL, *next;

	/* They were put in front, newest first; clients get them in order. */
	for (; defer != NULL; defer = next) {
		next = defer->next;
		defer->next = first;
		first = defer;
	}
	for (defer = first; defer != NULL; defer = next) {
		struct conn *conn = worker_find(worker, defer->conn);

		next = defer->next;
		worker->deferred--;
		peer_limits_release(defer->limits, defer->user, defer->charged);
		if (conn != NULL) {
			conn_answer(conn, defer);
		}
		defer_destroy(defer);
	}
}

static void on_close(uv_handle_t *handle)
{
	(void)handle;
}

static void close_handles(struct worker *worker)
{
	uv_close((uv_handle_t *)&worker->wake, on_close);
	uv_close((uv_handle_t *)&worker->tick, on_close);
	uv_close((uv_handle_t *)&worker->drain, on_close);
	uv_close((uv_handle_t *)&worker->place, on_close);
	uv_close((uv_handle_t *)&worker->serve, on_close);
	uv_close((uv_handle_t *)&worker->round, on_close);
}

static void close_if_done(struct worker *worker)
{
	if (worker->ending && worker->conns == NULL && worker->deferred == 0 &&
		!uv_is_closing((uv_handle_t *)&worker->wake)) {
		close_handles(worker);
	}
}

static void on_drain(uv_timer_t *timer)
{
	struct worker *worker = timer->data;
	unsigned dropped = 0;

	while (worker->conns != NULL) {
		conn_close(worker->conns);
		dropped++;
	}
	if (dropped > 0) {
		log_warn("connections dropped at the end: their peers do not read",
			"worker=%u connections=%u", worker->index, dropped);
	}
	close_if_done(worker);
}

static void begin_end(struct worker *worker)
{
	struct conn *next;

	worker->ending = true;
	uv_timer_start(&worker->drain, on_drain, SERVER_DRAIN, 0);
	for (struct conn *conn = worker->conns; conn != NULL; conn = next) {
		next = conn->next;
		conn_end(conn);
	}
}

/* The one that has been idle for longest; NULL: none has been for as long as `idle` says. */
static struct conn *find_idle(struct worker *worker)
{
	uint64_t idle = (uint64_t)worker->server->context.config->idle * 1000;
	uint64_t now = uv_now(&worker->loop);
	struct conn *found = NULL;

	for (struct conn *conn = worker->conns; conn != NULL && now >= idle; conn = conn->next) {
		if (conn_is_idle(conn, now - idle) &&
			(found == NULL || conn->active < found->active)) {
			found = conn;
		}
	}
	return found;
}

static void reap(struct worker *worker)
{
	for (int i = 0; i < WORKER_REAP; i++) {
		struct conn *conn = find_idle(worker);

		if (conn == NULL) {
			return;
		}
		conn_close(conn);
		stats_add(&worker->stats.reaped, 1);
	}
}

static void on_wake(uv_async_t *async)
{
	struct worker *worker = async->data;
	struct conn *arrived, *next;
	struct defer *answered;
	bool end, scarce;

	atomic_store(&worker->beat, atomic_load(&worker->server->watchdog.beat));
	uv_mutex_lock(&worker->lock);
	arrived = worker->arrived;
	answered = worker->answered;
	end = worker->end;
	scarce = worker->reap;
	worker->reap = false;
	worker->arrived = NULL;
	worker->answered = NULL;
	uv_mutex_unlock(&worker->lock);
	end_read(worker);
	take_policy(worker);
	for (; arrived != NULL; arrived = next) {
		next = arrived->next;
		conn_start(arrived, worker);
	}
	take_answers(worker, answered);
	if (scarce) {
		reap(worker);
	}
	if (end && !worker->ending) {
		begin_end(worker);
	}
	close_if_done(worker);
}

static void run(void *argument)
{
	struct worker *worker = argument;

	uv_run(&worker->loop, UV_RUN_DEFAULT);
	server_worker_ended(worker->server);
}

/* --- its life --------------------------------------------------------------------------------- */

static int init_handles(struct worker *worker)
{
	int r = uv_loop_init(&worker->loop);

	if (r < 0) {
		return r;
	}
	worker->loop.data = worker;
	/* Only wake can fail: the others have nothing outside. */
	r = uv_async_init(&worker->loop, &worker->wake, on_wake);
	if (r < 0) {
		uv_loop_close(&worker->loop);
		return r;
	}
	uv_timer_init(&worker->loop, &worker->tick);
	uv_timer_init(&worker->loop, &worker->drain);
	uv_timer_init(&worker->loop, &worker->place);
	uv_idle_init(&worker->loop, &worker->serve);
	uv_check_init(&worker->loop, &worker->round);
	worker->wake.data = worker;
	worker->tick.data = worker;
	worker->drain.data = worker;
	worker->place.data = worker;
	worker->serve.data = worker;
	worker->round.data = worker;
	uv_check_start(&worker->round, on_round);
	worker->handles = true;
	return 0;
}

int worker_init(struct worker *worker, struct server *server, unsigned index)
{
	int r;

	worker->server = server;
	worker->index = index;
	worker->random_state = 2463534242u + index;
	wire_buf_init(&worker->out, WORKER_FLUSH + WIRE_MAX_RESPONSE + 4096);
	worker->bytes = malloc(WORKER_READ);
	/* The host gives memory for it as far as facts fill it. */
	worker->given = calloc(1, sizeof *worker->given);
	if (worker->bytes == NULL || worker->given == NULL) {
		return -ENOMEM;
	}
	r = uv_mutex_init(&worker->lock);
	if (r < 0) {
		return r;
	}
	worker->has_lock = true;
	r = store_read_open(server->context.store, &worker->read);
	if (r < 0) {
		return r;
	}
	worker->snapshot = current_ref(&server->current, &worker->serial);
	atomic_store_explicit(&worker->taken, worker->serial, memory_order_release);
	return init_handles(worker);
}

int worker_start(struct worker *worker)
{
	sigset_t before;
	int r;

	signals_block(&before);
	r = uv_thread_create(&worker->thread, run, worker);
	signals_restore(&before);
	worker->running = r == 0;
	return r;
}

void worker_finish(struct worker *worker)
{
	if (worker->handles) {
		int r;

		if (!uv_is_closing((uv_handle_t *)&worker->wake)) {
			close_handles(worker);
			uv_run(&worker->loop, UV_RUN_DEFAULT);
		}
		r = uv_loop_close(&worker->loop);
		assert(r == 0);
		(void)r;
	}
	assert(worker->conns == NULL && worker->deferred == 0);
	end_read(worker);
	store_read_close(worker->read);
	pol_snapshot_unref(worker->snapshot);
	if (worker->has_lock) {
		uv_mutex_destroy(&worker->lock);
	}
	wire_buf_finish(&worker->out);
	free(worker->bytes);
	free(worker->given);
	free(worker->slots);
	*worker = (struct worker){ .index = 0 };
}
