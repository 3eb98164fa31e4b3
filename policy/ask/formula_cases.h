/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * formula_cases: the combinations of values by which two formulas are compared. For
 * formula_{compare,literals,groups,values,outcomes}.c alone.
 *
 * A variable is a fact, by its name and type, or a segment of the path. Variables that are compared
 * with each other, directly or through others, are a group. For each group, all combinations of the
 * values that its constants distinguish are tried. An outcome says which of the group's literals
 * are true in a combination; each outcome is kept once. Then all combinations of outcomes of the
 * groups are tried.
 *
 * Values are numbers: that of an int, a time, a duration or a bool; of a string, word or address
 * the index in its group's list, where the strings after the list are `fresh`, equal to no
 * constant. A set is a bit for each constant that a set of its group is compared with, then one for
 * each string variable of its group, for its value, then one for each literal of two sets, for
 * another member. That is enough other members: a literal of two sets, or its negation, says at
 * most that one member exists.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/ask/formula_internal.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/arena.h"

/* Bits of a set, at most: with more, its subsets alone are too many. */
#define POL_CASES_SET_BITS 20

enum pol_cases_state { POL_CASES_ABSENT, POL_CASES_UNKNOWN, POL_CASES_VALUE };

struct pol_cases_variable {
	struct pol_str name;
	enum pol_type type;
	uint32_t segment;                            /* POL_NONE: a fact */
	const struct pol_declared_fact *declared[2]; /* before, after; NULL: not read there */
	bool always;   /* it is never absent: a segment, or the kind of the principal */
	bool presence; /* `present` or `absent` is asked, so an unknown value is one more */
	uint32_t group;

	/* Its values: absent unless it is always there, unknown if that makes a difference, then
	 * these. */
	const int64_t *values; /* NULL, of a set: 0, 1, ... */
	uint64_t value_count;
	uint64_t cases; /* all of them */

	/* in the present combination */
	uint64_t digit;
	enum pol_cases_state state;
	int64_t value;
	unsigned bit; /* of a string: its bit in a set */
};

/* One side of a comparison. */
struct pol_cases_operand {
	uint32_t variable; /* POL_NONE: the constant */
	struct pol_value constant;
	int64_t number; /* of the constant, as values of its group; of a set its bits */
	/* The declaration, in this policy, of a fact whose values are words. A word that only the
	 * other policy has is unknown here. */
	const struct pol_declared_fact *words;
};

struct pol_cases_literal {
	enum pol_formula_kind kind; /* COMPARE, PRESENT or ABSENT */
	bool negated;
	enum pol_comparison comparison;
	struct pol_cases_operand left, right; /* PRESENT, ABSENT: the left is the fact */
	uint32_t group;
	uint32_t place; /* its number among those of its group */
};

/* A formula of literals. */
struct pol_cases_node {
	enum pol_formula_kind kind; /* NEVER, ALWAYS, AND, OR; COMPARE: the literal */
	uint32_t literal;
	const struct pol_cases_node *parts;
	uint32_t part_count;
};

struct pol_cases_group {
	uint32_t *variables; /* numbers */
	uint32_t variable_count;
	uint32_t *strings; /* those of them that are strings */
	uint32_t string_count, addresses_compared, numbers_compared;
	bool has_sets;
	uint32_t set_pairs; /* literals of two sets, of which one at least is a variable */

	/* The constants: each once, sorted. */
	int64_t *numbers;
	struct pol_str *texts;   /* of strings and words */
	struct pol_str *members; /* with which a set is compared; they are among the texts too */
	struct pol_network *networks;
	size_t number_count, text_count, member_count, network_count;
	int64_t *values;          /* of its numbers */
	struct pol_ip *addresses; /* of every cell of the networks */
	size_t value_count, address_count;
	uint32_t *member_of; /* by text: its number among the members, or POL_NONE */

	uint32_t *literals; /* numbers */
	uint32_t literal_count;
	size_t words; /* of an outcome */

	/* The outcomes: `words` words each. */
	uint64_t *outcomes;
	size_t outcome_count, outcome_capacity;
	uint32_t *table; /* by hash; the outcome's number and one more */
	size_t mask;
	uint64_t stride; /* of its digit in the number of a combination */
};

struct pol_cases {
	struct pol_arena arena;
	const struct pol_snapshot *snapshots[2];
	struct pol_cases_variable *variables;
	size_t variable_count, variable_capacity;
	struct pol_cases_literal *literals;
	size_t literal_count, literal_capacity;
	struct pol_cases_group *groups;
	uint32_t group_count;
	struct pol_cases_node roots[2];
};

/* --- formula_literals.c ----------------------------------------------------------------------- */

/* Finds the variables and literals of both formulas. False: no memory. */
bool pol_cases_read(struct pol_cases *cases, const struct pol_formula_side sides[2]);
/* Is the word one of those that the fact declares? */
bool pol_cases_lists_word(const struct pol_declared_fact *fact, struct pol_str word);

/* --- formula_groups.c ------------------------------------------------------------------------- */

/* Finds the groups and their constants. False: no memory. */
bool pol_cases_group(struct pol_cases *cases);

/* --- formula_values.c ------------------------------------------------------------------------- */

/* Lists the values of all variables. False: no memory. */
bool pol_cases_list_values(struct pol_cases *cases);

/* --- formula_outcomes.c ----------------------------------------------------------------------- */

/* Finds the outcomes of the group. False: no memory. */
bool pol_cases_find_outcomes(struct pol_cases *cases, uint32_t group);
