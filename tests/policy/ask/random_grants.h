/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * random_grants: random policies whose grants have conditions, subjects with attributes, roles,
 * places and keys, and facts; and when a formula is true of them.
 */

#include "policy/ask/formula.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "tests/policy/dice.h"

struct random_grants_text {
	char bytes[16384];
	size_t used;
};

/* Trees `api` and `other`, roles r1 to r3, `anyone` and scopes s1 and s2. */
void random_grants_policy(struct dice *dice, struct random_grants_text *text);
/* Adds text. */
void random_grants_put(struct random_grants_text *text, const char *part);

/* Refers to itself, so it must not be moved. */
struct random_grants_who {
	struct pol_facts facts;
	struct pol_held held[3];
	struct pol_str places[3];
	struct pol_str key_place;
	uint32_t scopes[2];
	struct pol_given_fact attributes[3], given[16];
	struct pol_given own, request;
};

void random_grants_who(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_grants_who *who);

/* Other roles at other places. */
void random_grants_hold(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_grants_who *who);

/* Each fact of the principal, or of all others, is there, absent or unknown. */
void random_grants_give(struct dice *dice, const struct pol_snapshot *snapshot, bool own,
	struct pol_given_fact *items, struct pol_given *out);
/* A value of the fact's type. */
struct pol_value random_grants_value(struct dice *dice, const struct pol_declared_fact *fact);

/* Is the formula true of the facts and the path of the table? Defaults do not count. */
bool random_grants_holds(struct pol_truth_table *table, const struct pol_formula *formula);
