/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * substitution: the places of a subject as values for parameters. For policy/ask/query.c alone.
 *
 * A place has values for the parameters on the way to its node. Its substitution is that way, up to
 * and with the last value; the literals after that are given by the node. A place covers a path
 * when the path's substitution begins with the place's, and the path's node is the place's node or
 * below it. Texts are compared here, once for each place, so that a walk compares only numbers.
 */

#include <stdint.h>

#include "policy/snapshot/compiled.h"
#include "policy/text/arena.h"

/* Values for the segments from a tree's root to a node. */
struct pol_substitution {
	uint32_t node, end; /* the node where it leads, and one past the last node below */
	uint32_t tree;      /* POL_NONE: it has no values, and is that of every tree */
	uint32_t count;     /* of values; literals between them count too */
	const struct pol_str *values;
	uint32_t general; /* the longest other substitution with which it begins; of [0]: 0 */
	uint32_t first, place_count; /* its places, in pol_substitutions.places */
};

/* The nodes that a place covers, under its substitution. */
struct pol_place_range {
	uint32_t node, end;
	uint32_t held; /* the role that has the place, in facts->held; POL_NONE: the key */
};

/* A held role has a place in that tree, so elsewhere in the tree it neither allows
 * nor denies. */
struct pol_placed_role {
	uint32_t tree, held;
};

struct pol_substitutions {
	struct pol_substitution *items; /* after [0], by tree; a more general one comes before */
	uint32_t count;
	struct pol_place_range *places;
	struct pol_placed_role *placed_roles;
	uint32_t placed_role_count;
};

/*
 * Reads the places that count for the subject. at: `TREE:/path`, whose values items[0] has; places
 * that are neither there nor above are left out. Empty: items[0] has no values. The result lives in
 * the arena; values may be views into the places. POL_OK; POL_EINVALID: `at` leads to no node; or
 * the arena's status.
 */
enum pol_status pol_substitutions_make(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_str at, struct pol_arena *arena,
	struct pol_substitutions *out);
