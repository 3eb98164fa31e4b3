/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/formula_cases.h"

/*
 * Compares two formulas by all combinations of their groups' outcomes (formula_cases.h), many at a
 * time: each combination has a lane, a bit in the words of each literal.
 */

/* Words of lanes that are evaluated together. */
#define TILE 16

/* Bytes for a comparison, at most. The outcomes of POL_FORMULA_CASES combinations of 256 literals
 * fit, with their table and the copies that growing leaves. */
#define MEMORY ((size_t)256 * 1024 * 1024)

struct tile {
	const struct pol_cases *cases;
	uint64_t *columns; /* by literal: TILE words */
};

/* How many combinations of values the groups have, together. POL_FORMULA_CASES + 1: more than are
 * tried. */
static uint64_t count_values(const struct pol_cases *cases)
{
	uint64_t sum = 0;

	for (uint32_t g = 0; g < cases->group_count; g++) {
		const struct pol_cases_group *group = &cases->groups[g];
		uint64_t product = 1;

		for (uint32_t i = 0; i < group->variable_count; i++) {
			product *= cases->variables[group->variables[i]].cases;
			if (product > POL_FORMULA_CASES) {
				return POL_FORMULA_CASES + 1;
			}
		}
		sum += product;
	}
	return sum < POL_FORMULA_CASES ? sum : POL_FORMULA_CASES + 1;
}

/* How many combinations of outcomes there are; sets the strides. */
static uint64_t count_outcomes(struct pol_cases *cases)
{
	uint64_t product = 1;

	for (uint32_t g = 0; g < cases->group_count; g++) {
		cases->groups[g].stride = product;
		product *= cases->groups[g].outcome_count;
		if (product > POL_FORMULA_CASES) {
			return POL_FORMULA_CASES + 1;
		}
	}
	return product;
}

/* Fills in the columns for the combinations from `first`. */
static void fill(const struct tile *tile, uint64_t first, uint64_t count)
{
	const struct pol_cases *cases = tile->cases;

	memset(tile->columns, 0, cases->literal_count * TILE * sizeof *tile->columns);
	for (uint32_t g = 0; g < cases->group_count; g++) {
		const struct pol_cases_group *group = &cases->groups[g];

		for (uint64_t lane = 0; lane < count; lane++) {
			uint64_t digit = (first + lane) / group->stride % group->outcome_count;
			const uint64_t *outcome = group->outcomes + digit * group->words;

			for (uint32_t i = 0; i < group->literal_count; i++) {
				uint64_t bit = outcome[i / 64] >> i % 64 & 1;

				tile->columns[(size_t)group->literals[i] * TILE + lane / 64] |=
					bit << lane % 64;
			}
		}
	}
}

/* The lanes in which the formula is true. */
static void evaluate(const struct tile *tile, const struct pol_cases_node *node, uint64_t out[TILE])
{
	uint64_t part[TILE];

	if (node->kind == POL_FORMULA_COMPARE) {
		memcpy(out, tile->columns + (size_t)node->literal * TILE, TILE * sizeof *out);
		return;
	}
	memset(out, node->kind == POL_FORMULA_ALWAYS || node->kind == POL_FORMULA_AND ? 0xff : 0,
		TILE * sizeof *out);
	for (uint32_t i = 0; i < node->part_count; i++) {
		evaluate(tile, &node->parts[i], part);
		for (int w = 0; w < TILE; w++) {
			out[w] =
				node->kind == POL_FORMULA_AND ? out[w] & part[w] : out[w] | part[w];
		}
	}
}

static enum pol_status compare_outcomes(
	struct pol_cases *cases, uint64_t count, enum pol_formula_difference *out)
{
	struct tile tile = { cases,
		pol_arena_alloc(&cases->arena, cases->literal_count, TILE * sizeof(uint64_t)) };
	uint64_t wider = 0, narrower = 0;

	if (tile.columns == NULL) {
		return POL_ENOMEM;
	}
	for (uint64_t first = 0; first < count && (wider == 0 || narrower == 0);
		first += UINT64_C(64) * TILE) {
		uint64_t lanes = count - first < 64 * TILE ? count - first : 64 * TILE;
		uint64_t before[TILE], after[TILE];

		fill(&tile, first, lanes);
		evaluate(&tile, &cases->roots[0], before);
		evaluate(&tile, &cases->roots[1], after);
		for (uint64_t w = 0; w * 64 < lanes; w++) {
			uint64_t mask = lanes - w * 64 < 64 ? (UINT64_C(1) << (lanes - w * 64)) - 1
							    : UINT64_MAX;

			wider |= after[w] & ~before[w] & mask;
			narrower |= before[w] & ~after[w] & mask;
		}
	}
	*out = wider != 0 && narrower != 0 ? POL_FORMULA_BOTH
	       : wider != 0                ? POL_FORMULA_WIDER
	       : narrower != 0             ? POL_FORMULA_NARROWER
					   : POL_FORMULA_SAME;
	return POL_OK;
}

static enum pol_status compare(struct pol_cases *cases, const struct pol_formula_side sides[2],
	uint64_t most, uint64_t *cost, enum pol_formula_difference *out)
{
	uint64_t values, outcomes, weight;

	if (!pol_cases_read(cases, sides) || !pol_cases_group(cases) ||
		!pol_cases_list_values(cases)) {
		return POL_ENOMEM;
	}
	*out = POL_FORMULA_MAY_BE_WIDER;
	values = count_values(cases);
	weight = 1 + cases->literal_count / POL_FORMULA_LITERALS;
	if (values > POL_FORMULA_CASES || values * weight > most) {
		return POL_OK;
	}
	*cost = values * weight;
	for (uint32_t g = 0; g < cases->group_count; g++) {
		if (!pol_cases_find_outcomes(cases, g)) {
			return POL_ENOMEM;
		}
	}
	outcomes = count_outcomes(cases);
	if (outcomes > POL_FORMULA_CASES || *cost + outcomes * weight > most) {
		return POL_OK;
	}
	*cost += outcomes * weight;
	return compare_outcomes(cases, outcomes, out);
}

static bool is_constant(const struct pol_formula *formula)
{
	return formula->kind == POL_FORMULA_ALWAYS || formula->kind == POL_FORMULA_NEVER;
}

enum pol_status pol_formula_compare_counted(const struct pol_formula_side *before,
	const struct pol_formula_side *after, uint64_t most, uint64_t *cost,
	enum pol_formula_difference *out)
{
	const struct pol_formula_side sides[2] = { *before, *after };
	struct pol_cases cases = { .variable_count = 0 };
	enum pol_status status;

	*cost = 1;
	if (before->snapshot == after->snapshot &&
		pol_formula_equal(before->formula, after->formula)) {
		*out = POL_FORMULA_SAME;
		return POL_OK;
	}
	if (is_constant(before->formula) && is_constant(after->formula)) {
		*out = before->formula->kind == after->formula->kind ? POL_FORMULA_SAME
		       : after->formula->kind == POL_FORMULA_ALWAYS  ? POL_FORMULA_WIDER
								     : POL_FORMULA_NARROWER;
		return POL_OK;
	}
	pol_arena_init(&cases.arena, MEMORY);
	status = compare(&cases, sides, most, cost, out);
	pol_arena_finish(&cases.arena);
	return status;
}

enum pol_status pol_formula_compare(const struct pol_formula_side *before,
	const struct pol_formula_side *after, enum pol_formula_difference *out)
{
	uint64_t cost;

	return pol_formula_compare_counted(before, after, UINT64_MAX, &cost, out);
}
