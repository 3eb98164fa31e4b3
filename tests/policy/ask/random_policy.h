/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * random_policy: random policies with a tree `api` and roles `anyone`, r1, r2 and r3, any of which
 * may be missing, and random principals that hold them.
 */

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "tests/policy/dice.h"

/* Segments of the deepest node. Literals are a, b and c. */
#define RANDOM_DEPTH 3

struct random_text {
	char bytes[8192];
	size_t used;
};

/* A policy that compiles, and its text. The caller unrefs it. */
struct pol_snapshot *random_policy_make(struct dice *dice, struct random_text *text);

/* The same with conditions: their facts are context.n, an int that is compared with 1 and 2, and
 * resource.s, x or y. */
struct pol_snapshot *random_policy_make_conditional(struct dice *dice, struct random_text *text);

/* A principal with roles at places, or a key of it that is only for a place. */
struct random_subject {
	struct pol_held held[2];
	struct pol_str places[4];
	struct pol_str key_places[1];
	struct pol_facts facts; /* refers to the others, so it must not be moved */
};

void random_subject_make(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_subject *out);
