/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/reload_attempt.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "daemon/host/log.h"
#include "daemon/keys/quota_counters.h"
#include "daemon/load/build.h"
#include "daemon/load/current.h"
#include "daemon/load/plugin_folder.h"
#include "daemon/load/stored_roles.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

static struct build_options options_of(const struct reload_attempt *attempt)
{
	const struct server *server = attempt->server;
	struct build_options options =
		build_options_of(server->context.config, server->names, server->plugins);

	options.watch = attempt->watch;
	return options;
}

/* --- the exchange, a job of the writer: so policy and store change in one order --------------- */

struct exchange {
	struct writer_job job; /* first: the writer gives it back */
	struct server *server;
	struct build *build;
	const struct build_options *options;
	const struct peer *by;
	char from[sizeof((struct report_policy *)0)->revision];
	bool exchanged;
	uv_sem_t done;
};

static int enter(const struct exchange *exchange, const struct writer_turn *turn)
{
	const struct audit_change change = audit_change_of(turn, exchange->by, "policy.reload");
	struct audit_note note;
	const struct audit_entry entry = { .kind = STORE_AUDIT_POLICY, .note = &note };

	audit_note_init(&note);
	audit_note_text(&note, "revision", pol_str_of(exchange->from),
		pol_str_of(pol_snapshot_revision(exchange->server->current.snapshot)));
	return audit_enter(&change, &entry);
}

static int on_exchange(struct writer_job *job, const struct writer_turn *turn)
{
	struct exchange *exchange = (struct exchange *)job;
	struct current *current = &exchange->server->current;
	struct build *build = exchange->build;
	struct pol_snapshot *whole;
	int r;

	/* A second run, after a failed commit, only enters the exchange again. */
	if (!exchange->exchanged) {
		/* Checked here, where no job can make a principal before the exchange. */
		if (!build_check_store(build, exchange->options, build->snapshot, turn->read)) {
			return 1;
		}
		r = stored_roles_extend(turn->read, build->snapshot, NULL, &whole);
		if (r < 0) {
			log_error("the store's roles cannot be taken into the new policy",
				"error=%s", store_explain(r));
			return r;
		}
		snprintf(exchange->from, sizeof exchange->from, "%s",
			pol_snapshot_revision(current->snapshot));
		current_exchange(current, whole);
		quota_counters_set_policy(exchange->server->context.quota_counters, whole);
		exchange->exchanged = true;
		pol_snapshot_unref(build->snapshot);
		build->snapshot = NULL;
	}
	return enter(exchange, turn);
}

static void on_exchanged(struct writer_job *job, int result)
{
	struct exchange *exchange = (struct exchange *)job;

	if (result < 0 && exchange->exchanged) {
		/* The policy stays: a full disk must not keep a narrower one away. */
		log_error("the exchange of the policy is missing in the audit trail", "why=%s",
			store_explain(result));
	}
	uv_sem_post(&exchange->done);
}

/* Puts the build's snapshot in the present one's place, and takes it. Waits for the writer. False:
 * nothing was done, and the build says why the policy does not fit the store. */
static bool exchange_policy(struct server *server, struct build *build,
	const struct build_options *options, const struct peer *by)
{
	struct exchange exchange = {
		.job = { .item = { .class = QUEUE_ENDS, .uid = QUEUE_DAEMON },
			.run = on_exchange,
			.done = on_exchanged,
			.need = STORE_ENDS,
			.alone = true },
		.server = server,
		.build = build,
		.options = options,
		.by = by,
	};

	if (uv_sem_init(&exchange.done, 0) != 0) {
		return false;
	}
	writer_submit(server->writer, &exchange.job);
	uv_sem_wait(&exchange.done);
	uv_sem_destroy(&exchange.done);
	if (exchange.exchanged) {
		server_wake_workers(server);
	}
	return exchange.exchanged;
}

/* --- an attempt ------------------------------------------------------------------------------- */

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

static struct report_outcome outcome_of(
	const struct pol_snapshot *snapshot, uint64_t serial, bool ok, bool exchanged)
{
	return (struct report_outcome){
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
	bool unstable, exchanged = false, ok;
	uint64_t begin = uv_hrtime(), serial;

	options.before = forced ? NULL : attempt->folder;
	options.modules_before = attempt->modules;
	build_run(&build, &options);
	unstable = build.unstable;
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
		ok = exchange_policy(attempt->server, &build, &options, by);
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
		report_refused(&attempt->attempts, &build, options.path, running, forced);
	}
	report_add(&attempt->attempts, &build, outcome_of(now, serial, ok, exchanged));
	pol_snapshot_unref(now);
	folder_destroy(attempt->folder);
	plugin_folder_destroy(attempt->modules);
	folder_free_sources(build.folder);
	attempt->folder = build.folder;
	attempt->modules = build.modules;
	build.folder = NULL;
	build.modules = NULL;
	build_finish(&build);
	return unstable ? RELOAD_AGAIN : 0;
}

void reload_attempt_find_dangling(struct reload_attempt *attempt)
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
		log_warn("the store names what the policy lacks, which allows nothing; `authzcheck "
			 "status --json` lists it",
			"total=%llu", (unsigned long long)found.total);
	}
	report_dangling(&attempt->attempts, &found);
}

void reload_attempt_watch(const struct reload_attempt *attempt)
{
	struct build_options options = options_of(attempt);

	build_watch(&options, attempt->folder);
}

int reload_attempt_init(struct reload_attempt *attempt, struct server *server, struct build *first)
{
	struct current *current = &server->current;
	int r = report_init(&attempt->attempts);

	attempt->server = server;
	if (r < 0) {
		return r;
	}
	attempt->has_attempts = true;
	folder_free_sources(first->folder);
	attempt->folder = first->folder;
	attempt->modules = first->modules;
	first->folder = NULL;
	first->modules = NULL;
	attempt->host = first->host;
	report_add(&attempt->attempts, first,
		outcome_of(current->snapshot, current_serial(current), true, true));
	attempt->attempts.last.reloads = 0;
	return 0;
}

void reload_attempt_finish(struct reload_attempt *attempt)
{
	if (attempt->has_attempts) {
		report_finish(&attempt->attempts);
	}
	folder_destroy(attempt->folder);
	plugin_folder_destroy(attempt->modules);
}
