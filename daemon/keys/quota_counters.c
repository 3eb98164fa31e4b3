/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/quota_counters.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/keys/quota_table.h"

/* A quota's name, what it is counted for, and heads. */
#define IDENTITY 320

struct quota_counters {
	pthread_mutex_t lock;
	bool has_lock;
	const struct secrets *secrets;
	struct quota_table table;
	uint64_t refused;
};

int quota_counters_create(const struct secrets *secrets, uint32_t max, struct quota_counters **out)
{
	struct quota_counters *quotas = calloc(1, sizeof *quotas);
	int r;

	if (quotas == NULL) {
		return -ENOMEM;
	}
	quotas->secrets = secrets;
	r = quota_table_init(&quotas->table, max);
	if (r == 0) {
		r = -pthread_mutex_init(&quotas->lock, NULL);
		quotas->has_lock = r == 0;
	}
	if (r < 0) {
		quota_counters_destroy(quotas);
		return r;
	}
	*out = quotas;
	return 0;
}

void quota_counters_destroy(struct quota_counters *quotas)
{
	if (quotas == NULL) {
		return;
	}
	if (quotas->has_lock) {
		pthread_mutex_destroy(&quotas->lock);
	}
	quota_table_finish(&quotas->table);
	free(quotas);
}

void quota_counters_set_policy(struct quota_counters *quotas, const struct pol_snapshot *snapshot)
{
	pthread_mutex_lock(&quotas->lock);
	quota_table_set_policy(&quotas->table, snapshot);
	pthread_mutex_unlock(&quotas->lock);
}

/* --- whose ------------------------------------------------------------------------------------ */

static size_t put(uint8_t *bytes, size_t len, const void *from, size_t size)
{
	assert(size <= IDENTITY - len);
	memcpy(bytes + len, from, size);
	return len + size;
}

/* The address, of an IPv6 one the prefix that counts, and its length. */
static size_t put_ip(
	uint8_t *bytes, size_t len, const struct pol_ip *ip, const struct pol_charge *charge)
{
	static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t prefix[sizeof ip->bytes], bits = 128;

	memcpy(prefix, ip->bytes, sizeof prefix);
	if (memcmp(prefix, v4_mapped, sizeof v4_mapped) != 0) {
		bits = charge->prefix6 != 0 ? (uint8_t)charge->prefix6 : POL_CHARGE_PREFIX6;
		for (size_t i = 0; i < sizeof prefix; i++) {
			size_t kept = bits > 8 * i ? bits - 8 * i : 0;

			prefix[i] &= kept < 8 ? (uint8_t)(0xff00 >> kept) : 0xff;
		}
	}
	len = put(bytes, len, prefix, sizeof prefix);
	return put(bytes, len, &bits, sizeof bits);
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
		len = put_ip(bytes, len, &facts->ip, charge);
		break;
	}
	secret_tag(quotas->secrets, SECRET_CHARGED, bytes, len, tag);
	memcpy(out, tag, sizeof tag);
}

/* --- charging --------------------------------------------------------------------------------- */

static void report_least(struct quota_counters_report *report, const struct pol_charge *charge,
	const struct quota_counter *counter, int64_t now)
{
	uint64_t remaining = charge->limit > counter->used ? charge->limit - counter->used : 0;
	uint64_t reset = (uint64_t)(counter->end - now + 999) / 1000;

	if (report->any && (report->remaining < remaining ||
				   (report->remaining == remaining && report->reset >= reset))) {
		return;
	}
	*report = (struct quota_counters_report){ .any = true,
		.charge = charge,
		.limit = charge->limit,
		.remaining = remaining,
		.reset = reset };
}

struct pol_str quota_counters_take(struct quota_counters *quotas, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count, int64_t now,
	struct quota_counters_report *out)
{
	struct quota_counter *counters[POL_CHARGES];
	uint64_t tags[POL_CHARGES][2];
	struct pol_str reason = { NULL, 0 };

	assert(count <= POL_CHARGES);
	*out = (struct quota_counters_report){ .any = false };
	for (uint32_t i = 0; i < count; i++) {
		make_tag(quotas, facts, items[i], tags[i]);
	}
	pthread_mutex_lock(&quotas->lock);
	for (uint32_t i = 0; i < count; i++) {
		/* None that was found for this decision is given to another: its window runs. */
		counters[i] = quota_table_find(&quotas->table, tags[i], items[i], now);
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

struct pol_str quota_counters_look(struct quota_counters *quotas, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count, int64_t now,
	struct quota_counters_report *out)
{
	bool used_up = false;

	*out = (struct quota_counters_report){ .any = false };
	for (uint32_t i = 0; i < count && !used_up; i++) {
		struct quota_counter copy;
		uint64_t tag[2];

		make_tag(quotas, facts, items[i], tag);
		pthread_mutex_lock(&quotas->lock);
		copy = quota_table_look(&quotas->table, tag, items[i], now);
		pthread_mutex_unlock(&quotas->lock);
		used_up = copy.used >= items[i]->limit;
		if (used_up) {
			out->any = false;
		} else {
			copy.used++;
		}
		report_least(out, items[i], &copy, now);
	}
	return used_up ? POL_STR("quota") : (struct pol_str){ NULL, 0 };
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct pol_str on_take(const struct pol_counter *counter, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count)
{
	struct quota_counters_turn *turn = counter->context;

	return quota_counters_take(
		turn->quotas, facts, items, count, milliseconds(), &turn->report);
}

static struct pol_str on_look(const struct pol_counter *counter, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count)
{
	struct quota_counters_turn *turn = counter->context;

	return quota_counters_look(
		turn->quotas, facts, items, count, milliseconds(), &turn->report);
}

void quota_counters_turn_init(struct quota_counters_turn *turn, struct quota_counters *quotas)
{
	*turn = (struct quota_counters_turn){ .counter = { .take = on_take, .context = turn },
		.quotas = quotas };
}

void quota_counters_turn_look(struct quota_counters_turn *turn, struct quota_counters *quotas)
{
	*turn = (struct quota_counters_turn){ .counter = { .take = on_look, .context = turn },
		.quotas = quotas };
}

void quota_counters_count(struct quota_counters *quotas, struct quota_counters_counts *out)
{
	pthread_mutex_lock(&quotas->lock);
	*out = (struct quota_counters_counts){ .counters = quotas->table.in_use,
		.refused = quotas->refused };
	pthread_mutex_unlock(&quotas->lock);
}
