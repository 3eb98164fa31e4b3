/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * report: the figures of `status` and `policy.status`.
 *
 * serve/ alone knows the threads that count them, so that handlers ask for them through
 * struct report_source.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"

/* The last attempt at a policy, and when the present one came. */
struct report_policy {
	char revision[17];
	uint64_t serial;
	int64_t loaded_at;
	int64_t attempted_at;
	bool ok;
	uint64_t errors, warnings;
	uint64_t reloads;  /* exchanges since the start */
	uint64_t refused;  /* attempts that were refused */
	uint64_t dangling; /* as of the last exchange, or the last reload that was asked for */
};

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
	struct report_policy policy;
};

/* Any thread. */
struct report_source {
	void *data;
	void (*fill)(void *data, int64_t now, struct report *out);
	/* Puts the array of the last attempt's diagnostics. */
	void (*encode_diagnostics)(void *data, struct wire_buf *out);
	/* Puts the array of what the store names and the policy lacks. */
	void (*encode_dangling)(void *data, struct wire_buf *out);
};
