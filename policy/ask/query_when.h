/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * query_when: on what conditions a subject holds the permissions of one node, with the values of
 * one substitution. For query.c alone, which asks only where a condition makes a difference.
 */

#include "policy/ask/substitution.h"
#include "policy/ask/when.h"

/* A walk has two: of the present substitution and of its general one. */
struct pol_query_when {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	const struct pol_substitutions *substitutions;
	const bool *placed_roles; /* as in struct walk; of the present tree */
	bool any_principal;
	size_t *steps;
	struct pol_arena arena; /* of the formulas */
	uint32_t node, number;  /* what `items` is of; the node POL_NONE: of nothing */
	struct pol_when *items; /* by permission of the node; room is the caller's */
};

/* Computes the items of the node's permissions: ALWAYS for the bits of `allowed`, by its formula
 * for those of `unsure`, NEVER for the others. Both begin with the word of the first permission.
 * POL_OK or POL_ENOMEM. */
enum pol_status pol_query_when_find(struct pol_query_when *when, uint32_t node, uint32_t number,
	const uint64_t *allowed, const uint64_t *unsure);

/* Are the items of the node the same? NULL: are all NEVER? */
bool pol_query_when_equal(const struct pol_query_when *when, const struct pol_query_when *general);

/* Numbers the permissions of the node that are held on the same condition: 1 if always, from 2 on
 * by their first permission; 0 if never. `groups` has an entry for each. Returns the last number,
 * at least 1. */
uint32_t pol_query_when_group(const struct pol_query_when *when, uint32_t *groups);

/* The text of a group's condition; of 1 the empty text. */
struct pol_str pol_query_when_text(const struct pol_query_when *when, const uint32_t *groups,
	uint32_t group, char out[POL_WHEN_TEXT]);

void pol_query_when_finish(struct pol_query_when *when);
