/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * metrics: counts what authz-http answers, and writes it in the text format of Prometheus (version
 * 0.0.4). One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/host/confine.h"

enum {
	HTTP_REASONS = 64, /* that are counted by name; later ones are counted as `other` */
	HTTP_BUCKETS = 12, /* of latency, the last one without a bound */
};

struct http_metrics {
	uint64_t allowed[HTTP_REASONS], denied[HTTP_REASONS];
	char reasons[HTTP_REASONS][64];
	size_t reason_count;
	uint64_t other;
	uint64_t latency[HTTP_BUCKETS];
	uint64_t latency_sum; /* ns */
	uint64_t in_flight;
	uint64_t connections; /* open at present */
	struct confined confined;
};

/* Counts an answer to a request for a decision that took `ns`. */
void http_metrics_count(
	struct http_metrics *metrics, bool allowed, const char *reason, uint64_t ns);

/* Writes all into `out`. `status`: the daemon's answer to the method of that name, packed, or NULL
 * when there is none. */
void http_metrics_write(
	const struct http_metrics *metrics, const void *status, size_t len, struct wire_buf *out);
