/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/quota_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/snapshot.h"

/* Counters with a window from a longer period that are looked at for one that has ended. */
#define LOOK 4

/* Elements by which the array of quotas grows. */
#define MORE_QUOTAS 16

enum { NONE = 0 }; /* counters are numbered from 1 */

int quota_table_init(struct quota_table *table, uint32_t max)
{
	assert(max > 0 && (max & (max - 1)) == 0);
	*table = (struct quota_table){ .max = max, .fresh = 1 };
	/* Pages that are not touched take no memory. */
	table->buckets = calloc(max, sizeof *table->buckets);
	table->counters = calloc((size_t)max + 1, sizeof *table->counters);
	return table->buckets != NULL && table->counters != NULL ? 0 : -ENOMEM;
}

void quota_table_finish(struct quota_table *table)
{
	free(table->quotas);
	free(table->buckets);
	free(table->counters);
}

/* --- quotas ----------------------------------------------------------------------------------- */

/* Returns the quota of that name, or a new one; NULL: there is no memory for it. */
static struct quota *find_quota(struct quota_table *table, struct pol_str name)
{
	struct quota *unused = NULL, *grown;
	uint32_t max = table->quota_max;

	for (uint32_t i = 0; i < max; i++) {
		struct quota *quota = &table->quotas[i];

		if (quota->name_len == name.len && memcmp(quota->name, name.ptr, name.len) == 0) {
			return quota;
		}
		if (quota->count == 0 && !quota->listed) {
			unused = quota;
		}
	}
	if (unused == NULL) {
		grown = realloc(table->quotas, ((size_t)max + MORE_QUOTAS) * sizeof *grown);
		if (grown == NULL) {
			return NULL;
		}
		memset(grown + max, 0, MORE_QUOTAS * sizeof *grown);
		table->quotas = grown;
		table->quota_max = max + MORE_QUOTAS;
		unused = grown + max;
	}
	*unused = (struct quota){ .name_len = (uint32_t)name.len };
	memcpy(unused->name, name.ptr, name.len);
	return unused;
}

static struct quota *list_quota(struct quota_table *table, struct pol_str name)
{
	struct quota *quota = find_quota(table, name);

	if (quota != NULL && !quota->listed) {
		quota->listed = true;
		table->listed++;
	}
	return quota;
}

void quota_table_set_policy(struct quota_table *table, const struct pol_snapshot *snapshot)
{
	struct pol_str name;

	for (uint32_t i = 0; i < table->quota_max; i++) {
		table->quotas[i].listed = false;
	}
	table->listed = 0;
	for (uint32_t i = 0; pol_snapshot_quota(snapshot, i, &name); i++) {
		/* Without memory now, it is listed at its first use. */
		(void)list_quota(table, name);
	}
}

/* The counters that a quota can always have. */
static uint32_t share_of(const struct quota_table *table, const struct quota *quota)
{
	return quota->listed ? table->max / table->listed : 0;
}

static void enqueue(struct quota_table *table, struct quota *quota, uint32_t number)
{
	struct quota_counter *counter = &table->counters[number];

	counter->quota = (uint32_t)(quota - table->quotas);
	counter->older = quota->newest;
	counter->newer = NONE;
	if (quota->newest != NONE) {
		table->counters[quota->newest].newer = number;
	} else {
		quota->oldest = number;
	}
	quota->newest = number;
	quota->count++;
}

static void dequeue(struct quota_table *table, uint32_t number)
{
	const struct quota_counter *counter = &table->counters[number];
	struct quota *quota = &table->quotas[counter->quota];

	if (counter->older != NONE) {
		table->counters[counter->older].newer = counter->newer;
	} else {
		quota->oldest = counter->newer;
	}
	if (counter->newer != NONE) {
		table->counters[counter->newer].older = counter->older;
	} else {
		quota->newest = counter->older;
	}
	quota->count--;
}

/* Moves a counter, whose window has begun, to the newest end. */
static void requeue(struct quota_table *table, uint32_t number)
{
	struct quota *quota = &table->quotas[table->counters[number].quota];

	dequeue(table, number);
	enqueue(table, quota, number);
}

/* --- counters --------------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct quota_table *table, const uint64_t tag[2])
{
	return &table->buckets[tag[0] & (table->max - 1)];
}

/* Takes a counter out of its quota and its bucket, for others. */
static void release(struct quota_table *table, uint32_t number)
{
	struct quota_counter *counter = &table->counters[number];
	uint32_t *link = bucket_of(table, counter->tag);

	dequeue(table, number);
	while (*link != number) {
		link = &table->counters[*link].next;
	}
	*link = counter->next;
	counter->next = table->free;
	table->free = number;
	table->in_use--;
}

/* Releases the quota's oldest counter, if its window is over. */
static bool release_ended(struct quota_table *table, const struct quota *quota, int64_t now)
{
	if (quota->oldest == NONE || table->counters[quota->oldest].end > now) {
		return false;
	}
	release(table, quota->oldest);
	return true;
}

/* After a reload that made the period shorter, older windows may end later: lets them end by the
 * new period, after the others. */
static void shorten(struct quota_table *table, const struct quota *quota, int64_t end)
{
	for (int i = 0; i < LOOK && quota->oldest != NONE; i++) {
		uint32_t number = quota->oldest;

		if (table->counters[number].end <= end) {
			return;
		}
		table->counters[number].end = end;
		requeue(table, number);
	}
}

/* Releases an ended counter of a quota that has more than its share. */
static bool release_surplus(struct quota_table *table, int64_t now)
{
	for (uint32_t i = 0; i < table->quota_max; i++) {
		struct quota *quota = &table->quotas[i];

		if (quota->count > share_of(table, quota) && release_ended(table, quota, now)) {
			return true;
		}
	}
	return false;
}

/* Counters that are left when every quota has its share. */
static bool has_spare(const struct quota_table *table)
{
	uint64_t reserved = 0;

	for (uint32_t i = 0; i < table->quota_max; i++) {
		const struct quota *quota = &table->quotas[i];
		uint32_t share = share_of(table, quota);

		reserved += share > quota->count ? share - quota->count : 0;
	}
	return table->max - table->in_use > reserved;
}

/* Is there a counter that this quota may have? */
static bool make_room(
	struct quota_table *table, const struct quota *quota, int64_t now, int64_t end)
{
	shorten(table, quota, end);
	if (release_ended(table, quota, now)) {
		return true;
	}
	if (quota->count < share_of(table, quota)) {
		/* None is left only after a reload that made shares smaller. */
		return table->in_use < table->max || release_surplus(table, now);
	}
	return has_spare(table) || (release_surplus(table, now) && has_spare(table));
}

/* A new one, or NONE. */
static uint32_t make(struct quota_table *table, const uint64_t tag[2],
	const struct pol_charge *charge, int64_t now, int64_t end)
{
	struct quota *quota = list_quota(table, charge->name);
	uint32_t *bucket = bucket_of(table, tag);
	struct quota_counter *counter;
	uint32_t number;

	if (quota == NULL || !make_room(table, quota, now, end)) {
		return NONE;
	}
	number = table->free;
	if (number != NONE) {
		table->free = table->counters[number].next;
	} else {
		number = table->fresh++;
	}
	counter = &table->counters[number];
	*counter = (struct quota_counter){ .tag = { tag[0], tag[1] }, .next = *bucket };
	*bucket = number;
	table->in_use++;
	enqueue(table, quota, number);
	return number;
}

/* The counter with this tag, or NONE. */
static uint32_t search(const struct quota_table *table, const uint64_t tag[2])
{
	uint32_t number = table->buckets[tag[0] & (table->max - 1)];

	while (number != NONE &&
		memcmp(table->counters[number].tag, tag, sizeof table->counters[number].tag) != 0) {
		number = table->counters[number].next;
	}
	return number;
}

static int64_t end_of(const struct pol_charge *charge, int64_t now)
{
	return now + (int64_t)charge->period * 1000;
}

struct quota_counter quota_table_look(const struct quota_table *table, const uint64_t tag[2],
	const struct pol_charge *charge, int64_t now)
{
	int64_t end = end_of(charge, now);
	uint32_t number = search(table, tag);
	struct quota_counter out = { .end = end };

	if (number != NONE && table->counters[number].end > now) {
		out = table->counters[number];
		out.end = out.end < end ? out.end : end;
	}
	return out;
}

struct quota_counter *quota_table_find(struct quota_table *table, const uint64_t tag[2],
	const struct pol_charge *charge, int64_t now)
{
	int64_t end = end_of(charge, now);
	uint32_t number = search(table, tag);
	struct quota_counter *counter;

	if (number == NONE) {
		number = make(table, tag, charge, now, end);
	}
	if (number == NONE) {
		return NULL;
	}
	counter = &table->counters[number];
	if (counter->end > now && counter->end <= end) {
		return counter;
	}
	/* A window begins, or a reload made the period shorter. */
	if (counter->end <= now) {
		counter->used = 0;
	}
	counter->end = end;
	requeue(table, number);
	return counter;
}
