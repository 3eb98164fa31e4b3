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
	uint32_t wild;  /* the depth of its last segment that is not a literal; 0: none */
};

struct pol_formula;

/* Two formulas that were compared. */
struct pol_escalation_memo {
	const struct pol_formula *have, *after; /* NULL: none were */
	bool gains;
};

struct pol_escalation_search {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts[POL_ESCALATION_COUNT];
	struct pol_facts bare; /* of a caller without a key */
	struct pol_arena arena;
	struct pol_escalation_region *regions;
	size_t count;
	struct pol_path path;

	/* A row for each region. For each subject the row says whether the path is within the key's
	 * places, or the key has none; then, for each held role, where its places are (enum
	 * pol_path_place_match). */
	uint8_t *rows;
	size_t width;
	size_t first[POL_ESCALATION_COUNT]; /* where each subject begins in a row */

	/* Conditions: the formulas of the permission that is compared now and of the last one,
	 * whose are often the same. Zeroed: none was made yet. */
	struct pol_arena formulas[2];
	unsigned present; /* of `formulas`: where those of now are */
	struct pol_escalation_memo last[2], now[2];
	const struct pol_escalation_region *read; /* whose path is in `path` */
	uint64_t steps;                           /* that conditions took so far */

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

/* The facts of a subject at the time that is asked about; a caller without a key if it has ended.
 * In escalation.c. */
const struct pol_facts *pol_escalation_facts(
	const struct pol_escalation_search *search, enum pol_escalation_who who);

/* --- escalation_formula.c --------------------------------------------------------------------- */

/* Is there a request in the region of search->row that has the permission after the change, and
 * neither had it before nor has it from the grantor? True as well when that is not decided. */
bool pol_escalation_gains(struct pol_escalation_search *search,
	const struct pol_escalation_region *region, uint32_t permission);

/* The same for any holder of a role that is changed. */
struct pol_escalation_role {
	const struct pol_snapshot *snapshot;
	uint32_t number; /* of the changed role, or POL_NONE */
	const struct pol_grantee *was, *is;
};
bool pol_escalation_role_gains(struct pol_escalation_search *search,
	const struct pol_escalation_role *role, uint32_t permission);

/* --- escalation_roles.c ----------------------------------------------------------------------- */

/* The permissions that depend on whether a role is held that the changed role was or inherited, and
 * no longer is or inherits, or the reverse. */
struct pol_escalation_moved {
	const struct pol_permset **sets;
	size_t count, capacity;
};

/* False: no memory. `before` is the role's number in `old`, or POL_NONE. */
bool pol_escalation_find_moved(const struct pol_snapshot *old, uint32_t before,
	const struct pol_escalation_role *role, struct pol_arena *arena,
	struct pol_escalation_moved *out);
uint64_t pol_escalation_moved_word(
	const struct pol_escalation_moved *moved, const struct pol_run_word *at);

/* Frees the formulas. */
void pol_escalation_drop_formulas(struct pol_escalation_search *search);
