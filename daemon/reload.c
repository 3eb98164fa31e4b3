/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/build.h"
#include "daemon/current.h"
#include "daemon/dangling.h"
#include "daemon/defer.h"
#include "daemon/exchange.h"
#include "daemon/log.h"
#include "daemon/plugin_folder.h"
#include "daemon/reload_report.h"
#include "daemon/server.h"
#include "daemon/store.h"
#include "daemon/watch.h"

/* Less urgent than any answer; a third of one's share, so that a busy host gets its policy too. */
enum { NICENESS = 5 };

/* An old policy, until every worker has taken a newer one. */
struct retired {
	struct retired *next; /* in reload.retired */
	struct pol_snapshot *snapshot;
	uint64_t serial; /* of the one that replaced it */
};

struct reload {
	struct server *server;
	uv_thread_t thread;
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t quiet;
	uv_timer_t rescan;
	struct watch *watch;
	uint64_t first_event;          /* of those not yet acted upon; 0: none */
	struct folder *folder;         /* as of the last attempt; NULL: it could not be read */
	struct plugin_folder *modules; /* likewise; NULL too when none is named */
	uint64_t host; /* what the running policy was told of the machine, a digest */
	struct retired *retired;
	struct reload_reports reports;
	const struct peer *by; /* who asked for the attempt at hand; NULL: nobody */
	bool running;
	bool has_loop;
	bool has_reports;
	bool has_lock;

	uv_mutex_t lock;          /* of all below */
	struct defer *waiting;    /* by defer.next, newest first */
	struct retired *retiring; /* on their way to retired */
	bool asked;
	bool stop;
};

static struct build_options options_of(const struct reload *reload)
{
	const struct server *server = reload->server;
	struct build_options options = build_options_of(server->config, server->plugins);

	options.watch = reload->watch;
	return options;
}

/* --- the exchange ----------------------------------------------------------------------------- */

/* Takes the build's snapshot, if it can stand. */
static bool exchange_policy(
	struct reload *reload, struct build *build, const struct build_options *options)
{
	struct server *server = reload->server;
	struct retired *retired = calloc(1, sizeof *retired);
	struct exchanged to;

	if (retired == NULL || !exchange_run(server, build, options, reload->by, &to)) {
		free(retired);
		return false;
	}
	retired->snapshot = to.old;
	retired->serial = to.serial;
	retired->next = reload->retired;
	reload->retired = retired;
	for (unsigned i = 0; i < server->worker_count; i++) {
		worker_wake(&server->workers[i]);
	}
	return true;
}

static void free_retired(struct reload *reload)
{
	const struct server *server = reload->server;
	uint64_t taken = UINT64_MAX;
	struct retired **link = &reload->retired;

	uv_mutex_lock(&reload->lock);
	while (reload->retiring != NULL) {
		struct retired *retired = reload->retiring;

		reload->retiring = retired->next;
		retired->next = reload->retired;
		reload->retired = retired;
	}
	uv_mutex_unlock(&reload->lock);

	for (unsigned i = 0; i < server->worker_count; i++) {
		uint64_t serial =
			atomic_load_explicit(&server->workers[i].taken, memory_order_acquire);

		taken = serial < taken ? serial : taken;
	}
	while (*link != NULL) {
		struct retired *retired = *link;

		if (retired->serial > taken) {
			link = &retired->next;
			continue;
		}
		*link = retired->next;
		pol_snapshot_unref(retired->snapshot);
		free(retired);
	}
}

/* --- an attempt ------------------------------------------------------------------------------- */

static int64_t unix_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* A reference of our own: the writer may put another one in its place at any time. */
static struct pol_snapshot *present(struct reload *reload, uint64_t *out_serial)
{
	return current_ref(&reload->server->current, out_serial);
}

static struct reload_outcome outcome_of(
	const struct pol_snapshot *snapshot, uint64_t serial, bool ok, bool exchanged)
{
	return (struct reload_outcome){
		.at = unix_now(),
		.ok = ok,
		.exchanged = exchanged,
		.serial = serial,
		.revision = pol_snapshot_revision(snapshot),
	};
}

/* Gives the time until another attempt is due; 0: none. */
static uint64_t attempt(struct reload *reload, bool forced)
{
	struct build_options options = options_of(reload);
	struct pol_snapshot *now;
	const char *running;
	struct build build;
	bool restless, exchanged = false, ok;
	uint64_t begin = uv_hrtime(), serial;

	options.before = forced ? NULL : reload->folder;
	options.modules_before = reload->modules;
	build_run(&build, &options);
	restless = build.restless;
	if (build.unchanged) {
		build_finish(&build);
		return 0;
	}
	now = present(reload, &serial);
	running = pol_snapshot_revision(now);
	ok = build.snapshot != NULL;
	/* The same files mean something else once the machine has other users or time zones. */
	if (ok && (strcmp(pol_snapshot_revision(build.snapshot), running) != 0 ||
			  build.host != reload->host)) {
		ok = exchange_policy(reload, &build, &options);
		exchanged = ok;
	}
	if (exchanged) {
		reload->host = build.host;
		pol_snapshot_unref(now);
		now = present(reload, &serial);
		log_info("policy exchanged", "revision=%s warnings=%zu took_ms=%llu",
			pol_snapshot_revision(now), build.warnings,
			(unsigned long long)((uv_hrtime() - begin) / 1000000));
	} else if (ok && forced) {
		log_info("policy unchanged", "revision=%s", running);
	} else if (!ok) {
		reload_reports_refused(&reload->reports, &build, options.path, running, forced);
	}
	reload_reports_add(&reload->reports, &build, outcome_of(now, serial, ok, exchanged));
	pol_snapshot_unref(now);
	folder_destroy(reload->folder);
	plugin_folder_destroy(reload->modules);
	reload->folder = build.folder;
	reload->modules = build.modules;
	build.folder = NULL;
	build.modules = NULL;
	build_finish(&build);
	return restless ? RELOAD_AGAIN : 0;
}

/* After each exchange, and when asked: what is made later is checked against the present policy. */
static void look_for_dangling(struct reload *reload)
{
	uint64_t serial;
	struct pol_snapshot *now = present(reload, &serial);
	struct dangling found;
	int r = dangling_find(reload->server->store, now, unix_now(), &found);

	pol_snapshot_unref(now);

	if (r < 0) {
		log_error("what the store names and the policy lacks cannot be found", "error=%s",
			store_explain(r));
		dangling_finish(&found);
		return;
	}
	if (found.total > 0) {
		log_warn("the store names what the policy lacks, which counts for nothing",
			"total=%llu", (unsigned long long)found.total);
	}
	reload_reports_dangling(&reload->reports, &found);
}

static void answer_waiting(struct reload *reload, struct defer *waiting)
{
	struct server *server = reload->server;
	struct defer *next;
	uint64_t serial;
	struct pol_snapshot *now = present(reload, &serial);

	for (; waiting != NULL; waiting = next) {
		struct call call = {
			.store = server->store,
			.usage = server->usage,
			.config = server->config,
			.snapshot = now,
			.serial = serial,
			.now = unix_now(),
		};

		next = waiting->next;
		defer_run(waiting, &call);
		worker_deliver(waiting);
	}
	pol_snapshot_unref(now);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void on_quiet(uv_timer_t *timer);

static void try_now(struct reload *reload, bool forced)
{
	uint64_t again, serial;

	reload->first_event = 0;
	uv_timer_stop(&reload->quiet);
	serial = current_serial(&reload->server->current);
	again = attempt(reload, forced);
	if (forced || serial != current_serial(&reload->server->current)) {
		look_for_dangling(reload);
	}
	/* The build may have taken long; timers go by the loop's clock. */
	uv_update_time(&reload->loop);
	if (again > 0) {
		uv_timer_start(&reload->quiet, on_quiet, again, 0);
	}
	free_retired(reload);
}

static void on_quiet(uv_timer_t *timer)
{
	try_now(timer->data, false);
}

static void on_rescan(uv_timer_t *timer)
{
	struct reload *reload = timer->data;

	/* What is being changed is looked at when it is quiet. */
	if (!uv_is_active((uv_handle_t *)&reload->quiet)) {
		try_now(reload, false);
	}
}

static void on_seen(void *context)
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
	watch_close(reload->watch);
	reload->watch = NULL;
	uv_close((uv_handle_t *)&reload->wake, on_close);
	uv_close((uv_handle_t *)&reload->quiet, on_close);
	uv_close((uv_handle_t *)&reload->rescan, on_close);
}

static void on_wake(uv_async_t *async)
{
	struct reload *reload = async->data;
	struct defer *waiting;
	bool asked, stop;

	uv_mutex_lock(&reload->lock);
	waiting = reload->waiting;
	asked = reload->asked;
	stop = reload->stop;
	reload->waiting = NULL;
	reload->asked = false;
	uv_mutex_unlock(&reload->lock);
	free_retired(reload);
	if (asked && !stop) {
		reload->by = waiting != NULL ? &waiting->peer : NULL;
		try_now(reload, true);
		reload->by = NULL;
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
	if (reload->watch != NULL) {
		struct build_options options = options_of(reload);

		/* The first look also says what changed between the first reading and now. */
		build_watch(&options, reload->folder);
		uv_timer_start(&reload->rescan, on_rescan, 0, RELOAD_RESCAN);
	}
	look_for_dangling(reload);
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

void reload_retire(struct reload *reload, struct pol_snapshot *old, uint64_t serial)
{
	struct retired *retired = calloc(1, sizeof *retired);

	if (retired == NULL) {
		/* Who decides by it may not free it: better kept for ever. */
		log_error("an old policy is kept: out of memory", "serial=%llu",
			(unsigned long long)serial);
		return;
	}
	retired->snapshot = old;
	retired->serial = serial;
	uv_mutex_lock(&reload->lock);
	retired->next = reload->retiring;
	reload->retiring = retired;
	uv_mutex_unlock(&reload->lock);
	uv_async_send(&reload->wake);
}

void reload_taken(struct reload *reload)
{
	uv_async_send(&reload->wake);
}

struct reload_reports *reload_get_reports(struct reload *reload)
{
	return &reload->reports;
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
	r = reload_reports_init(&reload->reports);
	if (r < 0) {
		goto fail;
	}
	reload->has_reports = true;
	r = init_loop(reload);
	if (r == 0 && server->config->watch) {
		r = watch_create(&reload->loop, on_seen, reload, &reload->watch);
	}
	if (r < 0) {
		goto fail;
	}
	reload->folder = first->folder;
	reload->modules = first->modules;
	first->folder = NULL;
	first->modules = NULL;
	reload->host = first->host;
	reload_reports_add(&reload->reports, first,
		outcome_of(server->current.snapshot, current_serial(&server->current), true, true));
	reload->reports.last.reloads = 0;
	*out = reload;
	return 0;

fail:
	reload_destroy(reload);
	return r;
}

int reload_start(struct reload *reload)
{
	int r = uv_thread_create(&reload->thread, run, reload);

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
	while (reload->retiring != NULL) {
		struct retired *retired = reload->retiring;

		reload->retiring = retired->next;
		retired->next = reload->retired;
		reload->retired = retired;
	}
	while (reload->retired != NULL) {
		struct retired *retired = reload->retired;

		reload->retired = retired->next;
		pol_snapshot_unref(retired->snapshot);
		free(retired);
	}
	folder_destroy(reload->folder);
	plugin_folder_destroy(reload->modules);
	if (reload->has_lock) {
		uv_mutex_destroy(&reload->lock);
	}
	if (reload->has_reports) {
		reload_reports_finish(&reload->reports);
	}
	free(reload);
}
