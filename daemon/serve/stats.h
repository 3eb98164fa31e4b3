/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stats: what a worker did, counted by that worker and read by any thread.
 *
 * One writer each, so that counting is an ordinary store; readers may see a count that is a moment
 * old, never a torn one. Latency is from the end of the read to the end of the write, of one batch
 * in STATS_SAMPLE, kept as a logarithmic histogram with four steps to the doubling: a percentile
 * is right within an eighth.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/decide/missing.h"

#define STATS_SAMPLE  16
#define STATS_BUCKETS 160 /* up to 2^40 ns, 18 minutes */
#define STATS_SECONDS 16  /* of the rate; a power of two */
#define STATS_WINDOW  10

struct stats_second {
	_Atomic int64_t second;
	_Atomic uint64_t decisions;
};

struct stats {
	_Atomic uint64_t requests;
	_Atomic uint64_t allowed;
	_Atomic uint64_t denied;
	_Atomic uint64_t malformed; /* connections closed for what they sent */
	_Atomic uint64_t accepted;  /* connections, all there were */
	_Atomic uint64_t open;
	_Atomic uint64_t reaped; /* connections closed because they were idle */
	struct stats_second seconds[STATS_SECONDS];
	_Atomic uint64_t latency[STATS_BUCKETS];
	struct missing_counts missing;
};

static inline void stats_add(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, old + n, memory_order_relaxed);
}

/* Counts decisions into their second. */
void stats_decided(struct stats *stats, int64_t now, uint64_t allowed, uint64_t denied);

/* Counts `weight` requests that took so long. */
void stats_took(struct stats *stats, uint64_t nanoseconds, uint64_t weight);

/* The sum of several. */
struct stats_sum {
	uint64_t requests, allowed, denied, malformed, accepted, open, reaped;
	uint64_t recent; /* decisions of the last STATS_WINDOW whole seconds */
	uint64_t latency[STATS_BUCKETS];
};

/* *sum is zeroed by the caller before the first. */
void stats_collect(struct stats_sum *sum, const struct stats *stats, int64_t now);

/* Nanoseconds that `permille` of a thousand samples did not exceed; 0 without samples. */
uint64_t stats_percentile(const struct stats_sum *sum, unsigned permille);
