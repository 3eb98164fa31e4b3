/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * quota_counters: counts what was used of the policy's quotas, in this process.
 *
 * One counter for each name of a quota and each key, principal, tenant, address or prefix that it
 * is counted for, found by these alone: after a reload, with a new secret of the key and in another
 * worker it is the same. A window begins with the first request when no window runs, and is one
 * period long by the monotonic clock. All charges of a decision are taken under one lock, or none
 * of them, so that the count is exact. Lines of seqlock.h cannot give that: a decision may charge
 * several counters, and a counter that is found or made changes a bucket, a queue and a share, too.
 *
 * The table is QUOTA_COUNTERS_MAX counters and not larger; a page of it takes memory when it is
 * first used. Each quota has a share of it (quota_table.h). When there is none that the quota may
 * have, the decision is refused with `module_error`, and `status` counts such decisions.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "policy/snapshot/module.h"

/* 52 bytes each: 52 MiB when all are in use. */
#define QUOTA_COUNTERS_MAX ((uint32_t)1 << 20)

struct pol_snapshot;
struct quota_counters;

/* max: a power of two. The secrets are borrowed. */
int quota_counters_create(const struct secrets *secrets, uint32_t max, struct quota_counters **out);
void quota_counters_destroy(struct quota_counters *quotas); /* NULL is ignored */

/* The policy that is used from now on: its quotas share the counters. Any thread. */
void quota_counters_set_policy(struct quota_counters *quotas, const struct pol_snapshot *snapshot);

/* What is reported of the charge that has the least left, or that refused. */
struct quota_counters_report {
	bool any;
	const struct pol_charge *charge; /* as long as the policy */
	uint64_t limit;
	uint64_t remaining;
	uint64_t reset; /* seconds from now */
};

/* The same for a request that nobody has made: the answer and the report of quota_counters_take,
 * which takes no charge and makes no counter. */
struct pol_str quota_counters_look(struct quota_counters *quotas, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count, int64_t now,
	struct quota_counters_report *out);

/* A counter for one decision's facts; `report` is filled when quotas are charged. */
struct quota_counters_turn {
	struct pol_counter counter; /* for facts.counter */
	struct quota_counters *quotas;
	struct quota_counters_report report;
};
void quota_counters_turn_init(struct quota_counters_turn *turn, struct quota_counters *quotas);

/* The same with quota_counters_look. */
void quota_counters_turn_look(struct quota_counters_turn *turn, struct quota_counters *quotas);

/* Charges all items, or none; `now`: milliseconds of any clock that does not go back. Returns the
 * reason of a refusal, or an empty one. The counter above calls it with the monotonic clock. */
struct pol_str quota_counters_take(struct quota_counters *quotas, const struct pol_facts *facts,
	const struct pol_charge *const *items, uint32_t count, int64_t now,
	struct quota_counters_report *out);

struct quota_counters_counts {
	uint64_t counters; /* in use; those whose window is over count until others need them */
	uint64_t refused;  /* decisions, since there was no counter to give */
};
void quota_counters_count(struct quota_counters *quotas, struct quota_counters_counts *out);
