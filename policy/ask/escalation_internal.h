/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * escalation_internal: what escalation.c (what is allowed, and what may not be given) and
 * escalation_regions.c (the places to compare) share.
 */

#include "policy/ask/escalation.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/arena.h"
#include "policy/text/path.h"

/* What is compared: the subject before and after the change, and the grantor. */
enum pol_escalation_who {
	POL_ESCALATION_BEFORE,
	POL_ESCALATION_AFTER,
	POL_ESCALATION_GRANTOR,
	POL_ESCALATION_COUNT
};

/* A place, or a whole tree for the paths outside of all places. */
struct pol_escalation_region {
	struct pol_str place; /* ptr NULL: a whole tree */
	uint32_t tree;
	uint32_t node;
	uint32_t depth; /* how many segments the place has */
	uint32_t wild;  /* the depth of its last segment that is no literal; 0: none */
};

struct pol_escalation_search {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts[POL_ESCALATION_COUNT];
	struct pol_facts bare; /* of a caller without a key */
	struct pol_arena arena;
	struct pol_escalation_region *regions;
	size_t count;
	struct pol_path path;

	/* For each region a row. Of each subject it has whether the path is within the key's
	 * places, or the key has none; then for each held role where its places are (enum
	 * pol_path_place_match). */
	uint8_t *rows;
	size_t width;
	size_t first[POL_ESCALATION_COUNT]; /* where each subject begins in a row */

	/* what is asked now */
	const struct pol_grantor *grantor;
	struct pol_escalation_time at;
	const uint8_t *row;
	struct pol_escalation *out;
};

/* Returns the bits without those whose nodes another region owns. */
uint64_t pol_escalation_drop_owned(const struct pol_escalation_search *search,
	const struct pol_escalation_region *region, const struct pol_run_word *at, uint64_t bits);

/* Sets where each subject begins in a row. */
void pol_escalation_plan_rows(struct pol_escalation_search *search);
