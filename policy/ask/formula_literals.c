/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/formula_cases.h"
#include "policy/text/str.h"

/* --- variables -------------------------------------------------------------------------------- */

static uint32_t find_variable(
	const struct pol_cases *cases, const struct pol_declared_fact *fact, uint32_t segment)
{
	for (size_t i = 0; i < cases->variable_count; i++) {
		const struct pol_cases_variable *variable = &cases->variables[i];

		if (variable->segment == segment &&
			(fact == NULL || (variable->type == fact->type &&
						 pol_str_equal(variable->name, fact->name)))) {
			return (uint32_t)i;
		}
	}
	return POL_NONE;
}

static bool make_room_for_variable(struct pol_cases *cases)
{
	size_t count = cases->variable_count;
	struct pol_cases_variable *items;

	if (count < cases->variable_capacity) {
		return true;
	}
	items = pol_arena_grow(&cases->arena, cases->variables, count, count + 1, sizeof *items,
		&cases->variable_capacity);
	cases->variables = items != NULL ? items : cases->variables;
	return items != NULL;
}

/* The variable of a fact, or, if that is NULL, of a segment. POL_NONE: no memory. */
static uint32_t add_variable(
	struct pol_cases *cases, int side, const struct pol_declared_fact *fact, uint32_t segment)
{
	uint32_t found = find_variable(cases, fact, fact != NULL ? POL_NONE : segment);

	if (found == POL_NONE) {
		if (!make_room_for_variable(cases)) {
			return POL_NONE;
		}
		found = (uint32_t)cases->variable_count++;
		cases->variables[found] = (struct pol_cases_variable){
			.type = fact != NULL ? fact->type : POL_TYPE_STRING,
			.name = fact != NULL ? fact->name : (struct pol_str){ 0 },
			.segment = fact != NULL ? POL_NONE : segment,
			.always = fact == NULL ||
				  pol_str_equal(fact->name, POL_STR("principal.kind")),
		};
	}
	if (fact != NULL) {
		cases->variables[found].declared[side] = fact;
	}
	return found;
}

/* --- literals --------------------------------------------------------------------------------- */

static bool is_equal_operand(const struct pol_cases_operand *a, const struct pol_cases_operand *b)
{
	return a->variable == b->variable && a->words == b->words &&
	       (a->variable != POL_NONE || pol_formula_equal_value(&a->constant, &b->constant));
}

static bool is_equal_literal(const struct pol_cases_literal *a, const struct pol_cases_literal *b)
{
	return a->kind == b->kind && a->negated == b->negated && a->comparison == b->comparison &&
	       is_equal_operand(&a->left, &b->left) && is_equal_operand(&a->right, &b->right);
}

static bool make_room_for_literal(struct pol_cases *cases)
{
	size_t count = cases->literal_count;
	struct pol_cases_literal *items;

	if (count < cases->literal_capacity) {
		return true;
	}
	items = pol_arena_grow(&cases->arena, cases->literals, count, count + 1, sizeof *items,
		&cases->literal_capacity);
	cases->literals = items != NULL ? items : cases->literals;
	return items != NULL;
}

/* The number of the literal, or POL_NONE: no memory. */
static uint32_t add_literal(struct pol_cases *cases, const struct pol_cases_literal *literal)
{
	for (size_t i = 0; i < cases->literal_count; i++) {
		if (is_equal_literal(&cases->literals[i], literal)) {
			return (uint32_t)i;
		}
	}
	if (!make_room_for_literal(cases)) {
		return POL_NONE;
	}
	cases->literals[cases->literal_count] = *literal;
	return (uint32_t)cases->literal_count++;
}

/* --- formulas --------------------------------------------------------------------------------- */

static const struct pol_declared_fact *fact_of(
	const struct pol_cases *cases, int side, uint32_t fact)
{
	const struct pol_snapshot *snapshot = cases->snapshots[side];

	return fact < snapshot->fact_count ? &snapshot->facts[fact] : NULL;
}

/* False: no memory, or there is no such fact. */
static bool read_operand(struct pol_cases *cases, int side, const struct pol_operand *operand,
	struct pol_cases_operand *out)
{
	const struct pol_declared_fact *fact = NULL;

	*out = (struct pol_cases_operand){ .variable = POL_NONE };
	if (operand->kind == POL_OPERAND_VALUE) {
		out->constant = operand->value;
		return true;
	}
	if (operand->kind == POL_OPERAND_FACT) {
		fact = fact_of(cases, side, operand->number);
		if (fact == NULL) {
			return false;
		}
		out->words = fact->type == POL_TYPE_WORD ? fact : NULL;
	}
	out->variable = add_variable(cases, side, fact, operand->number);
	return out->variable != POL_NONE;
}

static bool read_literal(struct pol_cases *cases, int side, const struct pol_formula *formula,
	struct pol_cases_node *out)
{
	struct pol_cases_literal literal = {
		.kind = formula->kind, .negated = formula->negated, .right.variable = POL_NONE
	};
	bool ok;

	out->kind = POL_FORMULA_COMPARE;
	if (formula->kind == POL_FORMULA_COMPARE) {
		literal.comparison = formula->predicate->comparison;
		ok = read_operand(cases, side, &formula->predicate->left, &literal.left) &&
		     (literal.comparison == POL_COMPARE_TRUE ||
			     read_operand(cases, side, &formula->predicate->right, &literal.right));
	} else {
		const struct pol_operand fact = { .kind = POL_OPERAND_FACT,
			.number = formula->fact };

		literal.negated = false;
		ok = read_operand(cases, side, &fact, &literal.left);
		if (ok) {
			cases->variables[literal.left.variable].presence = true;
		}
	}
	if (ok && literal.left.variable == POL_NONE && literal.right.variable == POL_NONE) {
		bool holds = pol_condition_compare(
			literal.comparison, &literal.left.constant, &literal.right.constant);

		out->kind = holds != literal.negated ? POL_FORMULA_ALWAYS : POL_FORMULA_NEVER;
		return true;
	}
	out->literal = ok ? add_literal(cases, &literal) : POL_NONE;
	return out->literal != POL_NONE;
}

static bool read_node(struct pol_cases *cases, int side, const struct pol_formula *formula,
	struct pol_cases_node *out)
{
	struct pol_cases_node *parts;

	*out = (struct pol_cases_node){ .kind = formula->kind, .part_count = formula->part_count };
	switch (formula->kind) {
	case POL_FORMULA_NEVER:
	case POL_FORMULA_ALWAYS:
		return true;
	case POL_FORMULA_COMPARE:
	case POL_FORMULA_PRESENT:
	case POL_FORMULA_ABSENT:
		return read_literal(cases, side, formula, out);
	case POL_FORMULA_AND:
	case POL_FORMULA_OR:
		break;
	}
	parts = pol_arena_alloc(&cases->arena, formula->part_count, sizeof *parts);
	out->parts = parts;
	for (uint32_t i = 0; parts != NULL && i < formula->part_count; i++) {
		if (!read_node(cases, side, formula->parts[i], &parts[i])) {
			return false;
		}
	}
	return parts != NULL;
}

bool pol_cases_lists_word(const struct pol_declared_fact *fact, struct pol_str word)
{
	for (uint32_t i = 0; i < fact->word_count; i++) {
		if (pol_str_equal(fact->words[i], word)) {
			return true;
		}
	}
	return false;
}

bool pol_cases_read(struct pol_cases *cases, const struct pol_formula_side sides[2])
{
	for (int side = 0; side < 2; side++) {
		cases->snapshots[side] = sides[side].snapshot;
		if (!read_node(cases, side, sides[side].formula, &cases->roots[side])) {
			return false;
		}
	}
	return true;
}
