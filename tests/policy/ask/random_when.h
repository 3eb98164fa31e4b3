/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * random_when: random policies whose grants have conditions, subjects with attributes, roles,
 * places and keys, and facts; and when a formula is true of them.
 */

#include "policy/ask/formula.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "tests/policy/dice.h"

struct random_when_text {
	char bytes[16384];
	size_t used;
};

/* Trees `api` and `other`, roles r1 to r3, `anyone` and scopes s1 and s2. */
void random_when_policy(struct dice *dice, struct random_when_text *text);
/* Adds text. */
void random_when_put(struct random_when_text *text, const char *part);

/* Refers to itself, so it must not be moved. */
struct random_when_who {
	struct pol_facts facts;
	struct pol_held held[3];
	struct pol_str places[3];
	struct pol_str key_place;
	uint32_t scopes[2];
	struct pol_given_fact attributes[3], given[8];
	struct pol_given own, request;
};

void random_when_subject(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_when_who *who);

/* Each fact of the principal, or of all others, is there, absent or unknown. */
void random_when_give(struct dice *dice, const struct pol_snapshot *snapshot, bool own,
	struct pol_given_fact *items, struct pol_given *out);
/* A value of the fact's type. */
struct pol_value random_when_value(struct dice *dice, const struct pol_declared_fact *fact);

/* Is the formula true of the facts and the path of the table? Defaults do not count. */
bool random_when_holds(struct pol_truth_table *table, const struct pol_formula *formula);
