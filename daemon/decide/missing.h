/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * missing: how often each fact was missing in decisions that were denied as `missing_fact`, counted
 * by one worker and read by any thread.
 *
 * Facts are numbered by the policy, so the counts begin again when the policy has another revision.
 * A policy declares at most POL_FACTS_MAX.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "client/wire.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/snapshot.h"

#define MISSING_FACTS (POL_FACT_KNOWN + POL_FACTS_MAX)

struct missing_counts {
	_Atomic uint64_t revision; /* of the policy that numbers them */
	_Atomic uint64_t facts[MISSING_FACTS];
};

/* Adds one to each fact of the set. Its own thread. */
void missing_add(struct missing_counts *counts, const struct pol_snapshot *snapshot,
	const struct pol_fact_set *set);

/* Adds what was counted for this policy to `sum`, by the number of the fact. */
void missing_collect(const struct missing_counts *counts, const struct pol_snapshot *snapshot,
	uint64_t sum[static MISSING_FACTS]);

/* The names of the facts of a set, sorted; returns how many. */
uint32_t missing_names(const struct pol_snapshot *snapshot, const struct pol_fact_set *set,
	struct pol_str out[static MISSING_FACTS]);

/* Appends the map of the names of facts to their sums, without those that are 0. */
void missing_encode(const struct pol_snapshot *snapshot, const uint64_t sum[static MISSING_FACTS],
	struct wire_buf *out);
