/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * truth: evaluates compiled conditions in the logic of three values.
 *
 * A comparison with an absent fact is unknown, and so is its negation; `and` is false if one part
 * is false, `or` is true if one is true. Each predicate is evaluated at most once while the table
 * of a decision has room. Pure, no allocation.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/condition.h"
#include "policy/snapshot/module.h"
#include "policy/text/path.h"

struct pol_snapshot;

enum pol_truth { POL_FALSE = 0, POL_UNKNOWN, POL_TRUE };

/* Words of a set of facts: one bit for each. */
#define POL_FACT_WORDS ((POL_FACT_KNOWN + POL_FACTS_MAX + 63) / 64)
struct pol_fact_set {
	uint64_t words[POL_FACT_WORDS];
};

/* Predicates that a table remembers; a decision rarely meets more. */
#define POL_TRUTH_SLOTS 256

/* What one decision has evaluated. It borrows all that it points to. The slots are not zeroed
 * before the first predicate, as most decisions meet none. */
struct pol_truth_table {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	const struct pol_path *path; /* NULL: there is none, and segments are absent */
	bool begun;
	uint32_t used;
	struct {
		const struct pol_predicate *predicate; /* NULL: free */
		enum pol_truth truth;
	} slots[POL_TRUTH_SLOTS];
};

static inline void pol_truth_begin(struct pol_truth_table *table,
	const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct pol_path *path)
{
	table->snapshot = snapshot;
	table->facts = facts;
	table->path = path;
	table->begun = false;
	table->used = 0;
}

/* The truth of a condition. */
enum pol_truth pol_truth_of(struct pol_truth_table *table, const struct pol_condition *condition);

/* The truth of one predicate, not negated; for explanations. */
enum pol_truth pol_truth_of_predicate(
	struct pol_truth_table *table, const struct pol_predicate *predicate);

/* Adds the facts by whose absence predicates of the condition are unknown. */
void pol_truth_missing(struct pol_truth_table *table, const struct pol_condition *condition,
	struct pol_fact_set *out);

/* The value of a fact for this decision: what was given, or its default, or an absent value. The
 * set principal.roles has no value here; a predicate that reads it is evaluated without one. */
struct pol_value pol_truth_value(const struct pol_truth_table *table, uint32_t fact);
