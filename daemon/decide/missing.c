/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/missing.h"

#include <stdbool.h>
#include <stdlib.h>

#include "policy/snapshot/condition.h"

_Static_assert(MISSING_FACTS <= POL_FACT_WORDS * 64, "a set has a bit for each");

static bool has(const struct pol_fact_set *set, uint32_t fact)
{
	return (set->words[fact / 64] >> fact % 64 & 1) != 0;
}

static uint64_t revision_of(const struct pol_snapshot *snapshot)
{
	return strtoull(pol_snapshot_revision(snapshot), NULL, 16);
}

/* Another policy: a reader that still goes by the old one may find fewer than there were. */
static void begin(struct missing_counts *counts, uint64_t revision)
{
	atomic_store_explicit(&counts->revision, 0, memory_order_relaxed);
	for (uint32_t i = 0; i < MISSING_FACTS; i++) {
		atomic_store_explicit(&counts->facts[i], 0, memory_order_relaxed);
	}
	atomic_store_explicit(&counts->revision, revision, memory_order_release);
}

void missing_add(struct missing_counts *counts, const struct pol_snapshot *snapshot,
	const struct pol_fact_set *set)
{
	uint64_t revision = revision_of(snapshot);

	if (atomic_load_explicit(&counts->revision, memory_order_relaxed) != revision) {
		begin(counts, revision);
	}
	for (uint32_t fact = 0; fact < MISSING_FACTS; fact++) {
		_Atomic uint64_t *counter = &counts->facts[fact];

		if (has(set, fact)) {
			/* One thread writes. */
			atomic_store_explicit(counter,
				atomic_load_explicit(counter, memory_order_relaxed) + 1,
				memory_order_relaxed);
		}
	}
}

void missing_collect(const struct missing_counts *counts, const struct pol_snapshot *snapshot,
	uint64_t sum[static MISSING_FACTS])
{
	if (atomic_load_explicit(&counts->revision, memory_order_acquire) !=
		revision_of(snapshot)) {
		return;
	}
	for (uint32_t i = 0; i < MISSING_FACTS; i++) {
		sum[i] += atomic_load_explicit(&counts->facts[i], memory_order_relaxed);
	}
}

uint32_t missing_names(const struct pol_snapshot *snapshot, const struct pol_fact_set *set,
	struct pol_str out[static MISSING_FACTS])
{
	const struct pol_declared_fact *fact;
	uint32_t count = 0;

	for (uint32_t i = 0; i < MISSING_FACTS; i++) {
		fact = has(set, i) ? pol_condition_declared(snapshot, i) : NULL;
		if (fact != NULL) {
			out[count++] = fact->name;
		}
	}
	return pol_value_sort(out, count);
}

void missing_encode(const struct pol_snapshot *snapshot, const uint64_t sum[static MISSING_FACTS],
	struct wire_buf *out)
{
	const struct pol_declared_fact *fact;
	uint32_t count = 0;
	size_t at = wire_open_map(out);

	for (uint32_t i = 0; i < MISSING_FACTS; i++) {
		fact = sum[i] > 0 ? pol_condition_declared(snapshot, i) : NULL;
		if (fact != NULL) {
			wire_put_str(out, (struct wire_str){ fact->name.ptr, fact->name.len });
			wire_put_int(out, (int64_t)sum[i]);
			count++;
		}
	}
	wire_close_map(out, at, count);
}
