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
	uint32_t next; /* in its bucket, or in charges.free */
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
	struct quota_counters *charges = calloc(1, sizeof *charges);
	int r = -ENOMEM;

	assert(max > 0 && (max & (max - 1)) == 0);
	if (charges == NULL) {
		return -ENOMEM;
	}
	charges->secrets = secrets;
	charges->max = max;
	charges->fresh = 1;
	charges->hand = 1;
	/* Untouched pages of it are nobody's memory. */
	charges->buckets = calloc(max, sizeof *charges->buckets);
	charges->counters = calloc((size_t)max + 1, sizeof *charges->counters);
	if (charges->buckets == NULL || charges->counters == NULL) {
		goto fail;
	}
	r = -pthread_mutex_init(&charges->lock, NULL);
	if (r < 0) {
		goto fail;
	}
	charges->has_lock = true;
	*out = charges;
	return 0;

fail:
	quota_counters_destroy(charges);
	return r;
}

void quota_counters_destroy(struct quota_counters *charges)
{
	if (charges == NULL) {
		return;
	}
	if (charges->has_lock) {
		pthread_mutex_destroy(&charges->lock);
	}
	free(charges->buckets);
	free(charges->counters);
	free(charges);
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
static void make_tag(const struct quota_counters *charges, const struct pol_facts *facts,
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
	secret_tag(charges->secrets, SECRET_CHARGED, bytes, len, tag);
	memcpy(out, tag, sizeof tag);
}

/* --- counters --------------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct quota_counters *charges, const uint64_t tag[2])
{
	return &charges->buckets[tag[0] & (charges->max - 1)];
}

/* Takes one out of its bucket, for others. */
static void release(struct quota_counters *charges, uint32_t number)
{
	struct counter *counter = &charges->counters[number];
	uint32_t *link = bucket_of(charges, counter->tag);

	while (*link != number) {
		link = &charges->counters[*link].next;
	}
	*link = counter->next;
	counter->end = 0;
	counter->next = charges->free;
	charges->free = number;
	charges->in_use--;
}

static void sweep(struct quota_counters *charges, uint32_t most, int64_t now)
{
	for (uint32_t i = 0; i < most && charges->fresh > 1; i++) {
		const struct counter *counter = &charges->counters[charges->hand];

		if (counter->end != 0 && counter->end <= now) {
			release(charges, charges->hand);
		}
		charges->hand = charges->hand + 1 < charges->fresh ? charges->hand + 1 : 1;
	}
}

/* A new one, or NONE. */
static uint32_t make(struct quota_counters *charges, const uint64_t tag[2], int64_t now)
{
	uint32_t *bucket = bucket_of(charges, tag);
	struct counter *counter;
	uint32_t number;

	if (charges->free == NONE && charges->fresh > charges->max) {
		sweep(charges, SWEEP_FULL, now);
	}
	number = charges->free;
	if (number != NONE) {
		charges->free = charges->counters[number].next;
	} else if (charges->fresh <= charges->max) {
		number = charges->fresh++;
	} else {
		return NONE;
	}
	counter = &charges->counters[number];
	*counter = (struct counter){ .tag = { tag[0], tag[1] }, .next = *bucket };
	*bucket = number;
	charges->in_use++;
	return number;
}

/* The counter, with a window that runs; NULL: there is none to give. */
static struct counter *find(struct quota_counters *charges, const uint64_t tag[2],
	const struct pol_charge *charge, int64_t now)
{
	int64_t end = now + (int64_t)charge->period * 1000;
	uint32_t number = *bucket_of(charges, tag);
	struct counter *counter;

	while (number != NONE && memcmp(charges->counters[number].tag, tag,
					 sizeof charges->counters[number].tag) != 0) {
		number = charges->counters[number].next;
	}
	if (number == NONE) {
		number = make(charges, tag, now);
	}
	if (number == NONE) {
		return NULL;
	}
	counter = &charges->counters[number];
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

static void tell(struct quota_counters_report *told, const struct pol_charge *charge,
	const struct counter *counter, int64_t now)
{
	uint64_t remaining = charge->limit > counter->used ? charge->limit - counter->used : 0;
	uint64_t reset = (uint64_t)(counter->end - now + 999) / 1000;

	if (told->any && (told->remaining < remaining ||
				 (told->remaining == remaining && told->reset >= reset))) {
		return;
	}
	*told = (struct quota_counters_report){ .any = true,
		.name = charge->name,
		.limit = charge->limit,
		.remaining = remaining,
		.reset = reset };
}

struct pol_str quota_counters_take(struct quota_counters *charges, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count, int64_t now,
	struct quota_counters_report *out)
{
	struct counter *counters[POL_CHARGES];
	uint64_t tags[POL_CHARGES][2];
	struct pol_str reason = { NULL, 0 };

	assert(count <= POL_CHARGES);
	*out = (struct quota_counters_report){ .any = false };
	for (uint32_t i = 0; i < count; i++) {
		make_tag(charges, facts, items[i], tags[i]);
	}
	pthread_mutex_lock(&charges->lock);
	sweep(charges, SWEEP, now);
	for (uint32_t i = 0; i < count; i++) {
		/* None that was found for this decision can be swept: its window runs. */
		counters[i] = find(charges, tags[i], items[i], now);
		if (counters[i] == NULL) {
			charges->refused++;
			reason = POL_STR("module_error");
			break;
		}
		if (counters[i]->used >= items[i]->limit) {
			*out = (struct quota_counters_report){ .any = false };
			tell(out, items[i], counters[i], now);
			reason = POL_STR("quota");
			break;
		}
	}
	for (uint32_t i = 0; i < count && reason.len == 0; i++) {
		counters[i]->used++;
		tell(out, items[i], counters[i], now);
	}
	pthread_mutex_unlock(&charges->lock);
	return reason;
}

static struct pol_str on_take(const struct pol_counter *counter, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count)
{
	struct quota_counters_turn *turn = counter->context;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return quota_counters_take(turn->charges, facts, items, count,
		(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &turn->told);
}

void quota_counters_turn_init(struct quota_counters_turn *turn, struct quota_counters *charges)
{
	*turn = (struct quota_counters_turn){ .counter = { .take = on_take, .context = turn },
		.charges = charges };
}

void quota_counters_count(struct quota_counters *charges, struct quota_counters_counts *out)
{
	pthread_mutex_lock(&charges->lock);
	*out = (struct quota_counters_counts){ .counters = charges->in_use,
		.refused = charges->refused };
	pthread_mutex_unlock(&charges->lock);
}
