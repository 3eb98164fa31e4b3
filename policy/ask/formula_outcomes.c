/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/formula_cases.h"
#include "policy/text/cidr.h"

/* --- the values of a combination -------------------------------------------------------------- */

static void take_digit(struct pol_cases_variable *variable)
{
	uint64_t digit = variable->digit;

	variable->state = POL_CASES_VALUE;
	if (digit < variable->value_count) {
		variable->value =
			variable->values != NULL ? variable->values[digit] : (int64_t)digit;
		return;
	}
	variable->state = variable->presence && digit == variable->value_count ? POL_CASES_UNKNOWN
									       : POL_CASES_ABSENT;
}

/* Finds the bit of each string in a set: that of a constant, or of the first string that has this
 * value. The bit that a string does not need is one more other member. */
static void find_bits(const struct pol_cases *cases, const struct pol_cases_group *group)
{
	for (uint32_t i = 0; i < group->string_count; i++) {
		struct pol_cases_variable *string = &cases->variables[group->strings[i]];
		unsigned own = (unsigned)(group->member_count + i);

		string->bit = own;
		if (string->state != POL_CASES_VALUE) {
			continue;
		}
		if (string->value < (int64_t)group->text_count &&
			group->member_of[string->value] != POL_NONE) {
			string->bit = group->member_of[string->value];
		}
		for (uint32_t k = 0; k < i && string->bit == own; k++) {
			const struct pol_cases_variable *other =
				&cases->variables[group->strings[k]];

			if (other->state == POL_CASES_VALUE && other->value == string->value) {
				string->bit = other->bit;
			}
		}
	}
}

static void take_values(const struct pol_cases *cases, const struct pol_cases_group *group)
{
	for (uint32_t i = 0; i < group->variable_count; i++) {
		take_digit(&cases->variables[group->variables[i]]);
	}
	if (group->has_sets) {
		find_bits(cases, group);
	}
}

/* The next combination. False: that was the last. */
static bool advance(const struct pol_cases *cases, const struct pol_cases_group *group)
{
	for (uint32_t i = 0; i < group->variable_count; i++) {
		struct pol_cases_variable *variable = &cases->variables[group->variables[i]];

		if (++variable->digit < variable->cases) {
			return true;
		}
		variable->digit = 0;
	}
	return false;
}

/* --- literals --------------------------------------------------------------------------------- */

/* The number of an operand's value in this combination. False: it is absent or unknown. */
static bool number_of(const struct pol_cases *cases, const struct pol_cases_group *group,
	const struct pol_cases_operand *operand, int64_t *out)
{
	const struct pol_cases_variable *variable;

	*out = operand->number;
	if (operand->variable == POL_NONE) {
		return true;
	}
	variable = &cases->variables[operand->variable];
	*out = variable->value;
	return variable->state == POL_CASES_VALUE &&
	       (operand->words == NULL ||
		       pol_cases_lists_word(operand->words, group->texts[variable->value]));
}

static bool has_string(const struct pol_cases *cases, const struct pol_cases_group *group,
	const struct pol_cases_literal *literal, const int64_t values[2])
{
	const struct pol_strings *constant = &literal->left.constant.strings;
	int64_t bit = values[1];

	if (literal->left.variable == POL_NONE) {
		return values[1] < (int64_t)group->text_count &&
		       pol_value_has(constant, group->texts[values[1]]);
	}
	if (literal->right.variable != POL_NONE) {
		bit = cases->variables[literal->right.variable].bit;
	}
	return (values[0] >> bit & 1) != 0;
}

static bool compares(const struct pol_cases *cases, const struct pol_cases_group *group,
	const struct pol_cases_literal *literal, const int64_t values[2])
{
	switch (literal->comparison) {
	case POL_COMPARE_TRUE:
		return values[0] != 0;
	case POL_COMPARE_IS:
		return values[0] == values[1];
	case POL_COMPARE_LESS:
		return values[0] < values[1];
	case POL_COMPARE_LESS_OR_EQUAL:
		return values[0] <= values[1];
	case POL_COMPARE_HAS:
		return has_string(cases, group, literal, values);
	case POL_COMPARE_HAS_ANY:
		return (values[0] & values[1]) != 0;
	case POL_COMPARE_HAS_ALL:
		return (values[1] & ~values[0]) == 0;
	case POL_COMPARE_WITHIN:
		return pol_cidr_contains(
			&literal->right.constant.network, &group->addresses[values[0]]);
	}
	return false;
}

static bool is_true(const struct pol_cases *cases, const struct pol_cases_group *group,
	const struct pol_cases_literal *literal)
{
	int64_t values[2] = { 0, 0 };
	bool known;

	if (literal->kind == POL_FORMULA_ABSENT) {
		return cases->variables[literal->left.variable].state == POL_CASES_ABSENT;
	}
	known = number_of(cases, group, &literal->left, &values[0]) &&
		number_of(cases, group, &literal->right, &values[1]);
	if (literal->kind == POL_FORMULA_PRESENT || !known) {
		return known;
	}
	return compares(cases, group, literal, values) != literal->negated;
}

/* --- outcomes --------------------------------------------------------------------------------- */

static uint64_t hash_of(const uint64_t *words, size_t count)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 31;
	}
	return hash;
}

/* The slot of the outcome, or a free one. */
static uint32_t *find_slot(const struct pol_cases_group *group, const uint64_t *outcome)
{
	size_t at = hash_of(outcome, group->words) & group->mask;

	while (group->table[at] != 0 &&
		memcmp(group->outcomes + (group->table[at] - 1) * group->words, outcome,
			group->words * sizeof *outcome) != 0) {
		at = (at + 1) & group->mask;
	}
	return &group->table[at];
}

/* Makes the table twice as large. */
static bool grow_table(struct pol_arena *arena, struct pol_cases_group *group)
{
	size_t slots = group->table != NULL ? 2 * (group->mask + 1) : 64;

	group->table = pol_arena_alloc(arena, slots, sizeof *group->table);
	group->mask = slots - 1;
	for (size_t i = 0; group->table != NULL && i < group->outcome_count; i++) {
		*find_slot(group, group->outcomes + i * group->words) = (uint32_t)i + 1;
	}
	return group->table != NULL;
}

static bool add_outcome(
	struct pol_arena *arena, struct pol_cases_group *group, const uint64_t *outcome)
{
	uint32_t *slot = find_slot(group, outcome);
	size_t count = group->outcome_count;

	if (*slot != 0) {
		return true;
	}
	if (count >= group->outcome_capacity) {
		uint64_t *items = pol_arena_grow(arena, group->outcomes, count, count + 1,
			group->words * sizeof *items, &group->outcome_capacity);

		if (items == NULL) {
			return false;
		}
		group->outcomes = items;
	}
	memcpy(group->outcomes + count * group->words, outcome, group->words * sizeof *outcome);
	*slot = (uint32_t)++group->outcome_count;
	return group->outcome_count * 2 < group->mask || grow_table(arena, group);
}

bool pol_cases_find_outcomes(struct pol_cases *cases, uint32_t number)
{
	struct pol_cases_group *group = &cases->groups[number];
	struct pol_arena *arena = &cases->arena;
	uint64_t *outcome = pol_arena_alloc(arena, group->words, sizeof *outcome);

	if (outcome == NULL || !grow_table(arena, group)) {
		return false;
	}
	do {
		take_values(cases, group);
		memset(outcome, 0, group->words * sizeof *outcome);
		for (uint32_t i = 0; i < group->literal_count; i++) {
			if (is_true(cases, group, &cases->literals[group->literals[i]])) {
				outcome[i / 64] |= UINT64_C(1) << i % 64;
			}
		}
		if (!add_outcome(arena, group, outcome)) {
			return false;
		}
	} while (advance(cases, group));
	return true;
}
