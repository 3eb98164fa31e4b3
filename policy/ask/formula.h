/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * formula: when a request is allowed, as a formula of two values over facts and parameters.
 *
 * A condition has three values; what an answer depends on is only whether it is true, or whether it
 * is false. Both are formulas without `not` in which a comparison, negated or not, is false where a
 * fact is absent: "true of (a or not b)" is (a) or (not b), "false of (a or not b)" is (not a) and
 * (b). So no reader needs a third value, neither a person nor a database with its NULL. What is
 * known is put in, and the formula becomes shorter. A fact with a default is spelled out: it is
 * present and compares so, or it is absent and the default does. A comparison that can be written
 * in two ways is written in one of them: a fact stands before a value, and `not a < b` is `a >= b`;
 * what is left negated is IS, WITHIN, and the three of sets.
 *
 * `permissions`, `can`, `who` and `plan` answer with formulas, and comparing two policies compares
 * them. Pure; memory comes from an arena. Any thread, an arena for one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/condition.h"
#include "policy/text/arena.h"
#include "policy/text/status.h"

enum pol_formula_kind {
	POL_FORMULA_NEVER = 0,
	POL_FORMULA_ALWAYS,
	POL_FORMULA_AND,
	POL_FORMULA_OR,
	POL_FORMULA_COMPARE, /* the predicate, or its negation; false where one side is absent */
	POL_FORMULA_PRESENT, /* the fact was given */
	POL_FORMULA_ABSENT   /* it was not */
};

struct pol_formula {
	enum pol_formula_kind kind;
	bool negated;                           /* COMPARE */
	uint32_t fact;                          /* PRESENT, ABSENT */
	const struct pol_predicate *predicate;  /* COMPARE */
	const struct pol_formula *const *parts; /* AND, OR: at least two, none of the same kind */
	uint32_t part_count;
};

/* What is known of a fact, or of a segment of the path. */
enum pol_knowledge_kind {
	POL_KNOWN_OPEN = 0, /* it may be anything, or absent */
	POL_KNOWN_ABSENT,   /* it was not given: its default counts, if it has one */
	POL_KNOWN_UNKNOWN,  /* every comparison with it is unknown */
	POL_KNOWN_VALUE
};
struct pol_knowledge {
	enum pol_knowledge_kind kind;
	struct pol_value value; /* VALUE */
};

/* Answers what is known, while a formula is made. A segment that is open is always present. */
struct pol_knowing {
	struct pol_knowledge (*fact)(const struct pol_knowing *knowing, uint32_t fact);
	struct pol_knowledge (*segment)(const struct pol_knowing *knowing, uint32_t segment);
	/* The formula for "the role of this name is held here", or with `negated` for "it is not";
	 * it may ask for segments. NULL: not known; then principal.roles is as open as `fact` says.
	 */
	const struct pol_formula *(*role)(
		const struct pol_knowing *knowing, struct pol_str name, bool negated);
	const void *context;
};

/* Makes formulas. */
struct pol_formulas {
	const struct pol_snapshot *snapshot;
	struct pol_arena *arena;
	const struct pol_knowing *knowing;
};

/* The formula for "the condition is true", or, with `is_false`, for "it is false". NULL: the arena
 * has no memory. */
const struct pol_formula *pol_formula_of(
	const struct pol_formulas *formulas, const struct pol_condition *condition, bool is_false);

/* The conjunction and the disjunction, simplified: flat, without duplicates, ALWAYS and NEVER put
 * in. NULL: the arena has no memory, or a part is NULL. */
const struct pol_formula *pol_formula_join(struct pol_arena *arena, enum pol_formula_kind kind,
	const struct pol_formula *const *parts, size_t count);

/* Are both the same formula, part by part? Both are of one snapshot. Formulas that are not may
 * still say the same. */
bool pol_formula_equal(const struct pol_formula *a, const struct pol_formula *b);

/* Equal formulas have equal hashes. */
uint64_t pol_formula_hash(const struct pol_formula *formula);

/* Static. */
const struct pol_formula *pol_formula_always(void);
const struct pol_formula *pol_formula_never(void);

/* Writes it as the language does, with `FACT present` and `FACT absent`; `always` and `never`. At
 * most `size` bytes with a NUL; longer text is cut. Returns the length of the whole text. */
size_t pol_formula_format(const struct pol_snapshot *snapshot, const struct pol_formula *formula,
	char *out, size_t size);

/* How the answers of two formulas differ. */
enum pol_formula_difference {
	POL_FORMULA_SAME = 0,
	POL_FORMULA_WIDER, /* the second is true of all that the first is, and of more */
	POL_FORMULA_NARROWER,
	POL_FORMULA_BOTH,        /* each is true where the other is not */
	POL_FORMULA_MAY_BE_WIDER /* there are more than POL_FORMULA_CASES combinations */
};

/* Combinations of values that are tried, at most: a count, so that every host says the same. */
#define POL_FORMULA_CASES (1U << 20)

/* A formula, and the snapshot whose facts it reads. */
struct pol_formula_side {
	const struct pol_snapshot *snapshot;
	const struct pol_formula *formula;
};

/* Compares by all combinations of values that the constants of both distinguish. Facts are the same
 * if their names and types are. The memory that it takes is freed before it returns. POL_ENOMEM. */
enum pol_status pol_formula_compare(const struct pol_formula_side *before,
	const struct pol_formula_side *after, enum pol_formula_difference *out);

/* The same for callers that bound many comparisons together: *cost becomes the number of
 * combinations that it tried, at least 1. Each counts once, and once more for each
 * POL_FORMULA_LITERALS comparisons of the formulas, since it takes longer then. With more than
 * `most` of them it is not tried, and the second may be wider. */
#define POL_FORMULA_LITERALS 32
enum pol_status pol_formula_compare_counted(const struct pol_formula_side *before,
	const struct pol_formula_side *after, uint64_t most, uint64_t *cost,
	enum pol_formula_difference *out);
