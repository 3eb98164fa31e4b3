/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/report.h"

#include "daemon/decide/decision_log.h"
#include "daemon/keys/quota_counters.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/reload_report.h"
#include "daemon/serve/server.h"
#include "daemon/write/writer.h"

static void make(void *data, int64_t now, struct report *out)
{
	struct server *server = (struct server *)data;
	struct stats_sum sum = { 0 };
	struct quota_counters_counts charges;
	struct decision_log_counts decisions;

	quota_counters_count(server->context.quota_counters, &charges);
	decision_log_count(server->context.decision_log, &decisions);
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
		.waiting = writer_waiting(server->writer),
		.counters = charges.counters,
		.uncounted = charges.refused,
		.logged = decisions.written,
		.dropped = decisions.dropped,
		.rate = sum.recent / STATS_WINDOW,
		.p50 = stats_percentile(&sum, 500),
		.p90 = stats_percentile(&sum, 900),
		.p99 = stats_percentile(&sum, 990),
		.p999 = stats_percentile(&sum, 999),
	};
	reload_reports_get(reload_get_reports(server->reload), &out->policy);
}

static void put_diagnostics(void *data, struct wire_buf *out)
{
	const struct server *server = (const struct server *)data;

	reload_reports_put_diagnostics(reload_get_reports(server->reload), out);
}

static void put_dangling(void *data, struct wire_buf *out)
{
	const struct server *server = (const struct server *)data;

	reload_reports_put_dangling(reload_get_reports(server->reload), out);
}

struct report_source report_source_of(struct server *server)
{
	return (struct report_source){
		.data = server,
		.make = make,
		.put_diagnostics = put_diagnostics,
		.put_dangling = put_dangling,
	};
}
