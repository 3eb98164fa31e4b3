/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/stats.h"

static unsigned bucket_of(uint64_t value)
{
	unsigned top, bucket;

	if (value < 4) {
		return (unsigned)value;
	}
	top = 63 - (unsigned)__builtin_clzll(value);
	bucket = (top - 1) * 4 + (unsigned)(value >> (top - 2) & 3);
	return bucket < STATS_BUCKETS ? bucket : STATS_BUCKETS - 1;
}

/* The middle of a bucket. */
static uint64_t value_of(unsigned bucket)
{
	unsigned top;
	uint64_t low;

	if (bucket < 4) {
		return bucket;
	}
	top = bucket / 4 + 1;
	low = (UINT64_C(4) + bucket % 4) << (top - 2);
	return low + (UINT64_C(1) << (top - 2)) / 2;
}

void stats_decided(struct stats *stats, int64_t now, uint64_t allowed, uint64_t denied)
{
	struct stats_second *second = &stats->seconds[(uint64_t)now & (STATS_SECONDS - 1)];

	stats_add(&stats->allowed, allowed);
	stats_add(&stats->denied, denied);
	if (atomic_load_explicit(&second->second, memory_order_relaxed) != now) {
		atomic_store_explicit(&second->decisions, 0, memory_order_relaxed);
		atomic_store_explicit(&second->second, now, memory_order_relaxed);
	}
	stats_add(&second->decisions, allowed + denied);
}

void stats_took(struct stats *stats, uint64_t nanoseconds, uint64_t weight)
{
	stats_add(&stats->latency[bucket_of(nanoseconds)], weight);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void stats_collect(struct stats_sum *sum, const struct stats *stats, int64_t now)
{
	sum->requests += load(&stats->requests);
	sum->allowed += load(&stats->allowed);
	sum->denied += load(&stats->denied);
	sum->malformed += load(&stats->malformed);
	sum->accepted += load(&stats->accepted);
	sum->open += load(&stats->open);
	sum->reaped += load(&stats->reaped);
	for (unsigned i = 0; i < STATS_SECONDS; i++) {
		const struct stats_second *second = &stats->seconds[i];
		int64_t at = atomic_load_explicit(&second->second, memory_order_relaxed);

		if (at < now && at >= now - STATS_WINDOW) {
			sum->recent += load(&second->decisions);
		}
	}
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		sum->latency[i] += load(&stats->latency[i]);
	}
}

uint64_t stats_percentile(const struct stats_sum *sum, unsigned permille)
{
	uint64_t total = 0, seen = 0, wanted;

	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		total += sum->latency[i];
	}
	if (total == 0) {
		return 0;
	}
	wanted = (total * permille + 999) / 1000;
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		seen += sum->latency[i];
		if (seen >= wanted) {
			return value_of(i);
		}
	}
	return value_of(STATS_BUCKETS - 1);
}
