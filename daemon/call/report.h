/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * report: the figures of `status` and `policy.status`.
 *
 * The threads that count them belong to serve/, so handlers ask for them through struct
 * report_source.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"

struct pol_snapshot;

/* The last attempt to load the policy, and the current one. Times are Unix seconds. */
struct report_policy {
	char revision[17];
	char commit[65]; /* that the policy folder said it was at (load/commit); empty: unknown */
	uint64_t serial;
	int64_t loaded_at;
	int64_t attempted_at;
	bool ok;
	uint64_t errors, warnings;
	uint64_t reloads;  /* policies that were replaced since the start */
	uint64_t refused;  /* attempts that were refused */
	uint64_t dangling; /* as of the last exchange or requested reload */
	/* The folder was broken at the start, and is since: the policy that answers was kept by an
	 * earlier one (load/last_good). */
	bool last_good;
	int64_t kept_at;   /* then: when it was kept */
	char broken[1024]; /* then: what is wrong with the folder */
};

struct report {
	int64_t started_at; /* Unix seconds */
	uint64_t uptime;    /* seconds, monotonic */
	unsigned workers;
	uint64_t requests, allowed, denied, malformed;
	uint64_t connections; /* open */
	uint64_t accepted;
	uint64_t max_connections;
	uint64_t refused;                  /* connections, because there was no room */
	uint64_t reaped;                   /* connections closed because they were idle */
	uint64_t waiting;                  /* jobs of the writer */
	uint64_t rate;                     /* decisions a second, recently */
	uint64_t p50, p90, p99, p999;      /* nanoseconds; 0: not measured */
	uint64_t counters;                 /* quota counters in use */
	uint64_t uncounted;                /* decisions refused because no quota counter was free */
	uint64_t logged, dropped;          /* lines of the decision log */
	uint64_t log_written, log_dropped; /* lines of the log on standard error */
	struct report_policy policy;
};

/* The functions may be called by any thread. */
struct report_source {
	void *data;
	void (*fill)(void *data, int64_t now, struct report *out);
	/* Appends the array of the last attempt's diagnostics. */
	void (*encode_diagnostics)(void *data, struct wire_buf *out);
	/* Appends the array of the last attempts, newest first (serve/attempt_history.h). */
	void (*encode_attempts)(void *data, struct wire_buf *out);
	/* Appends the array of names in the store that the policy lacks (load/dangling.h). */
	void (*encode_dangling)(void *data, struct wire_buf *out);
	/* Appends the map of the policy's facts to how often each was missing. */
	void (*encode_missing)(
		void *data, const struct pol_snapshot *snapshot, struct wire_buf *out);
};
