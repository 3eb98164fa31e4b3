/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/report.h"

#include <stdio.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/host/log_sink.h"
#include "daemon/host/notify.h"
#include "daemon/keys/quota_counters.h"
#include "daemon/load/build.h"
#include "daemon/load/last_good.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/server.h"
#include "daemon/write/writer.h"

/* --- the attempts at a policy ----------------------------------------------------------------- */

int report_init(struct report_attempts *attempts)
{
	return -pthread_mutex_init(&attempts->lock, NULL);
}

void report_finish(struct report_attempts *attempts)
{
	pthread_mutex_destroy(&attempts->lock);
	wire_buf_finish(&attempts->diagnostics);
	dangling_finish(&attempts->dangling);
	attempt_history_finish(&attempts->history);
}

void report_last_good(struct report_attempts *attempts, int64_t kept_at)
{
	attempts->last.last_good = true;
	attempts->last.kept_at = kept_at;
}

bool report_add(
	struct report_attempts *attempts, struct build *build, struct report_outcome outcome)
{
	struct report_policy *last = &attempts->last;
	struct wire_buf old = attempts->diagnostics;
	bool news = build->why[0] == '\0' || strcmp(build->why, attempts->why) != 0;

	pthread_mutex_lock(&attempts->lock);
	/* A folder that is good again counts, even if the policy that answers is the same. */
	last->reloads += outcome.exchanged || (outcome.ok && !last->ok);
	last->attempted_at = outcome.at;
	last->ok = outcome.ok;
	last->errors = build->errors;
	last->warnings = build->warnings;
	last->refused += !outcome.ok;
	last->last_good = last->last_good && !outcome.ok;
	if (last->last_good && build->first[0] != '\0') {
		snprintf(last->broken, sizeof last->broken, "%s", build->first);
	}
	if (outcome.exchanged) {
		last->loaded_at = outcome.at;
		last->serial = outcome.serial;
		snprintf(last->revision, sizeof last->revision, "%s", outcome.revision);
		snprintf(last->commit, sizeof last->commit, "%s", outcome.commit);
	}
	attempt_history_add(&attempts->history, build, &outcome);
	memcpy(attempts->why, build->why, sizeof attempts->why);
	attempts->diagnostics = build->diagnostics;
	build->diagnostics = old;
	pthread_mutex_unlock(&attempts->lock);
	return news;
}

void report_refused(const struct build *build, const char *path, const char *running)
{
	static const char message[] = "policy refused, the running one stays";

	if (build->why[0] == '\0') {
		log_error(message, "path=%s errors=%zu revision=%s", path, build->errors, running);
	} else {
		log_error(message, "path=%s errors=%zu revision=%s why=%s", path, build->errors,
			running, build->why);
	}
}

void report_drop(const char *state)
{
	int r = last_good_drop(state);

	if (r < 0) {
		log_error("the last good policy cannot be removed: it would answer after a start "
			  "with a broken policy folder",
			"path=%s/" LAST_GOOD_NAME " error=%s", state, strerror(-r));
	}
}

void report_keep(
	const char *state, const struct secrets *secrets, const struct pol_snapshot *snapshot)
{
	int r = last_good_keep(state, secrets, snapshot);

	if (r < 0) {
		log_warn("the policy cannot be kept for a start with a broken policy folder",
			"path=%s/" LAST_GOOD_NAME " error=%s", state, strerror(-r));
	}
}

void report_notify(struct report_attempts *attempts, const struct notify *notify, const char *state)
{
	struct report_policy last;
	char text[sizeof last.broken + 256];

	pthread_mutex_lock(&attempts->lock);
	last = attempts->last;
	pthread_mutex_unlock(&attempts->lock);
	if (last.last_good) {
		snprintf(text, sizeof text,
			"%sSTATUS=The policy folder is broken; the last good policy answers "
			"(revision %s): %s",
			state, last.revision, last.broken);
	} else {
		snprintf(text, sizeof text, "%sSTATUS=Policy revision %s answers%s", state,
			last.revision, last.ok ? "" : "; the one in the folder was refused");
	}
	/* A line end would begin another variable. */
	for (char *at = text + strlen(state); *at != '\0'; at++) {
		*at = *at == '\n' ? ' ' : *at;
	}
	notify_send(notify, text);
}

void report_dangling(struct report_attempts *attempts, struct dangling *found)
{
	struct dangling old;

	pthread_mutex_lock(&attempts->lock);
	old = attempts->dangling;
	attempts->dangling = *found;
	attempts->last.dangling = found->total;
	pthread_mutex_unlock(&attempts->lock);
	dangling_finish(&old);
}

/* --- for handlers ----------------------------------------------------------------------------- */

static void make(void *data, int64_t now, struct report *out)
{
	struct server *server = (struct server *)data;
	struct report_attempts *attempts = reload_get_attempts(server->reload);
	struct stats_sum sum = { 0 };
	struct quota_counters_counts charges;
	struct log_sink_counts decisions, lines;

	quota_counters_count(server->context.quota_counters, &charges);
	log_sink_count(server->context.decision_log, &decisions);
	log_count(&lines);
	for (unsigned i = 0; i < server->worker_count; i++) {
		stats_collect(&sum, &server->workers[i].stats, now);
	}
	*out = (struct report){
		.started_at = server->started_at,
		.uptime = (uv_hrtime() - server->started_tick) / UINT64_C(1000000000),
		.workers = server->worker_count,
		.requests = sum.requests,
		.allowed = sum.allowed,
		.denied = sum.denied,
		.malformed = sum.malformed,
		.connections = sum.open,
		.accepted = sum.accepted,
		.max_connections = server->context.config->connections,
		.refused = peer_limits_refused(server->limits),
		.reaped = sum.reaped,
		.waiting = writer_waiting(server->writer),
		.counters = charges.counters,
		.uncounted = charges.refused,
		.logged = decisions.written,
		.dropped = decisions.dropped,
		.log_written = lines.written,
		.log_dropped = lines.dropped,
		.rate = sum.recent / STATS_WINDOW,
		.p50 = stats_percentile(&sum, 500),
		.p90 = stats_percentile(&sum, 900),
		.p99 = stats_percentile(&sum, 990),
		.p999 = stats_percentile(&sum, 999),
	};
	pthread_mutex_lock(&attempts->lock);
	out->policy = attempts->last;
	pthread_mutex_unlock(&attempts->lock);
}

static void put_array(
	struct report_attempts *attempts, const struct wire_buf *array, struct wire_buf *out)
{
	pthread_mutex_lock(&attempts->lock);
	if (array->len > 0) {
		wire_put_raw(out, array->data, array->len);
	} else {
		wire_put_array(out, 0);
	}
	pthread_mutex_unlock(&attempts->lock);
}

static void encode_diagnostics(void *data, struct wire_buf *out)
{
	const struct server *server = (const struct server *)data;
	struct report_attempts *attempts = reload_get_attempts(server->reload);

	put_array(attempts, &attempts->diagnostics, out);
}

static void encode_dangling(void *data, struct wire_buf *out)
{
	const struct server *server = (const struct server *)data;
	struct report_attempts *attempts = reload_get_attempts(server->reload);

	put_array(attempts, &attempts->dangling.items, out);
}

static void encode_attempts(void *data, struct wire_buf *out)
{
	const struct server *server = (const struct server *)data;
	struct report_attempts *attempts = reload_get_attempts(server->reload);

	pthread_mutex_lock(&attempts->lock);
	attempt_history_encode(&attempts->history, out);
	pthread_mutex_unlock(&attempts->lock);
}

static void encode_missing(void *data, const struct pol_snapshot *snapshot, struct wire_buf *out)
{
	const struct server *server = (const struct server *)data;
	uint64_t sum[MISSING_FACTS] = { 0 };

	for (unsigned i = 0; i < server->worker_count; i++) {
		missing_collect(&server->workers[i].stats.missing, snapshot, sum);
	}
	missing_encode(snapshot, sum, out);
}

struct report_source report_source_of(struct server *server)
{
	return (struct report_source){
		.data = server,
		.fill = make,
		.encode_diagnostics = encode_diagnostics,
		.encode_attempts = encode_attempts,
		.encode_dangling = encode_dangling,
		.encode_missing = encode_missing,
	};
}
