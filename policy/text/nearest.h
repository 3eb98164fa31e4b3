/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * nearest: the known word nearest to a mistyped one, for "did you mean".
 *
 *	struct pol_nearest nearest = pol_nearest_to(word);
 *
 *	for (...) {
 *		pol_nearest_offer(&nearest, candidate);
 *	}
 *	pol_diag_error(diags, at, "unknown role '%.*s'" POL_NEAREST, POL_STR_ARGS(word),
 *		POL_NEAREST_ARGS(nearest));
 *
 * The distance is the optimal string alignment distance (restricted Damerau-Levenshtein), ignoring
 * case. The largest distance that counts grows with the length of the word. Among equally near
 *words the first in byte order is chosen, so the order of the calls does not matter. The structure
 *keeps views; the bytes of the candidates must live as long as it is used.
 */

#include "policy/text/str.h"

/* Bytes. Longer words and candidates are ignored. */
#define POL_NEAREST_MAX 64

/* Limits for callers, so that the search does not take too long: no suggestions after this many
 * errors, and none among more candidates than this. */
#define POL_NEAREST_ERRORS 40
#define POL_NEAREST_OFFERS 50000

struct pol_nearest {
	struct pol_str word;
	struct pol_str best; /* empty: no candidate is near */
	unsigned distance;   /* of `best`, or the largest one that counts */
};

struct pol_nearest pol_nearest_to(struct pol_str word);
void pol_nearest_offer(struct pol_nearest *nearest, struct pol_str candidate);

/* Format and arguments for the end of a message: ": did you mean 'X'?", or nothing. */
#define POL_NEAREST "%s%.*s%s"
#define POL_NEAREST_ARGS(nearest)                                                                  \
	(nearest).best.len > 0 ? ": did you mean '" : "", POL_STR_ARGS((nearest).best),            \
		(nearest).best.len > 0 ? "'?" : ""
