/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/formula_internal.h"
#include "policy/snapshot/compiled.h"

/*
 * A condition has `not` before predicates alone, so its formula has its shape: for "is false" each
 * `and` becomes an `or` and each predicate its negation, since in the logic of three values the one
 * is false exactly when the other is true. What is known is put in at the predicates.
 */

/* --- predicates that need not be evaluated ---------------------------------------------------- */

/* Is the value one that makes the comparison come to the same whatever the other side is? `left`:
 * it is on the left. *out is what it comes to. */
static bool is_decided(
	enum pol_comparison comparison, const struct pol_value *value, bool left, bool *out)
{
	bool empty = value->type == POL_TYPE_STRINGS && value->strings.count == 0;
	int64_t first = left ? INT64_MIN : INT64_MAX, last = left ? INT64_MAX : INT64_MIN;

	*out = false;
	switch (comparison) {
	case POL_COMPARE_LESS:
		return pol_condition_fits(comparison, value->type, value->type) &&
		       value->number == last;
	case POL_COMPARE_LESS_OR_EQUAL:
		*out = true;
		return pol_condition_fits(comparison, value->type, value->type) &&
		       value->number == first;
	case POL_COMPARE_HAS:
		return left && empty;
	case POL_COMPARE_HAS_ANY:
		return empty;
	case POL_COMPARE_HAS_ALL:
		*out = true;
		return !left && empty;
	case POL_COMPARE_TRUE:
	case POL_COMPARE_IS:
	case POL_COMPARE_WITHIN:
		break;
	}
	return false;
}

/* The same where both sides are one fact: `a is a`. A set has a member of itself if it has any. */
static bool is_reflexive(enum pol_comparison comparison, bool *out)
{
	*out = comparison == POL_COMPARE_IS || comparison == POL_COMPARE_LESS_OR_EQUAL ||
	       comparison == POL_COMPARE_HAS_ALL;
	return *out || comparison == POL_COMPARE_LESS;
}

static bool is_one(const struct pol_operand *a, const struct pol_operand *b)
{
	return a->kind == b->kind && a->kind != POL_OPERAND_VALUE && a->number == b->number;
}

/* --- making ----------------------------------------------------------------------------------- */

static const struct pol_formula *make(struct pol_arena *arena, struct pol_formula formula)
{
	struct pol_formula *out = pol_arena_alloc(arena, 1, sizeof *out);

	if (out != NULL) {
		*out = formula;
	}
	return out;
}

/* The comparison came to `holds` for every value of the open side. */
static const struct pol_formula *decided(
	const struct pol_formulas *formulas, const struct pol_operand *open, bool holds)
{
	if (!holds) {
		return pol_formula_never();
	}
	if (open->kind != POL_OPERAND_FACT) {
		return pol_formula_always();
	}
	return make(formulas->arena,
		(struct pol_formula){ .kind = POL_FORMULA_PRESENT, .fact = open->number });
}

/* The comparison in the one way in which it is written: a fact before a value, and without a
 * negation where another comparison says the same. */
static const struct pol_formula *comparison_of(
	const struct pol_formulas *formulas, struct pol_predicate predicate, bool negated)
{
	struct pol_operand left = predicate.left;
	struct pol_predicate *copy = pol_arena_alloc(formulas->arena, 1, sizeof *copy);

	if (copy == NULL) {
		return NULL;
	}
	if (predicate.comparison == POL_COMPARE_TRUE && negated) {
		predicate.comparison = POL_COMPARE_IS;
		predicate.right = (struct pol_operand){ .kind = POL_OPERAND_VALUE,
			.value = { .type = POL_TYPE_BOOL } };
		negated = false;
	} else if (predicate.comparison == POL_COMPARE_IS && left.kind == POL_OPERAND_VALUE) {
		predicate.left = predicate.right;
		predicate.right = left;
	} else if (negated && (predicate.comparison == POL_COMPARE_LESS ||
				      predicate.comparison == POL_COMPARE_LESS_OR_EQUAL)) {
		predicate.comparison = predicate.comparison == POL_COMPARE_LESS
					       ? POL_COMPARE_LESS_OR_EQUAL
					       : POL_COMPARE_LESS;
		predicate.left = predicate.right;
		predicate.right = left;
		negated = false;
	}
	*copy = predicate;
	return make(formulas->arena,
		(struct pol_formula){
			.kind = POL_FORMULA_COMPARE, .negated = negated, .predicate = copy });
}

/* A predicate whose sides are values, or open. */
static const struct pol_formula *compare(
	const struct pol_formulas *formulas, const struct pol_predicate *predicate, bool negated)
{
	const struct pol_operand *left = &predicate->left, *right = &predicate->right;
	bool one_sided = predicate->comparison == POL_COMPARE_TRUE;
	bool known_left = left->kind == POL_OPERAND_VALUE;
	bool known_right = one_sided || right->kind == POL_OPERAND_VALUE;
	bool holds;

	if (known_left && known_right) {
		holds = pol_condition_compare(predicate->comparison, &left->value, &right->value);
		return holds != negated ? pol_formula_always() : pol_formula_never();
	}
	if (!one_sided && is_one(left, right) && is_reflexive(predicate->comparison, &holds)) {
		return decided(formulas, left, holds != negated);
	}
	if (!one_sided && known_left &&
		is_decided(predicate->comparison, &left->value, true, &holds)) {
		return decided(formulas, right, holds != negated);
	}
	if (!one_sided && known_right &&
		is_decided(predicate->comparison, &right->value, false, &holds)) {
		return decided(formulas, left, holds != negated);
	}
	return comparison_of(formulas, *predicate, negated);
}

/* What may stand for an operand: itself if it is open or a value, and its default if it may be
 * absent. */
struct choices {
	struct pol_operand items[2];
	bool absent[2]; /* this one stands for it where the fact is absent */
	unsigned count; /* 0: it is unknown */
};

static void add_value(struct choices *choices, const struct pol_value *value, bool absent)
{
	if (value->type != POL_TYPE_ABSENT) {
		choices->absent[choices->count] = absent;
		choices->items[choices->count++] =
			(struct pol_operand){ .kind = POL_OPERAND_VALUE, .value = *value };
	}
}

static struct pol_knowledge ask(
	const struct pol_formulas *formulas, const struct pol_operand *operand)
{
	const struct pol_knowing *knowing = formulas->knowing;

	if (knowing == NULL) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	return operand->kind == POL_OPERAND_FACT ? knowing->fact(knowing, operand->number)
						 : knowing->segment(knowing, operand->number);
}

static struct choices choose(const struct pol_formulas *formulas, const struct pol_operand *operand)
{
	const struct pol_snapshot *snapshot = formulas->snapshot;
	struct choices choices = { .count = 0 };
	struct pol_value preset = { 0 };
	struct pol_knowledge known;

	if (operand->kind == POL_OPERAND_VALUE) {
		choices.items[choices.count++] = *operand;
		return choices;
	}
	if (operand->kind == POL_OPERAND_FACT && operand->number < snapshot->fact_count) {
		preset = snapshot->facts[operand->number].preset;
	}
	known = ask(formulas, operand);
	switch (known.kind) {
	case POL_KNOWN_OPEN:
		choices.items[choices.count++] = *operand;
		add_value(&choices, &preset, true);
		break;
	case POL_KNOWN_ABSENT:
		add_value(&choices, &preset, false);
		break;
	case POL_KNOWN_VALUE:
		add_value(&choices, &known.value, false);
		break;
	case POL_KNOWN_UNKNOWN:
		break;
	}
	return choices;
}

/* Spells out one choice for each side: the facts in `absent` are absent, and `chosen` compares. */
static const struct pol_formula *spell(const struct pol_formulas *formulas, bool negated,
	const struct pol_operand *const absent[2], const struct pol_predicate *chosen)
{
	const struct pol_formula *parts[3];
	size_t count = 0;

	for (int side = 0; side < 2; side++) {
		if (absent[side] != NULL) {
			parts[count++] = make(
				formulas->arena, (struct pol_formula){ .kind = POL_FORMULA_ABSENT,
							 .fact = absent[side]->number });
		}
	}
	parts[count++] = compare(formulas, chosen, negated);
	return pol_formula_join(formulas->arena, POL_FORMULA_AND, parts, count);
}

/* Is it `principal.roles has "clerk"`? */
static bool asks_for_role(const struct pol_predicate *predicate)
{
	return predicate->comparison == POL_COMPARE_HAS &&
	       predicate->left.kind == POL_OPERAND_FACT &&
	       predicate->left.number == POL_FACT_PRINCIPAL_ROLES &&
	       predicate->right.kind == POL_OPERAND_VALUE &&
	       predicate->right.value.type == POL_TYPE_STRING;
}

static const struct pol_formula *literal(
	const struct pol_formulas *formulas, const struct pol_predicate *predicate, bool negated)
{
	const struct pol_operand *left = &predicate->left, *right = &predicate->right;
	bool two = predicate->comparison != POL_COMPARE_TRUE;
	bool one_fact = two && is_one(left, right);
	struct choices lefts = choose(formulas, left), rights = { .count = 1 };
	const struct pol_formula *parts[4];
	size_t count = 0;

	if (two) {
		rights = choose(formulas, right);
	}
	for (unsigned l = 0; l < lefts.count; l++) {
		for (unsigned r = 0; r < rights.count; r++) {
			const struct pol_predicate chosen = { predicate->comparison, lefts.items[l],
				rights.items[r] };
			const struct pol_operand *absent[2] = { lefts.absent[l] ? left : NULL,
				rights.absent[r] ? right : NULL };

			/* One fact is not both absent and present. */
			if (!one_fact || l == r) {
				parts[count++] = spell(formulas, negated, absent, &chosen);
			}
		}
	}
	return pol_formula_join(formulas->arena, POL_FORMULA_OR, parts, count);
}

static const struct pol_formula *predicate_of(
	const struct pol_formulas *formulas, const struct pol_predicate *predicate, bool negated)
{
	const struct pol_knowing *knowing = formulas->knowing;

	if (!asks_for_role(predicate)) {
		return literal(formulas, predicate, negated);
	}
	/* It is never known whether a role that the files do not declare is held. */
	if (pol_snapshot_role(formulas->snapshot, predicate->right.value.text) == POL_NONE) {
		return pol_formula_never();
	}
	return knowing != NULL && knowing->role != NULL
		       ? knowing->role(knowing, predicate->right.value.text, negated)
		       : literal(formulas, predicate, negated);
}

const struct pol_formula *pol_formula_of(
	const struct pol_formulas *formulas, const struct pol_condition *condition, bool is_false)
{
	const struct pol_formula **parts;
	enum pol_formula_kind kind = (condition->kind == POL_CONDITION_AND) != is_false
					     ? POL_FORMULA_AND
					     : POL_FORMULA_OR;

	if (condition->kind == POL_CONDITION_PREDICATE) {
		return predicate_of(formulas, condition->predicate, condition->negated != is_false);
	}
	parts = pol_arena_alloc(formulas->arena, condition->part_count, sizeof *parts);
	if (parts == NULL) {
		return NULL;
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		parts[i] = pol_formula_of(formulas, condition->parts[i], is_false);
	}
	return pol_formula_join(formulas->arena, kind, parts, condition->part_count);
}
