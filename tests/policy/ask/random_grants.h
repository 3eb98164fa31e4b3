/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * random_grants: random policies whose grants have conditions over facts of every space, and random
 * principals and keys with attributes, roles, scopes and places.
 */

#include "policy/snapshot/given.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "tests/policy/dice.h"

struct random_grants_text {
	char bytes[8192];
	size_t used;
};

/* A policy with the trees `api` and `other`, roles anyone, r1, r2, which inherits r1, and r3, and
 * scopes s1 and s2. */
void random_grants_policy(struct dice *dice, struct random_grants_text *text);

/* Its facts refer to the rest, so it must not be moved. */
struct random_grants_who {
	struct pol_facts facts;
	struct pol_held held[3];
	struct pol_str places[3];
	struct pol_str key_place;
	uint32_t scopes[2];
	struct pol_given_fact attributes[3], given[8];
	struct pol_given own, request;
};

void random_grants_who(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_grants_who *out);

/* Other roles at other places. */
void random_grants_hold(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_grants_who *who);

/* Each fact of the principal, or each other one, is there, absent or unknown. `items` has room for
 * all of them. */
void random_grants_give(struct dice *dice, const struct pol_snapshot *snapshot, bool own,
	struct pol_given_fact *items, struct pol_given *out);
