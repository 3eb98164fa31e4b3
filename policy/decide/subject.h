/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * subject: which permissions a subject's roles and scopes allow and deny at a path.
 *
 * The only code that combines permission sets, places and the narrowing of a key. A decision uses
 * it for the path of the request, a query for every node. Pure, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/path.h"
#include "policy/text/terms.h"

struct pol_fact_set;
struct pol_truth_table;

/* Permissions as bits. A bit of `maybe` is unknown: a condition about it is neither true nor false,
 * or was not evaluated. It means nothing where `sure` has the same bit. */
struct pol_tri {
	uint64_t sure;
	uint64_t maybe;
};

/* The permissions of one word of a run, one bit for each. Zeroed: none is allowed. */
struct pol_subject_bits {
	struct pol_tri roles;  /* a held role allows it here */
	struct pol_tri scopes; /* it is within the key's scopes and places */
	/* The role `anyone`, or a role that every caller holds, allows it here. */
	struct pol_tri anyone;
	struct pol_tri denied; /* a role or a scope denies it here */
};

/* The bits for a path, without a request's facts: what depends on a condition is unknown. */
struct pol_subject_bits pol_subject_eval(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_str tree, const struct pol_path *path,
	const struct pol_run_word *at);

/* The bits for a request: conditions are evaluated. The table has the path and the facts. */
struct pol_subject_bits pol_subject_decide(
	struct pol_truth_table *table, const struct pol_run_word *at);

/* The permissions that a denial depends on; of those, conditions that are unknown are read. */
struct pol_subject_wanted {
	uint64_t roles;
	uint64_t scopes;
	uint64_t anyone;
	uint64_t denied;
};

/* Adds the facts by whose absence conditions about these permissions are unknown. */
void pol_subject_missing(struct pol_truth_table *table, const struct pol_run_word *at,
	const struct pol_subject_wanted *wanted, struct pol_fact_set *out);

/* The permissions that are surely allowed by all bits together. Stacks, networks and the state of
 * the key are not considered. */
uint64_t pol_subject_allows(const struct pol_facts *facts, struct pol_subject_bits bits);

/* Those that are allowed for some values of the facts, as far as each condition alone shows. */
uint64_t pol_subject_may(const struct pol_facts *facts, struct pol_subject_bits bits);

/* The parts of pol_subject_eval, for callers that have compared the path with the places already.
 */

/* Do the held roles apply? Does the key apply, with its scopes and places? */
bool pol_subject_roles_count(const struct pol_facts *facts);
bool pol_subject_key_counts(const struct pol_facts *facts);

/* Who holds the role of facts->held with that number. */
enum pol_holder pol_subject_holder(const struct pol_facts *facts, uint32_t held);

/* The first entry of facts->held that applies; those after it do too. When the subject's roles do
 * not apply, those of every caller still do. */
static inline uint32_t pol_subject_first(const struct pol_facts *facts)
{
	return pol_subject_roles_count(facts) ? 0 : facts->held_count - facts->anyone_count;
}

/* The facts without the roles that have ended at that time. `held` has room for all of them, and is
 * what the result points to. */
void pol_subject_at(
	const struct pol_facts *facts, int64_t when, struct pol_held *held, struct pol_facts *out);

/* The bits of `anyone` and of the key's scopes, for any path. The caller must clear `scopes` if the
 * path is not inside of the key's places. */
struct pol_subject_bits pol_subject_general(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_run_word *at);

/* Compares a path with the places of a role; inside if there are none. *out_place becomes the place
 * that the path is inside of, or NULL. */
enum pol_path_place_match pol_subject_match(const struct pol_held *held, struct pol_str tree,
	const struct pol_path *path, const struct pol_str **out_place);

/* Adds the bits of a role; `match` is from pol_subject_match. */
void pol_subject_role(const struct pol_snapshot *snapshot, uint32_t role,
	enum pol_path_place_match match, const struct pol_run_word *at,
	struct pol_subject_bits *bits);

/* The same for an entry of facts->held: a role of every caller adds to `anyone`. */
void pol_subject_held(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	uint32_t number, enum pol_path_place_match match, const struct pol_run_word *at,
	struct pol_subject_bits *bits);
