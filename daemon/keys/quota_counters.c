/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/quota_counters.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Counters looked at for one whose window is over: at each charge, and when none is left. */
#define SWEEP      4
#define SWEEP_FULL 1024

/* A quota's name, what it is counted for, and heads. */
#define IDENTITY 320

enum { NONE = 0 }; /* counters are numbered from 1 */

struct counter {
	uint64_t tag[2]; /* of whose it is */
	uint64_t used;
	int64_t end;   /* of the window, ms; 0: the counter is free */
	uint32_t next; /* in its bucket, or in quotas.free */
};

struct quota_counters {
	pthread_mutex_t lock;
	bool has_lock;
	const struct secrets *secrets;
	uint32_t max;
	uint32_t *buckets; /* max of them: the first counter */
	struct counter *counters;
	uint32_t fresh; /* counters from this number on were never used */
	uint32_t free;
	uint32_t hand; /* where the sweep goes on */
	uint64_t in_use;
	uint64_t refused;
};

int quota_counters_create(const struct secrets *secrets, uint32_t max, struct quota_counters **out)
{
	struct quota_counters *quotas = calloc(1, sizeof *quotas);
	int r = -ENOMEM;

	assert(max > 0 && (max & (max - 1)) == 0);
	if (quotas == NULL) {
		return -ENOMEM;
	}
	quotas->secrets = secrets;
	quotas->max = max;
	quotas->fresh = 1;
	quotas->hand = 1;
	/* Untouched pages of it are nobody's memory. */
	quotas->buckets = calloc(max, sizeof *quotas->buckets);
	quotas->counters = calloc((size_t)max + 1, sizeof *quotas->counters);
	if (quotas->buckets == NULL || quotas->counters == NULL) {
		goto fail;
	}
	r = -pthread_mutex_init(&quotas->lock, NULL);
	if (r < 0) {
		goto fail;
	}
	quotas->has_lock = true;
	*out = quotas;
	return 0;

fail:
	quota_counters_destroy(quotas);
	return r;
}

void quota_counters_destroy(struct quota_counters *quotas)
{
	if (quotas == NULL) {
		return;
	}
	if (quotas->has_lock) {
		pthread_mutex_destroy(&quotas->lock);
	}
	free(quotas->buckets);
	free(quotas->counters);
	free(quotas);
}

/* --- whose ------------------------------------------------------------------------------------ */

static size_t put(uint8_t *bytes, size_t len, const void *from, size_t size)
{
	assert(size <= IDENTITY - len);
	memcpy(bytes + len, from, size);
	return len + size;
}

/* The name, then what it is counted for; each part with its length, so that no two are the same
 * bytes. */
static void make_tag(const struct quota_counters *quotas, const struct pol_facts *facts,
	const struct pol_charge *charge, uint64_t out[2])
{
	uint8_t bytes[IDENTITY], tag[SECRET_TAG];
	const uint8_t head[2] = { (uint8_t)charge->per, (uint8_t)charge->name.len };
	size_t len = put(bytes, 0, head, sizeof head);

	len = put(bytes, len, charge->name.ptr, charge->name.len);
	switch (charge->per) {
	case POL_PER_KEY:
		len = put(bytes, len, facts->key.ptr, facts->key.len);
		break;
	case POL_PER_PRINCIPAL:
		len = put(bytes, len, &facts->tenant, sizeof facts->tenant);
		len = put(bytes, len, facts->principal.ptr, facts->principal.len);
		break;
	case POL_PER_TENANT:
		len = put(bytes, len, &facts->tenant, sizeof facts->tenant);
		break;
	case POL_PER_IP:
		len = put(bytes, len, facts->ip.bytes, sizeof facts->ip.bytes);
		break;
	}
	secret_tag(quotas->secrets, SECRET_CHARGED, bytes, len, tag);
	memcpy(out, tag, sizeof tag);
}

/* --- counters --------------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct quota_counters *quotas, const uint64_t tag[2])
{
	return &quotas->buckets[tag[0] & (quotas->max - 1)];
}

/* Takes one out of its bucket, for others. */
static void release(struct quota_counters *quotas, uint32_t number)
{
	struct counter *counter = &quotas->counters[number];
	uint32_t *link = bucket_of(quotas, counter->tag);

	while (*link != number) {
		link = &quotas->counters[*link].next;
	}
	*link = counter->next;
	counter->end = 0;
	counter->next = quotas->free;
	quotas->free = number;
	quotas->in_use--;
}

static void sweep(struct quota_counters *quotas, uint32_t most, int64_t now)
{
	for (uint32_t i = 0; i < most && quotas->fresh > 1; i++) {
		const struct counter *counter = &quotas->counters[quotas->hand];

		if (counter->end != 0 && counter->end <= now) {
			release(quotas, quotas->hand);
		}
		quotas->hand = quotas->hand + 1 < quotas->fresh ? quotas->hand + 1 : 1;
	}
}

/* A new one, or NONE. */
static uint32_t make(struct quota_counters *quotas, const uint64_t tag[2], int64_t now)
{
	uint32_t *bucket = bucket_of(quotas, tag);
	struct counter *counter;
	uint32_t number;

	if (quotas->free == NONE && quotas->fresh > quotas->max) {
		sweep(quotas, SWEEP_FULL, now);
	}
	number = quotas->free;
	if (number != NONE) {
		quotas->free = quotas->counters[number].next;
	} else if (quotas->fresh <= quotas->max) {
		number = quotas->fresh++;
	} else {
		return NONE;
	}
	counter = &quotas->counters[number];
	*counter = (struct counter){ .tag = { tag[0], tag[1] }, .next = *bucket };
	*bucket = number;
	quotas->in_use++;
	return number;
}

/* The counter, with a window that runs; NULL: there is none to give. */
static struct counter *find(struct quota_counters *quotas, const uint64_t tag[2],
	const struct pol_charge *charge, int64_t now)
{
	int64_t end = now + (int64_t)charge->period * 1000;
	uint32_t number = *bucket_of(quotas, tag);
	struct counter *counter;

	while (number != NONE && memcmp(quotas->counters[number].tag, tag,
					 sizeof quotas->counters[number].tag) != 0) {
		number = quotas->counters[number].next;
	}
	if (number == NONE) {
		number = make(quotas, tag, now);
	}
	if (number == NONE) {
		return NULL;
	}
	counter = &quotas->counters[number];
	if (counter->end <= now) {
		counter->used = 0;
		counter->end = end;
	} else if (counter->end > end) {
		/* A reload made the period shorter. */
		counter->end = end;
	}
	return counter;
}

/* --- charging --------------------------------------------------------------------------------- */

static void report_least(struct quota_counters_report *report, const struct pol_charge *charge,
	const struct counter *counter, int64_t now)
{
	uint64_t remaining = charge->limit > counter->used ? charge->limit - counter->used : 0;
	uint64_t reset = (uint64_t)(counter->end - now + 999) / 1000;

	if (report->any && (report->remaining < remaining ||
				   (report->remaining == remaining && report->reset >= reset))) {
		return;
	}
	*report = (struct quota_counters_report){ .any = true,
		.name = charge->name,
		.limit = charge->limit,
		.remaining = remaining,
		.reset = reset };
}

struct pol_str quota_counters_take(struct quota_counters *quotas, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count, int64_t now,
	struct quota_counters_report *out)
{
	struct counter *counters[POL_CHARGES];
	uint64_t tags[POL_CHARGES][2];
	struct pol_str reason = { NULL, 0 };

	assert(count <= POL_CHARGES);
	*out = (struct quota_counters_report){ .any = false };
	for (uint32_t i = 0; i < count; i++) {
		make_tag(quotas, facts, items[i], tags[i]);
	}
	pthread_mutex_lock(&quotas->lock);
	sweep(quotas, SWEEP, now);
	for (uint32_t i = 0; i < count; i++) {
		/* None that was found for this decision can be swept: its window runs. */
		counters[i] = find(quotas, tags[i], items[i], now);
		if (counters[i] == NULL) {
			quotas->refused++;
			reason = POL_STR("module_error");
			break;
		}
		if (counters[i]->used >= items[i]->limit) {
			*out = (struct quota_counters_report){ .any = false };
			report_least(out, items[i], counters[i], now);
			reason = POL_STR("quota");
			break;
		}
	}
	for (uint32_t i = 0; i < count && reason.len == 0; i++) {
		counters[i]->used++;
		report_least(out, items[i], counters[i], now);
	}
	pthread_mutex_unlock(&quotas->lock);
	return reason;
}

static struct pol_str on_take(const struct pol_counter *counter, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count)
{
	struct quota_counters_turn *turn = counter->context;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return quota_counters_take(turn->quotas, facts, items, count,
		(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &turn->report);
}

void quota_counters_turn_init(struct quota_counters_turn *turn, struct quota_counters *quotas)
{
	*turn = (struct quota_counters_turn){ .counter = { .take = on_take, .context = turn },
		.quotas = quotas };
}

void quota_counters_count(struct quota_counters *quotas, struct quota_counters_counts *out)
{
	pthread_mutex_lock(&quotas->lock);
	*out = (struct quota_counters_counts){ .counters = quotas->in_use,
		.refused = quotas->refused };
	pthread_mutex_unlock(&quotas->lock);
}
