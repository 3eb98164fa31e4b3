/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * when: what a subject holds in a set, always, sometimes or never, and the text of "sometimes".
 *
 * It is what formula.h says with its bounds on work: a formula that needs more memory than
 * POL_WHEN_MEMORY counts as "sometimes" and its text is POL_WHEN_LARGE, and whether a formula is
 * always or never true is tried with at most POL_WHEN_CASES combinations of values. Pure, any
 * thread.
 */

#include <stddef.h>

#include "policy/ask/formula_subject.h"

enum pol_when_kind { POL_WHEN_NEVER = 0, POL_WHEN_SOMETIMES, POL_WHEN_ALWAYS };

struct pol_when {
	enum pol_when_kind kind;
	const struct pol_formula *formula; /* SOMETIMES; NULL: it is too large */
};

/* Bytes of the formulas of one entry: a few thousand comparisons, a millisecond of work. */
#define POL_WHEN_MEMORY ((size_t)1024 * 1024)

/* Combinations of values that are tried to find that a formula is always or never true. */
#define POL_WHEN_CASES 1024

/* Bytes of a text with its NUL: longer text is cut, and ends with POL_WHEN_LARGE. */
#define POL_WHEN_TEXT  ((size_t)4096)
#define POL_WHEN_LARGE "..."

/* What the formula comes to. NULL: its arena, of POL_WHEN_MEMORY bytes, was too small. Adds the
 * work to *steps, in those of query.h. */
struct pol_when pol_when_of(
	const struct pol_snapshot *snapshot, const struct pol_formula *formula, size_t *steps);

/* Are both the same, formula by formula? Two that are too large are not. */
bool pol_when_equal(const struct pol_when *a, const struct pol_when *b);

/* The text of SOMETIMES, in `out`; of the others, the empty text. */
struct pol_str pol_when_text(
	const struct pol_snapshot *snapshot, const struct pol_when *when, char out[POL_WHEN_TEXT]);

/* What a request states of a fact that is not the principal's and was not given: its service,
 * environment, address, and the times that it named. All else is open. */
struct pol_knowledge pol_when_fact(
	const struct pol_snapshot *snapshot, const struct pol_facts *facts, uint32_t fact);

/* The steps that the formulas in an arena took. */
size_t pol_when_steps(const struct pol_arena *arena);
