/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * truth_begin: facts of each type, declared by hand, and an empty table of truths, for tests.
 */

#include "tests/policy/decide/by_hand.h"

/* Two facts of each type that a policy may declare, in resource, and two of principal. */
enum {
	TEXT_A = POL_FACT_KNOWN,
	TEXT_B,
	SET_A,
	SET_B,
	INT_A,
	INT_B,
	BOOL_A,
	BOOL_B,
	TIME_A,
	TIME_B,
	DURATION_A,
	DURATION_B,
	ADDRESS_A,
	ADDRESS_B,
	WORD_A,
	WORD_B,
	BRANCH,
	LIMIT, /* has a default */
	DECLARED
};

static const struct pol_declared_fact declared[] = {
	{ .name = POL_STR_INIT("resource.text_a"), POL_SPACE_RESOURCE, POL_TYPE_STRING },
	{ .name = POL_STR_INIT("resource.text_b"), POL_SPACE_RESOURCE, POL_TYPE_STRING },
	{ .name = POL_STR_INIT("resource.set_a"), POL_SPACE_RESOURCE, POL_TYPE_STRINGS },
	{ .name = POL_STR_INIT("resource.set_b"), POL_SPACE_RESOURCE, POL_TYPE_STRINGS },
	{ .name = POL_STR_INIT("resource.int_a"), POL_SPACE_RESOURCE, POL_TYPE_INT },
	{ .name = POL_STR_INIT("resource.int_b"), POL_SPACE_RESOURCE, POL_TYPE_INT },
	{ .name = POL_STR_INIT("resource.bool_a"), POL_SPACE_RESOURCE, POL_TYPE_BOOL },
	{ .name = POL_STR_INIT("resource.bool_b"), POL_SPACE_RESOURCE, POL_TYPE_BOOL },
	{ .name = POL_STR_INIT("resource.time_a"), POL_SPACE_RESOURCE, POL_TYPE_TIME },
	{ .name = POL_STR_INIT("resource.time_b"), POL_SPACE_RESOURCE, POL_TYPE_TIME },
	{ .name = POL_STR_INIT("resource.duration_a"), POL_SPACE_RESOURCE, POL_TYPE_DURATION },
	{ .name = POL_STR_INIT("resource.duration_b"), POL_SPACE_RESOURCE, POL_TYPE_DURATION },
	{ .name = POL_STR_INIT("resource.address_a"), POL_SPACE_RESOURCE, POL_TYPE_ADDRESS },
	{ .name = POL_STR_INIT("resource.address_b"), POL_SPACE_RESOURCE, POL_TYPE_ADDRESS },
	{ .name = POL_STR_INIT("resource.word_a"), POL_SPACE_RESOURCE, POL_TYPE_WORD },
	{ .name = POL_STR_INIT("resource.word_b"), POL_SPACE_RESOURCE, POL_TYPE_WORD },
	{ .name = POL_STR_INIT("principal.branch"), POL_SPACE_PRINCIPAL, POL_TYPE_STRING },
	{ .name = POL_STR_INIT("principal.limit"),
		POL_SPACE_PRINCIPAL,
		POL_TYPE_INT,
		.preset = { .type = POL_TYPE_INT, .number = 5 } },
};

static struct pol_snapshot snapshot;
static struct pol_facts facts;
static struct pol_truth_table table;

/* Declares them, and begins a table about no request. */
static inline void begin(void)
{
	declare_facts(&snapshot, declared, DECLARED - POL_FACT_KNOWN);
	pol_truth_begin(&table, &snapshot, &facts, (struct pol_str){ 0 }, NULL);
}

static inline enum pol_truth of_operands(
	struct pol_operand left, enum pol_comparison comparison, struct pol_operand right)
{
	return pol_truth_of_predicate(&table, predicate_of(left, comparison, right));
}
