/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * nearest: which known word was meant.
 *
 *	struct pol_nearest nearest = pol_nearest_to(word);
 *
 *	for (...) {
 *		pol_nearest_offer(&nearest, candidate);
 *	}
 *	pol_diag_error(diags, at, "unknown role '%.*s'" POL_NEAREST, POL_STR_ARGS(word),
 *		POL_NEAREST_ARGS(nearest));
 *
 * The distance is Damerau's and Levenshtein's with adjacent transpositions ("optimal string
 * alignment"), a change of case being free; how much may differ grows with the word. Of equally
 * near words the first in byte order wins, so that the order of offering does not show.
 * Pure and without memory of its own; the candidates' bytes must live as long as it is used.
 */

#include "policy/text/str.h"

/* Longer words are neither offered nor asked for: nobody mistypes one letter of those. */
#define POL_NEAREST_MAX 64

/* Past so many mistakes nobody is helped by a did-you-mean, and among so many candidates it takes
 * too long: whoever offers stops at both. */
#define POL_NEAREST_ERRORS 40
#define POL_NEAREST_OFFERS 50000

struct pol_nearest {
	struct pol_str word;
	struct pol_str best; /* empty: none is near */
	unsigned distance;   /* a better one must be nearer than that, or as near */
};

struct pol_nearest pol_nearest_to(struct pol_str word);
void pol_nearest_offer(struct pol_nearest *nearest, struct pol_str candidate);

/* The end of a message: ": did you mean 'X'?", or nothing. */
#define POL_NEAREST "%s%.*s%s"
#define POL_NEAREST_ARGS(nearest)                                                                  \
	(nearest).best.len > 0 ? ": did you mean '" : "", POL_STR_ARGS((nearest).best),            \
		(nearest).best.len > 0 ? "'?" : ""
