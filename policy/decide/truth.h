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
#include <string.h>

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

/* Three quarters of these predicates are remembered; a decision rarely meets more. */
#define POL_TRUTH_SLOTS 256

/* Steps of one decision, at most: a part of a condition that is visited, a role that is read for
 * `principal.roles`, and POL_TRUTH_MEMBERS members of two sets that are compared are a step each.
 * What is left then is unknown, so nothing is allowed by it. A step takes about 20 ns, so a caller
 * with many roles of many conditions does not make others wait. */
#define POL_TRUTH_STEPS   (1U << 14)
#define POL_TRUTH_MEMBERS 2

/* What one decision has evaluated. It borrows all that it points to. The slots are not zeroed; a
 * bit of `taken` shows which are in use. */
struct pol_truth_table {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	struct pol_str tree;         /* of the path */
	const struct pol_path *path; /* NULL: there is none, and segments are absent */
	uint32_t steps;              /* that are left */
	uint32_t used;
	uint64_t taken[POL_TRUTH_SLOTS / 64];
	struct {
		const struct pol_predicate *predicate;
		enum pol_truth truth;
	} slots[POL_TRUTH_SLOTS];
};

static inline void pol_truth_begin(struct pol_truth_table *table,
	const struct pol_snapshot *snapshot, const struct pol_facts *facts, struct pol_str tree,
	const struct pol_path *path)
{
	table->snapshot = snapshot;
	table->facts = facts;
	table->tree = tree;
	table->path = path;
	table->steps = POL_TRUTH_STEPS;
	table->used = 0;
	memset(table->taken, 0, sizeof table->taken);
}

/* Was a condition evaluated since the table began? Each takes a step at least. */
static inline bool pol_truth_evaluated(const struct pol_truth_table *table)
{
	return table->steps != POL_TRUTH_STEPS;
}

/* Roles that are read to answer `principal.roles has`: those that apply here, and what they
 * inherit. Beyond that the answer is unknown. */
#define POL_TRUTH_ROLES 256

/* "false", "unknown", "true". */
const char *pol_truth_text(enum pol_truth truth);

/* `not`: what is unknown stays so. */
enum pol_truth pol_truth_negate(enum pol_truth truth);

/* The truth of a condition. */
enum pol_truth pol_truth_of(struct pol_truth_table *table, const struct pol_condition *condition);

/* The truth of one predicate, not negated; for explanations. */
enum pol_truth pol_truth_of_predicate(
	struct pol_truth_table *table, const struct pol_predicate *predicate);

/* Adds the facts by whose absence predicates of the condition are unknown, while there are steps.
 */
void pol_truth_missing(struct pol_truth_table *table, const struct pol_condition *condition,
	struct pol_fact_set *out);

/* The value of a fact for this decision: what was given, or its default, or an absent value. The
 * set principal.roles has no value here; a predicate that reads it is evaluated without one. */
struct pol_value pol_truth_value(const struct pol_truth_table *table, uint32_t fact);
