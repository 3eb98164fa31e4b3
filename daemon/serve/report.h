/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * report: the daemon as `status` tells it, for handlers, which know neither loops nor threads.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/serve/reload_report.h"

struct server;

struct report {
	int64_t started_at; /* Unix seconds */
	uint64_t uptime;    /* seconds, monotonic */
	unsigned workers;
	uint64_t requests, allowed, denied, malformed;
	uint64_t connections; /* open */
	uint64_t accepted;
	uint64_t waiting;             /* jobs of the writer */
	uint64_t rate;                /* decisions a second, of late */
	uint64_t p50, p90, p99, p999; /* nanoseconds; 0: nothing was measured */
	uint64_t counters;            /* of quotas, in use */
	uint64_t uncounted;           /* decisions refused since there was no counter left */
	uint64_t logged, dropped;     /* lines of the decision log */
	struct reload_report policy;
};

void report_make(struct server *server, int64_t now, struct report *out);
void report_put_dangling(struct server *server, struct wire_buf *out);
void report_put_diagnostics(struct server *server, struct wire_buf *out);
