/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/report.h"

#include "daemon/decide/decision_log.h"
#include "daemon/keys/quota_counters.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/server.h"
#include "daemon/write/writer.h"

void report_make(struct server *server, int64_t now, struct report *out)
{
	struct stats_sum sum = { 0 };
	struct quota_counters_counts charges;
	struct decision_log_counts decisions;

	quota_counters_count(server->charges, &charges);
	decision_log_count(server->decisions, &decisions);
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

void report_put_dangling(struct server *server, struct wire_buf *out)
{
	reload_reports_put_dangling(reload_get_reports(server->reload), out);
}

void report_put_diagnostics(struct server *server, struct wire_buf *out)
{
	reload_reports_put_diagnostics(reload_get_reports(server->reload), out);
}
