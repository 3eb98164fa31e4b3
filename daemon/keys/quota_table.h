/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * quota_table: the counters of all quotas, and which quota may have how many.
 *
 * Each quota of the policy has an equal share of the counters, and gets more while the shares of
 * the others remain free. A new counter takes the place of the quota's oldest one if that has
 * ended; only then does it take a free one. So a quota that is counted for very many addresses is
 * refused counters beyond what others may need, and no other quota is. After a reload that adds
 * quotas to a full table, their shares become free as windows of the others end.
 *
 * The caller has a lock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/module.h"

struct pol_snapshot;

struct quota_counter {
	uint64_t tag[2]; /* what it is counted for */
	uint64_t used;
	int64_t end;           /* of the window, ms */
	uint32_t next;         /* in its bucket, or in table.free */
	uint32_t older, newer; /* in its quota's queue */
	uint32_t quota;        /* index in table.quotas */
};

/* The counters of one name, queued by the begin of their windows: since a quota has one period, the
 * oldest is the first to end. */
struct quota {
	char name[POL_CHARGE_NAME];
	uint32_t name_len;
	bool listed; /* by the policy, or by a module since the policy was loaded: it has a share */
	uint32_t count;
	uint32_t oldest, newest;
};

struct quota_table {
	uint32_t max;
	uint32_t *buckets; /* max of them: the first counter */
	struct quota_counter *counters;
	uint32_t fresh; /* counters from this number on were never used */
	uint32_t free;
	struct quota *quotas;
	uint32_t quota_max;
	uint32_t listed; /* quotas */
	uint32_t in_use; /* counters */
};

/* max: a power of two. 0 or -ENOMEM; to be finished in any case. */
int quota_table_init(struct quota_table *table, uint32_t max);
void quota_table_finish(struct quota_table *table);

/* Gives shares to the quotas of this policy. */
void quota_table_set_policy(struct quota_table *table, const struct pol_snapshot *snapshot);

/* The counter with this tag, with a window that has not ended at `now` (ms); made when missing.
 * NULL: the quota may have no more. */
struct quota_counter *quota_table_find(struct quota_table *table, const uint64_t tag[2],
	const struct pol_charge *charge, int64_t now);

/* The same without a change of the table: a copy of what quota_table_find would give. */
struct quota_counter quota_table_look(const struct quota_table *table, const uint64_t tag[2],
	const struct pol_charge *charge, int64_t now);
