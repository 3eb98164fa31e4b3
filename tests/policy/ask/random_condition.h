/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * random_condition: two sets of declared facts of a few values, random conditions over them, and
 * what conditions and formulas come to, by the words of the language alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/ask/formula.h"
#include "policy/snapshot/compiled.h"
#include "tests/policy/dice.h"

/* Two facts of each type, and two segments of the path, which are always there. */
enum {
	FACT_INT,
	FACT_LIMIT,
	FACT_STRING,
	FACT_OWNER,
	FACT_SET,
	FACT_TAGS,
	FACT_BOOL,
	FACT_FLAG,
	FACT_WORD,
	FACT_STATE,
	FACT_IP,
	FACT_PEER,
	FACT_TIME,
	FACT_SINCE,
	FACTS,
	FACTS_AND_SEGMENTS = FACTS + 2
};

/* What is so in one case: by the numbers of the first snapshot. */
struct truth_case {
	struct pol_knowledge facts[FACTS_AND_SEGMENTS];
};

/* The declarations: the first; or the second, whose facts have the opposite numbers, and other
 * defaults and words. Static. */
const struct pol_snapshot *random_condition_facts(bool second);
/* The number of a fact of the one in the other. */
uint32_t random_condition_number(bool second, uint32_t fact);

/* A random condition over the facts of the list, of at most `most` predicates. It lives in the
 * arena. */
const struct pol_condition *random_condition(struct pol_arena *arena, struct dice *dice,
	const uint32_t *facts, uint32_t count, unsigned most, bool second);

/* All values of a fact or a segment that are tried; the last two of a fact are absent and unknown.
 */
uint32_t random_condition_values(uint32_t fact);
struct pol_knowledge random_condition_value(uint32_t fact, uint32_t number);

/* In the logic of three values: 1 true, 0 false, -1 unknown. */
int random_condition_truth(
	const struct pol_condition *condition, const struct truth_case *so, bool second);
/* In that of two. */
bool random_condition_holds(
	const struct pol_formula *formula, const struct truth_case *so, bool second);
