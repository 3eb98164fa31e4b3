/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * subject: what a subject's roles and scopes say of permissions at one path.
 *
 * The one place where sets, places and narrowing meet. A decision asks it for the path of a
 * request, a query for every node, so that the two cannot differ. Pure, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/path.h"

/* What is said of the permissions of one word, a bit each. Zeroed: nothing allows them. */
struct pol_subject_bits {
	uint64_t roles;  /* a held role allows it here */
	uint64_t scopes; /* the key's scopes and places leave it in */
	uint64_t anyone; /* role `anyone` allows it */
	uint64_t denied; /* one of them denies it here */
};

/* All of it, at a path. */
struct pol_subject_bits pol_subject_eval(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_str tree, const struct pol_path *path,
	const struct pol_run_word *at);

/* Those that all in all are allowed, stacks, networks and the state of the key apart. */
uint64_t pol_subject_allows(const struct pol_facts *facts, struct pol_subject_bits say);

/* The same in parts, for who knows already where the path stands beside each place. */

/* Do the held roles count at all, and the key's places? */
bool pol_subject_roles_count(const struct pol_facts *facts);
bool pol_subject_key_counts(const struct pol_facts *facts);

/* What `anyone` and the scopes say, whatever the path. Outside of the key's places, if it has any
 * and they count, no scope leaves anything in. */
struct pol_subject_bits pol_subject_general(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_run_word *at);

/* Where a path stands beside a role's places; *out_place is the one that it is inside of, NULL
 * where there is none. */
enum pol_path_place_match pol_subject_match(const struct pol_held *held, struct pol_str tree,
	const struct pol_path *path, const struct pol_str **out_place);

/* Adds what a role says to which the path stands so; `inside` for a role without places. */
void pol_subject_role(const struct pol_snapshot *snapshot, uint32_t role,
	enum pol_path_place_match match, const struct pol_run_word *at,
	struct pol_subject_bits *say);
