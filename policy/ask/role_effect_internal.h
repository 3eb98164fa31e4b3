/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * role_effect_internal: what role_effect.c (the walk, the items) and role_effect_compare.c (one
 * permission before and after) share.
 */

#include "policy/ask/role_effect.h"
#include "policy/ask/when.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/resource.h"

/* Permissions whose results are kept: those of one grant have the same. */
#define POL_ROLE_KEPT 1024

enum { POL_ROLE_BEFORE, POL_ROLE_AFTER, POL_ROLE_SIDES };

/* A principal that holds the role, or nothing. */
struct pol_role_side {
	const struct pol_snapshot *snapshot;
	struct pol_held held;
	struct pol_facts facts;
	const struct pol_grantee *grantees[2]; /* `anyone` and the role; NULL: it has none */
};

/* What is allowed of one word, and what is for some values of the facts. */
struct pol_role_bits {
	uint64_t sure, may;
};

/* One permission of a node. */
struct pol_role_permission {
	struct pol_when when[POL_ROLE_SIDES];
	bool gained, lost;
	bool shown;
};

/* What was found of a permission, by all that the formulas are made of. */
struct pol_role_kept {
	uint64_t *signature; /* NULL: nothing is kept here */
	struct pol_role_permission found;
};

struct pol_role_search {
	const struct pol_role_change *change;
	struct pol_role_side sides[POL_ROLE_SIDES];
	struct pol_role_effect *out;
	bool full[2]; /* no more items that are lost, that are gained */

	/* the present word: permissions from number 64 * word on; POL_NONE: none */
	uint32_t word;
	struct pol_role_bits bits[POL_ROLE_SIDES];

	/* conditions */
	struct pol_arena arena; /* of the formulas, and of what follows */
	uint64_t steps;
	const struct pol_permset **sets; /* all sets of all grantees of both sides */
	const struct pol_chunk **chunks; /* of each set, the chunk with the present permission */
	size_t set_count;
	uint32_t chunk;      /* the number of `chunks`; POL_NONE: none */
	size_t words;        /* of a signature */
	uint64_t *signature; /* of the present permission */
	struct pol_role_kept kept[POL_ROLE_KEPT];

	/* the present node */
	struct pol_role_permission *permissions;
	struct pol_str *actions;
	size_t room;
	struct pol_resource resource;
	char texts[POL_ROLE_SIDES][POL_WHEN_TEXT];
};

/* --- role_effect_compare.c -------------------------------------------------------------------- */

/* Prepares the sides of search->change. False: no memory. */
bool pol_role_search_begin(struct pol_role_search *search);

/* What is allowed on both sides, of the word of a permission. */
const struct pol_role_bits *pol_role_search_bits(
	struct pol_role_search *search, uint32_t permission);

/* Compares a permission; `bits` are of its word. */
void pol_role_search_look(struct pol_role_search *search, uint32_t permission,
	const struct pol_role_bits bits[POL_ROLE_SIDES], struct pol_role_permission *out);
