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
#include "daemon/load/last_good.h"
#include "daemon/load/plugin_folder.h"
#include "daemon/load/stored_roles.h"
#include "daemon/serve/policy_entry.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/server.h"
#include "daemon/serve/sharing.h"
#include "daemon/store/env.h"
#include "daemon/write/writer.h"

static struct build_options options_of(const struct reload_attempt *attempt)
{
	const struct server *server = attempt->server;
	struct build_options options =
		build_options_of(server->context.config, server->names, server->plugins);

	options.watch = attempt->watch;
	options.feeds = attempt->server->context.feeds;
	return options;
}

/* --- the exchange, a job of the writer: so policy and store change in one order --------------- */

/* What the trail says of an exchange beside the revisions. */
struct cause {
	enum reload_trigger trigger;
	const struct peer *by;    /* of RELOAD_REQUEST, else NULL */
	char commit[COMMIT_TEXT]; /* of the new policy; empty: unknown */
};

struct exchange {
	struct writer_job job; /* first: the writer gives it back */
	struct server *server;
	struct build *build;
	const struct build_options *options;
	const struct cause *cause;
	const char *commit; /* of the policy before; empty: unknown */
	char from[POL_REVISION_TEXT];
	bool exchanged;
	bool entered; /* in the trail */
	uv_sem_t done;
};

static int on_exchange(struct writer_job *job, const struct writer_turn *turn)
{
	struct exchange *exchange = (struct exchange *)job;
	struct current *current = &exchange->server->current;
	struct build *build = exchange->build;
	struct policy_entry entry;
	char digest[FEEDS_DIGEST] = "";
	struct pol_snapshot *whole;
	int r;

	/* A second run, after a failed commit, only enters the exchange again. */
	if (!exchange->exchanged) {
		/* Checked here, where no job can make a principal before the exchange. */
		if (!build_check_store(build, exchange->options, build->snapshot, turn->read)) {
			return 1;
		}
		r = stored_roles_extend_next(
			turn->read, build->snapshot, current->snapshot, &whole);
		if (r < 0) {
			log_error("the store's roles cannot be taken into the new policy",
				"error=%s", stored_roles_explain(r));
			return r;
		}
		snprintf(exchange->from, sizeof exchange->from, "%s",
			pol_snapshot_revision(current->snapshot));
		current_exchange(current, whole);
		server_share_revision(exchange->server, pol_snapshot_revision(whole));
		quota_counters_set_policy(exchange->server->context.quota_counters, whole);
		exchange->exchanged = true;
		pol_snapshot_unref(build->snapshot);
		build->snapshot = NULL;
	}
	if (exchange->server->context.feeds != NULL) {
		feeds_digest(exchange->server->context.feeds, digest);
	}
	entry = (struct policy_entry){
		.data = digest,
		.trigger = exchange->cause->trigger,
		.by = exchange->cause->by,
		.from = exchange->from,
		.to = pol_snapshot_revision(current->snapshot),
		.commit_from = exchange->commit,
		.commit_to = exchange->cause->commit,
	};
	return policy_entry_add(turn, &entry);
}

static void on_exchanged(struct writer_job *job, int result)
{
	struct exchange *exchange = (struct exchange *)job;

	exchange->entered = result >= 0;
	if (result < 0 && exchange->exchanged) {
		/* The policy stays: a full disk must not keep a narrower one away. */
		log_error("the exchange of the policy is missing in the audit trail, and the "
			  "policy is not kept for a start with a broken policy folder",
			"why=%s", store_explain(result));
	}
	uv_sem_post(&exchange->done);
}

/* Puts the build's snapshot in the present one's place, and takes it. Waits for the writer. False:
 * nothing was done, and the build says why the policy does not fit the store. */
static bool exchange_policy(struct reload_attempt *attempt, struct build *build,
	const struct build_options *options, const struct cause *cause)
{
	struct server *server = attempt->server;
	struct exchange exchange = {
		.job = { .item = { .class = QUEUE_ENDS, .uid = QUEUE_DAEMON },
			.run = on_exchange,
			.done = on_exchanged,
			.need = STORE_ENDS,
			.alone = true },
		.server = server,
		.build = build,
		.options = options,
		.cause = cause,
		.commit = attempt->commit,
	};

	if (uv_sem_init(&exchange.done, 0) != 0) {
		return false;
	}
	/* After this, a crash before the new policy is kept leaves none, not the old one. */
	report_drop(server->context.config->state);
	writer_submit(server->writer, &exchange.job);
	uv_sem_wait(&exchange.done);
	uv_sem_destroy(&exchange.done);
	if (!exchange.exchanged) {
		return false;
	}
	attempt->unentered = !exchange.entered;
	memcpy(attempt->commit, cause->commit, sizeof attempt->commit);
	server_wake_workers(server);
	return true;
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

/* A policy without its entry in the trail would look like an old one (serve/policy_entry). */
static void keep(const struct reload_attempt *attempt, const struct pol_snapshot *now)
{
	const struct server *server = attempt->server;

	if (!attempt->unentered) {
		report_keep(
			server->context.config->state, store_secrets(server->context.store), now);
	}
}

/* The running policy is of the build, or equal to it. */
static void take_base(struct reload_attempt *attempt, struct build *build)
{
	attempt->code = build->code;
	attempt->host = build->host;
	policy_host_questions_finish(&attempt->questions);
	attempt->questions = build->questions;
	build->questions = (struct policy_host_questions){ .first = NULL };
}

static struct build_base base_of(
	const struct reload_attempt *attempt, const struct pol_snapshot *running)
{
	return (struct build_base){ .snapshot = running,
		.code = attempt->code,
		.host = attempt->host,
		.questions = &attempt->questions };
}

/* Exchanges the running policy for one of the same files. */
static bool exchange_followed(struct reload_attempt *attempt, struct build *build,
	const struct build_options *options, const struct cause *cause)
{
	struct cause same = *cause;
	struct pol_snapshot *now;
	uint64_t serial;

	memcpy(same.commit, attempt->commit, sizeof same.commit);
	if (!exchange_policy(attempt, build, options, &same)) {
		return false;
	}
	take_base(attempt, build);
	now = present(attempt, &serial);
	keep(attempt, now);
	pol_snapshot_unref(now);
	return true;
}

/* Compiles the sources of the running policy again, from the state folder: a policy that could not
 * be kept, such as on a full disk, is not. False: nothing was built. */
static bool build_kept(const struct reload_attempt *attempt, const struct build_options *options,
	const char *running, struct build *out)
{
	struct server *server = attempt->server;
	struct last_good kept;
	char why[FOLDER_WHY];
	bool same;

	if (last_good_read(server->context.config->state, store_secrets(server->context.store),
		    options->path, &kept, why) < 0) {
		return false;
	}
	same = strcmp(kept.revision, running) == 0 && kept.modules > 0;
	if (same) {
		last_good_build(&kept, *options, out);
	}
	last_good_finish(&kept);
	return same;
}

/* The folder is broken (and not only a test that a new data file makes fail), which must not keep a
 * new data file, such as a list of revoked keys, away: builds the policy that answers again if the
 * module folder has changed. */
static bool follow_data(struct reload_attempt *attempt, const struct pol_snapshot *running,
	const struct cause *cause)
{
	struct build_options options = options_of(attempt);
	const struct build_base base = base_of(attempt, running);
	const char *revision = pol_snapshot_revision(running);
	struct build build;
	bool built = true;
	bool exchanged = false;

	if (options.modules == NULL) {
		return false;
	}
	options.modules_before = attempt->followed;
	options.untested = true;
	options.base = &base;
	build_run_data(&build, &options);
	if (build.snapshot == NULL && !build.unchanged && build.first[0] == '\0') {
		build_finish(&build);
		options.untested = false;
		built = build_kept(attempt, &options, revision, &build);
	}
	if (!built) {
		return false;
	}
	if (build.snapshot != NULL &&
		strcmp(pol_snapshot_revision(build.snapshot), revision) != 0) {
		exchanged = exchange_followed(attempt, &build, &options, cause);
	}
	plugin_folder_destroy(attempt->followed);
	attempt->followed = build.modules;
	build.modules = NULL;
	build_finish(&build);
	return exchanged;
}

/* What became of an attempt. The revisions belong to snapshots that the caller holds. */
struct result {
	const struct pol_snapshot *running; /* before */
	const char *before, *now; /* revisions of the policies that answered and that answer */
	bool ok, was_ok, exchanged;
	bool forced;
	bool news;      /* a refusal that was not reported yet */
	uint64_t begin; /* uv_hrtime */
};

static struct report_outcome outcome_of(const struct reload_attempt *attempt,
	const struct cause *cause, const struct result *result, uint64_t serial)
{
	return (struct report_outcome){ .at = unix_now(),
		.trigger = cause->trigger,
		.by = cause->by,
		.ok = result->ok,
		.exchanged = result->exchanged,
		.serial = serial,
		.revision = result->now,
		.commit = attempt->commit };
}

/* To be called after report_add: the status agrees with a line that stands in the log. */
static void log_result(const char *path, const struct build *build, const struct result *result)
{
	if (!result->ok) {
		if (result->exchanged) {
			log_info("the policy that answers took new data or modules", "revision=%s",
				result->now);
		}
		if (result->forced || result->news) {
			report_refused(build, path, result->before);
		}
	} else if (result->exchanged) {
		log_info("policy exchanged", "revision=%s warnings=%zu took_ms=%llu built=%s",
			result->now, build->warnings,
			(unsigned long long)((uv_hrtime() - result->begin) / 1000000),
			build->renewed ? "data" : "policy");
	} else if (!result->was_ok) {
		/* The policy that answers is that of the folder again: there is nothing to
		 * exchange. */
		log_info("the policy folder is good again", "revision=%s", result->now);
	} else if (result->forced) {
		log_info("policy unchanged", "revision=%s", result->now);
	}
}

/* The next attempt compares with this one's files. */
static void keep_folder(struct reload_attempt *attempt, struct build *build)
{
	folder_destroy(attempt->folder);
	plugin_folder_destroy(attempt->modules);
	folder_free_sources(build->folder);
	attempt->folder = build->folder;
	attempt->modules = build->modules;
	build->folder = NULL;
	build->modules = NULL;
}

/* Puts the build in the place of `before`, if it is another one; then what became of it. */
static void apply(struct reload_attempt *attempt, struct build *build,
	const struct build_options *options, struct cause *cause, struct result *result)
{
	result->ok = build->snapshot != NULL;
	/* The same files mean something else once the machine has other users or time zones. */
	if (result->ok && (strcmp(pol_snapshot_revision(build->snapshot), result->before) != 0 ||
				  build->host != attempt->host)) {
		policy_entry_find_commit(options, cause->commit);
		result->exchanged = exchange_policy(attempt, build, options, cause);
		result->ok = result->exchanged;
	}
	attempt->fits = result->ok || (attempt->fits && build->same);
	if (result->ok) {
		take_base(attempt, build);
	} else if (!attempt->fits) {
		result->exchanged = follow_data(attempt, result->running, cause);
	}
}

/* A file has become empty: the milliseconds until that is believed. */
static uint64_t wait_for_content(struct reload_attempt *attempt, const struct build *build)
{
	uint64_t now = uv_hrtime();
	uint64_t waited;

	if (attempt->empty_since == 0) {
		attempt->empty_since = now;
		log_info("a policy file has become empty, perhaps since it is being written: it is "
			 "taken if it stays so, or when a reload is asked for",
			"file=%s wait_ms=%d", build->emptied, RELOAD_EMPTY);
	}
	waited = (now - attempt->empty_since) / 1000000;
	return waited < RELOAD_EMPTY ? RELOAD_EMPTY - waited : 1;
}

static bool waited_for_content(const struct reload_attempt *attempt)
{
	return attempt->empty_since != 0 &&
	       uv_hrtime() - attempt->empty_since >= RELOAD_EMPTY * UINT64_C(1000000);
}

uint64_t reload_attempt_run(
	struct reload_attempt *attempt, enum reload_trigger trigger, const struct peer *by)
{
	struct build_options options = options_of(attempt);
	struct build_base base;
	bool forced = trigger != RELOAD_WATCH;
	struct result result = { .forced = forced, .begin = uv_hrtime() };
	struct cause cause = { .trigger = trigger, .by = by };
	struct pol_snapshot *before, *now;
	struct build build;
	uint64_t serial;
	bool unstable;

	options.before = forced ? NULL : attempt->folder;
	options.modules_before = attempt->modules;
	options.doubt_empty = !waited_for_content(attempt);
	before = present(attempt, &serial);
	base = base_of(attempt, before);
	options.base = attempt->fits ? &base : NULL;
	build_run(&build, &options);
	unstable = build.unstable;
	if (build.emptied != NULL || build.unchanged) {
		uint64_t wait = build.unchanged ? 0 : wait_for_content(attempt, &build);

		attempt->empty_since = build.unchanged ? 0 : attempt->empty_since;
		pol_snapshot_unref(before);
		build_finish(&build);
		return wait;
	}
	attempt->empty_since = 0;
	result.running = before;
	result.before = pol_snapshot_revision(before);
	result.was_ok = attempt->attempts.last.ok;
	apply(attempt, &build, &options, &cause, &result);
	now = present(attempt, &serial);
	result.now = pol_snapshot_revision(now);
	if (result.ok) {
		plugin_folder_destroy(attempt->followed);
		attempt->followed = NULL;
		keep(attempt, now);
	}
	result.news = report_add(
		&attempt->attempts, &build, outcome_of(attempt, &cause, &result, serial));
	log_result(options.path, &build, &result);
	report_notify(&attempt->attempts, &attempt->server->notify, "");
	pol_snapshot_unref(before);
	pol_snapshot_unref(now);
	keep_folder(attempt, &build);
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
		log_warn("names of the store do not fit the policy, such as roles that it lacks; "
			 "`authzcheck status` lists them",
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
	const struct cause cause = { .trigger = RELOAD_BY_START };
	const struct result result = { .now = pol_snapshot_revision(current->snapshot),
		.ok = server->kept_at == 0,
		.exchanged = true };
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
	take_base(attempt, first);
	attempt->fits = server->kept_at == 0;
	attempt->unentered = server->unentered;
	memcpy(attempt->commit, server->commit, sizeof attempt->commit);
	if (server->kept_at != 0) {
		report_last_good(&attempt->attempts, server->kept_at);
	}
	report_add(&attempt->attempts, first,
		outcome_of(attempt, &cause, &result, current_serial(current)));
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
	plugin_folder_destroy(attempt->followed);
	policy_host_questions_finish(&attempt->questions);
}
