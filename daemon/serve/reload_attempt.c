/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/reload_attempt.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "daemon/host/log.h"
#include "daemon/load/build.h"
#include "daemon/load/current.h"
#include "daemon/load/plugin_folder.h"
#include "daemon/serve/exchange.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"

static struct build_options options_of(const struct reload_attempt *attempt)
{
	const struct server *server = attempt->server;
	struct build_options options = build_options_of(server->context.config, server->plugins);

	options.watch = attempt->watch;
	return options;
}

/* Takes the build's snapshot, if it can stand. */
static bool exchange_policy(struct reload_attempt *attempt, struct build *build,
	const struct build_options *options, const struct peer *by)
{
	struct server *server = attempt->server;
	struct retired *place = reload_retired_make();
	struct exchanged to;

	if (place == NULL || !exchange_run(server, build, options, by, &to)) {
		free(place);
		return false;
	}
	reload_retired_put(&attempt->retired, place, to.old, to.serial);
	for (unsigned i = 0; i < server->worker_count; i++) {
		worker_wake(&server->workers[i]);
	}
	return true;
}

static int64_t unix_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* A reference of our own: the writer may put another one in its place at any time. */
static struct pol_snapshot *present(const struct reload_attempt *attempt, uint64_t *out_serial)
{
	return current_ref(&attempt->server->current, out_serial);
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

uint64_t reload_attempt_run(struct reload_attempt *attempt, bool forced, const struct peer *by)
{
	struct build_options options = options_of(attempt);
	struct pol_snapshot *now;
	const char *running;
	struct build build;
	bool restless, exchanged = false, ok;
	uint64_t begin = uv_hrtime(), serial;

	options.before = forced ? NULL : attempt->folder;
	options.modules_before = attempt->modules;
	build_run(&build, &options);
	restless = build.restless;
	if (build.unchanged) {
		build_finish(&build);
		return 0;
	}
	now = present(attempt, &serial);
	running = pol_snapshot_revision(now);
	ok = build.snapshot != NULL;
	/* The same files mean something else once the machine has other users or time zones. */
	if (ok && (strcmp(pol_snapshot_revision(build.snapshot), running) != 0 ||
			  build.host != attempt->host)) {
		ok = exchange_policy(attempt, &build, &options, by);
		exchanged = ok;
	}
	if (exchanged) {
		attempt->host = build.host;
		pol_snapshot_unref(now);
		now = present(attempt, &serial);
		log_info("policy exchanged", "revision=%s warnings=%zu took_ms=%llu",
			pol_snapshot_revision(now), build.warnings,
			(unsigned long long)((uv_hrtime() - begin) / 1000000));
	} else if (ok && forced) {
		log_info("policy unchanged", "revision=%s", running);
	} else if (!ok) {
		reload_reports_refused(&attempt->reports, &build, options.path, running, forced);
	}
	reload_reports_add(&attempt->reports, &build, outcome_of(now, serial, ok, exchanged));
	pol_snapshot_unref(now);
	folder_destroy(attempt->folder);
	plugin_folder_destroy(attempt->modules);
	folder_forget(build.folder);
	attempt->folder = build.folder;
	attempt->modules = build.modules;
	build.folder = NULL;
	build.modules = NULL;
	build_finish(&build);
	return restless ? RELOAD_AGAIN : 0;
}

void reload_attempt_look_for_dangling(struct reload_attempt *attempt)
{
	uint64_t serial;
	struct pol_snapshot *now = present(attempt, &serial);
	struct dangling found;
	int r = dangling_find(attempt->server->context.store, now, unix_now(), &found);

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
	reload_reports_dangling(&attempt->reports, &found);
}

void reload_attempt_watch(const struct reload_attempt *attempt)
{
	struct build_options options = options_of(attempt);

	build_watch(&options, attempt->folder);
}

int reload_attempt_init(struct reload_attempt *attempt, struct server *server, struct build *first)
{
	struct current *current = &server->current;
	int r = reload_reports_init(&attempt->reports);

	attempt->server = server;
	if (r < 0) {
		return r;
	}
	attempt->has_reports = true;
	r = reload_retired_init(&attempt->retired);
	if (r < 0) {
		return r;
	}
	attempt->has_retired = true;
	folder_forget(first->folder);
	attempt->folder = first->folder;
	attempt->modules = first->modules;
	first->folder = NULL;
	first->modules = NULL;
	attempt->host = first->host;
	reload_reports_add(&attempt->reports, first,
		outcome_of(current->snapshot, current_serial(current), true, true));
	attempt->reports.last.reloads = 0;
	return 0;
}

void reload_attempt_finish(struct reload_attempt *attempt)
{
	if (attempt->has_retired) {
		reload_retired_finish(&attempt->retired);
	}
	if (attempt->has_reports) {
		reload_reports_finish(&attempt->reports);
	}
	folder_destroy(attempt->folder);
	plugin_folder_destroy(attempt->modules);
}
