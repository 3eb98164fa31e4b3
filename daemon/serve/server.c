/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/decide/decision_log.h"
#include "daemon/decide/decision_watch.h"
#include "daemon/host/log.h"
#include "daemon/host/log_sink.h"
#include "daemon/host/memory.h"
#include "daemon/host/names.h"
#include "daemon/host/notify.h"
#include "daemon/host/rights.h"
#include "daemon/keys/principal_cache.h"
#include "daemon/keys/quota_counters.h"
#include "daemon/keys/usage.h"
#include "daemon/load/build.h"
#include "daemon/load/plugin.h"
#include "daemon/serve/accept.h"
#include "daemon/serve/confinement.h"
#include "daemon/serve/passed.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/report.h"
#include "daemon/serve/sharing.h"
#include "daemon/serve/start.h"
#include "daemon/share/share.h"
#include "daemon/store/backup.h"
#include "daemon/store/env.h"
#include "daemon/tend/marks.h"
#include "daemon/tend/pepper.h"
#include "daemon/tend/rotation.h"
#include "daemon/tend/sweep.h"
#include "daemon/write/writer.h"

struct worker *server_pick_worker(struct server *server)
{
	struct worker *best = NULL;
	uint64_t least = UINT64_MAX;

	/* Beginning after the one picked last, since a connection on its way is not counted yet.
	 */
	for (unsigned i = 0; i < server->worker_count; i++) {
		unsigned index = (server->next_worker + i) % server->worker_count;
		struct worker *worker = &server->workers[index];
		uint64_t open = atomic_load_explicit(&worker->stats.open, memory_order_relaxed);

		if (open < least) {
			least = open;
			best = worker;
		}
	}
	server->next_worker = best->index + 1;
	return best;
}

void server_wake_workers(struct server *server)
{
	for (unsigned i = 0; i < server->worker_count; i++) {
		worker_wake(&server->workers[i]);
	}
}

void server_worker_ended(struct server *server)
{
	uv_async_send(&server->ended);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void on_close(uv_handle_t *handle)
{
	(void)handle;
}

static void close_handles(struct server *server)
{
	for (size_t i = 0; i < server->listener_count; i++) {
		listener_stop(&server->listeners[i]);
	}
	for (size_t i = 0; i < server->signal_count; i++) {
		if (!uv_is_closing((uv_handle_t *)&server->signals[i])) {
			uv_close((uv_handle_t *)&server->signals[i], on_close);
		}
	}
	if (server->has_clock && !uv_is_closing((uv_handle_t *)&server->clock)) {
		uv_close((uv_handle_t *)&server->clock, on_close);
	}
	if (server->has_ended && !uv_is_closing((uv_handle_t *)&server->ended)) {
		uv_close((uv_handle_t *)&server->ended, on_close);
	}
	watchdog_stop(&server->watchdog);
}

/* Async wake-ups come together, so the threads themselves are asked. */
static void on_ended(uv_async_t *async)
{
	struct server *server = async->data;

	for (unsigned i = 0; i < server->worker_count; i++) {
		if (server->workers[i].running) {
			uv_thread_join(&server->workers[i].thread);
			server->workers[i].running = false;
		}
	}
	close_handles(server);
}

static void begin_end(struct server *server, int number)
{
	if (server->stopping) {
		return;
	}
	server->stopping = true;
	/* Given back to the system before the supervisor is notified: a second one ends the
	 * process.
	 */
	for (size_t i = 0; i < server->signal_count; i++) {
		if (server->signals[i].signum != SIGHUP) {
			uv_close((uv_handle_t *)&server->signals[i], on_close);
		}
	}
	log_info("ending", "signal=%s", number == SIGINT ? "SIGINT" : "SIGTERM");
	notify_send(&server->notify, "STOPPING=1");
	watchdog_stop(&server->watchdog);
	for (size_t i = 0; i < server->listener_count; i++) {
		listener_stop(&server->listeners[i]);
	}
	for (unsigned i = 0; i < server->worker_count; i++) {
		worker_end(&server->workers[i]);
	}
}

/* Every second. */
static void on_clock(uv_timer_t *timer)
{
	struct server *server = timer->data;
	uint64_t commits = store_commits(server->context.store);

	store_watch_clock(server->context.store);
	rotation_tick(server->context.rotation);
	backup_tick(server->context.backup);
	decision_watch_tick(server->context.watch);
	if (share_is_on(server->context.share)) {
		marks_tick(server->context.marks);
	}
	accept_make_room(server);
	if (server->seconds++ % SWEEP_SECONDS == 0) {
		pepper_tick(server->context.pepper);
		/* What has expired by a wrong clock has not for the other hosts. */
		if (share_may_sweep(server->context.share)) {
			sweep_tick(server->sweep);
		}
	}
	if (commits == server->commits || server->stopping) {
		return;
	}
	/* Idle workers let go of the store as it was before. */
	server_wake_workers(server);
	server->commits = commits;
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct server *server = handle->data;

	if (number == SIGHUP) {
		log_sink_reopen(server->context.decision_log);
		reload_ask_by_signal(server->reload);
	} else {
		begin_end(server, number);
	}
}

/* --- the beginning ---------------------------------------------------------------------------- */

static int init_loop(struct server *server)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	int r = uv_loop_init(&server->loop);

	if (r < 0) {
		return r;
	}
	server->has_loop = true;
	r = uv_async_init(&server->loop, &server->ended, on_ended);
	if (r < 0) {
		return r;
	}
	server->has_ended = true;
	server->ended.data = server;
	r = uv_timer_init(&server->loop, &server->clock);
	if (r < 0) {
		return r;
	}
	server->has_clock = true;
	server->clock.data = server;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && r == 0; i++) {
		r = uv_signal_init(&server->loop, &server->signals[i]);
		if (r == 0) {
			server->signals[i].data = server;
			server->signal_count++;
			r = uv_signal_start(&server->signals[i], on_signal, numbers[i]);
		}
	}
	return r;
}

/* Room for what modules open, if the hard limit allows it. */
#define DESCRIPTORS_WANTED 65536ULL

/* A connection is a descriptor. -EMFILE: the hard limit is lower than the connections need. */
static int raise_descriptors(const struct config *config)
{
	unsigned long long others =
		SERVER_DESCRIPTORS + 3 * config->listener_count + 8ULL * config->workers;
	unsigned long long need = config->connections + others, hard;
	int r = rights_raise_descriptors(
		need, need > DESCRIPTORS_WANTED ? need : DESCRIPTORS_WANTED, &hard);

	if (r == -EMFILE) {
		fprintf(stderr,
			"authzd: %u connections need %llu descriptors, and the limit is %llu: "
			"raise it (LimitNOFILE= of systemd, ulimit -Hn), or configure at most %lld "
			"connections\n",
			config->connections, need, hard, (long long)hard - (long long)others);
	}
	return r;
}

static int init_workers(struct server *server)
{
	const struct config *config = server->context.config;
	int r = 0;

	server->workers = calloc(config->workers, sizeof *server->workers);
	if (server->workers == NULL) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < config->workers && r == 0; i++) {
		server->worker_count++;
		r = worker_init(&server->workers[i], server, i);
	}
	return r;
}

static int start_threads(struct server *server, struct build *build)
{
	const struct config *config = server->context.config;
	int r = peer_limits_create(config->connections, config->user_connections, &server->limits);

	if (r == 0) {
		r = log_start();
	}
	if (r == 0) {
		r = log_sink_start(server->context.decision_log);
	}
	if (r == 0) {
		r = init_workers(server);
	}
	if (r == 0) {
		r = reload_create(server, build, &server->reload);
	}
	if (r == 0) {
		r = pepper_create(server->context.store, server->writer, server->context.share,
			&server->context.pepper);
	}
	if (r == 0) {
		r = sweep_create(server->context.store, server->writer, &server->sweep);
	}
	if (r == 0) {
		r = backup_create(server->context.store, &server->context.backup);
	}
	if (r == 0) {
		r = decision_watch_create(&server->context.watch);
	}
	for (unsigned i = 0; i < server->worker_count && r == 0; i++) {
		r = worker_start(&server->workers[i]);
	}
	if (r == 0) {
		r = reload_start(server->reload);
	}
	for (size_t i = 0; i < server->listener_count && r == 0; i++) {
		r = listener_accept(&server->listeners[i], server);
	}
	if (r == 0) {
		r = uv_timer_start(&server->clock, on_clock, 0, 1000);
	}
	if (r == 0) {
		r = watchdog_start(server);
	}
	if (r < 0) {
		fprintf(stderr, "authzd: cannot start: %s\n", strerror(-r));
	}
	return r;
}

int server_init(
	struct server *server, const struct config *config, const struct activation *activation)
{
	struct build build = { .folder = NULL };
	struct timespec now;
	int r;

	server->context.config = config;
	server->context.report = report_source_of(server);
	server->lock = -1;
	server->notify = notify_open();
	server->random_state = 88172645;
	server->started_tick = uv_hrtime();
	clock_gettime(CLOCK_REALTIME, &now);
	server->started_at = now.tv_sec;
	/* A peer that hangs up is an error of one call. */
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error of one change. */
	signal(SIGXFSZ, SIG_IGN);
	r = raise_descriptors(config);
	if (r < 0) {
		return r;
	}
	r = init_loop(server);
	if (r < 0) {
		fprintf(stderr, "authzd: cannot start: %s\n", strerror(-r));
		return r;
	}
	r = passed_match(config, activation, server->passed);
	if (r == 0) {
		r = server_prepare_folders(server);
	}
	if (r == 0) {
		r = server_open_listeners(server);
	}
	if (r == 0) {
		r = rights_drop(config->user, config->uid, config->gid);
	}
	if (r == 0) {
		r = server_start_names(server);
	}
	if (r == 0) {
		r = server_load_policy(server, &build);
	}
	if (r == 0) {
		r = server_open_store(server);
	}
	if (r == 0) {
		r = server_choose_policy(server, &build);
	}
	if (r == 0) {
		r = server_open_decision_log(server);
	}
	if (r == 0) {
		r = server_start_share(server);
	}
	if (r == 0) {
		r = server_confine(server);
	}
	if (r == 0) {
		r = server_start_writer(server);
	}
	if (r == 0) {
		server_keep_policy(server);
		r = start_threads(server, &build);
	}
	build_finish(&build);
	return r;
}

/* "PATH,PATH"; what does not fit is cut. */
static void name_sockets(const struct server *server, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < server->listener_count && len < size; i++) {
		len += (size_t)snprintf(
			out + len, size - len, "%s%s", i > 0 ? "," : "", server->listeners[i].path);
	}
}

int server_run(struct server *server)
{
	char sockets[CONFIG_MAX_LISTENERS * sizeof(struct sockaddr_un)];

	memory_keep_large();
	name_sockets(server, sockets, sizeof sockets);
	log_info("ready", "version=%s revision=%s workers=%u sockets=%s", AUTHZ_VERSION,
		pol_snapshot_revision(server->workers[0].snapshot), server->worker_count, sockets);
	report_notify(reload_get_attempts(server->reload), &server->notify, "READY=1\n");
	return uv_run(&server->loop, UV_RUN_DEFAULT) == 0 ? 0 : -EBUSY;
}

void server_finish(struct server *server)
{
	bool served = server->stopping;

	for (unsigned i = 0; i < server->worker_count; i++) {
		if (server->workers[i].running) {
			worker_end(&server->workers[i]);
			uv_thread_join(&server->workers[i].thread);
			server->workers[i].running = false;
		}
	}
	sweep_stop(server->sweep);
	marks_stop(server->context.marks);
	pepper_stop(server->context.pepper);
	reload_stop(server->reload);
	server_share_wakes(server, false);
	/* Flushes what the workers left. */
	writer_destroy(server->writer);
	share_destroy(server->context.share);
	store_read_close(server->share_read);
	for (unsigned i = 0; i < server->worker_count; i++) {
		worker_finish(&server->workers[i]);
	}
	free(server->workers);
	reload_destroy(server->reload);
	peer_limits_destroy(server->limits);
	rotation_destroy(server->context.rotation);
	usage_destroy(server->context.usage);
	principal_cache_destroy(server->context.principal_cache);
	quota_counters_destroy(server->context.quota_counters);
	decision_log_destroy(server->context.decision_log);
	sweep_destroy(server->sweep);
	marks_destroy(server->context.marks);
	backup_destroy(server->context.backup);
	decision_watch_destroy(server->context.watch);
	pepper_destroy(server->context.pepper);
	store_close(server->context.store);
	current_finish(&server->current);
	plugins_destroy(server->plugins);
	if (server->context.feeds != NULL) {
		feeds_finish(&server->feeds);
	}
	if (server->has_loop) {
		int r;

		close_handles(server);
		uv_run(&server->loop, UV_RUN_DEFAULT);
		r = uv_loop_close(&server->loop);
		assert(r == 0);
		(void)r;
	}
	for (size_t i = 0; i < server->listener_count; i++) {
		listener_close(&server->listeners[i]);
	}
	names_stop(server->names);
	if (server->lock >= 0) {
		close(server->lock);
	}
	notify_close(&server->notify);
	if (served) {
		log_info("ended", "uptime_s=%llu",
			(unsigned long long)((uv_hrtime() - server->started_tick) / 1000000000));
	}
}
