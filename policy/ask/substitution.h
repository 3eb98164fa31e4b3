/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * filling: the places of a subject, as ways into the trees. For policy/ask/query.c alone.
 *
 * A place fills in the parameters on the way to it; the literals behind its last value are said by
 * a node. So a place is a filling and the node from which on it counts: it covers a path exactly
 * when the path's filling begins with the place's and its node is at that node or below it. What
 * is asked of texts is asked here, once for each place; a walk compares numbers.
 */

#include <stdint.h>

#include "policy/snapshot/compiled.h"
#include "policy/text/arena.h"

/* The way into a tree, up to and with its last value. */
struct pol_filling {
	uint32_t node, end; /* where it leads, and one past what is below */
	uint32_t tree;      /* POL_NONE: all, it has no values */
	uint32_t count;     /* of values, literals among them included */
	const struct pol_str *values;
	uint32_t general;            /* the nearest filling with which it begins; 0 for 0 */
	uint32_t first, place_count; /* its places */
};

/* A place that holds something, behind its filling. */
struct pol_placed {
	uint32_t node, end; /* what it covers */
	uint32_t held;      /* number in the facts; POL_NONE: one of the key's places */
};

/* A role's places say something of that tree, so that elsewhere on it the role says nothing. */
struct pol_spoken {
	uint32_t tree, held;
};

struct pol_fillings {
	struct pol_filling *items; /* [0] first, then by tree, the more general before */
	uint32_t count;
	struct pol_placed *places;
	struct pol_spoken *spoken;
	uint32_t spoken_count;
};

/*
 * Reads the places that count for the subject. at: `TREE:/path`, what [0] begins with, places
 * that lead elsewhere being left out; empty: [0] has no values. All lives in the arena; values
 * may be views into the places. POL_EINVALID: `at` leads nowhere.
 */
enum pol_status pol_fillings_make(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_str at, struct pol_arena *arena,
	struct pol_fillings *out);
