/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/ask/formula_cases.h"
#include "policy/text/str.h"

/* --- which variables are compared with each other --------------------------------------------- */

/* While the groups are found, `group` is a variable of the same group, or its own number. */
static uint32_t root_of(struct pol_cases *cases, uint32_t variable)
{
	struct pol_cases_variable *items = cases->variables;

	while (items[variable].group != variable) {
		items[variable].group = items[items[variable].group].group;
		variable = items[variable].group;
	}
	return variable;
}

static uint32_t variable_of(const struct pol_cases_literal *literal)
{
	return literal->left.variable != POL_NONE ? literal->left.variable
						  : literal->right.variable;
}

static void link_variables(struct pol_cases *cases)
{
	for (uint32_t i = 0; i < cases->variable_count; i++) {
		cases->variables[i].group = i;
	}
	for (size_t i = 0; i < cases->literal_count; i++) {
		const struct pol_cases_literal *literal = &cases->literals[i];

		if (literal->left.variable != POL_NONE && literal->right.variable != POL_NONE) {
			cases->variables[root_of(cases, literal->left.variable)].group =
				root_of(cases, literal->right.variable);
		}
	}
}

/* Numbers the groups in the order of their first variables. */
static bool number_groups(struct pol_cases *cases)
{
	uint32_t *numbers = pol_arena_alloc(&cases->arena, cases->variable_count, sizeof *numbers);
	uint32_t *roots = pol_arena_alloc(&cases->arena, cases->variable_count, sizeof *roots);

	if (numbers == NULL || roots == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < cases->variable_count; i++) {
		roots[i] = root_of(cases, i);
		numbers[i] = POL_NONE;
	}
	for (uint32_t i = 0; i < cases->variable_count; i++) {
		if (numbers[roots[i]] == POL_NONE) {
			numbers[roots[i]] = cases->group_count++;
		}
		cases->variables[i].group = numbers[roots[i]];
	}
	for (size_t i = 0; i < cases->literal_count; i++) {
		struct pol_cases_literal *literal = &cases->literals[i];

		literal->group = cases->variables[variable_of(literal)].group;
	}
	return true;
}

/* --- the variables and the literals of a group ------------------------------------------------ */

static bool is_number(enum pol_type type)
{
	return type == POL_TYPE_INT || type == POL_TYPE_TIME || type == POL_TYPE_DURATION;
}

static bool list_variables(struct pol_cases *cases, uint32_t number)
{
	struct pol_cases_group *group = &cases->groups[number];

	group->variables =
		pol_arena_alloc(&cases->arena, cases->variable_count, sizeof *group->variables);
	group->strings =
		pol_arena_alloc(&cases->arena, cases->variable_count, sizeof *group->strings);
	if (group->variables == NULL || group->strings == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < cases->variable_count; i++) {
		enum pol_type type = cases->variables[i].type;

		if (cases->variables[i].group != number) {
			continue;
		}
		group->variables[group->variable_count++] = i;
		if (type == POL_TYPE_STRING) {
			group->strings[group->string_count++] = i;
		}
		group->has_sets = group->has_sets || type == POL_TYPE_STRINGS;
		group->addresses_compared += type == POL_TYPE_ADDRESS;
		group->numbers_compared += is_number(type);
	}
	return true;
}

static bool list_literals(struct pol_cases *cases, uint32_t number)
{
	struct pol_cases_group *group = &cases->groups[number];

	group->literals =
		pol_arena_alloc(&cases->arena, cases->literal_count, sizeof *group->literals);
	if (group->literals == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < cases->literal_count; i++) {
		struct pol_cases_literal *literal = &cases->literals[i];

		if (literal->group == number) {
			literal->place = group->literal_count;
			group->literals[group->literal_count++] = i;
			group->set_pairs += literal->kind == POL_FORMULA_COMPARE &&
					    (literal->comparison == POL_COMPARE_HAS_ANY ||
						    literal->comparison == POL_COMPARE_HAS_ALL);
		}
	}
	group->words = group->literal_count / 64 + 1;
	return true;
}

/* --- constants -------------------------------------------------------------------------------- */

static int compare_numbers(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int compare_texts(const void *left, const void *right)
{
	const struct pol_str *a = left, *b = right;

	return pol_str_compare(*a, *b);
}

/* Sorts the items and drops those that are there twice. */
static void make_set(
	void *items, size_t *count, size_t size, int (*compare)(const void *, const void *))
{
	char *bytes = items;
	size_t kept = 0;

	if (*count == 0) {
		return;
	}
	qsort(items, *count, size, compare);
	for (size_t i = 1; i < *count; i++) {
		if (compare(bytes + kept * size, bytes + i * size) != 0) {
			kept++;
			memmove(bytes + kept * size, bytes + i * size, size);
		}
	}
	*count = kept + 1;
}

/* Adds the constant, which is compared with the variable; with `count_only` only counts it. */
static void add_constant(struct pol_cases_group *group, const struct pol_value *value,
	const struct pol_cases_variable *variable, bool count_only)
{
	bool member = variable->type == POL_TYPE_STRINGS;
	const struct pol_str *texts = &value->text;
	size_t count = 0;

	switch (value->type) {
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
		if (!count_only) {
			group->numbers[group->number_count] = value->number;
		}
		group->number_count++;
		return;
	case POL_TYPE_STRING:
	case POL_TYPE_WORD:
		count = 1;
		break;
	case POL_TYPE_STRINGS:
		texts = value->strings.items;
		count = value->strings.count;
		break;
	case POL_TYPE_ADDRESS:
	case POL_TYPE_NETWORK:
		if (!count_only) {
			struct pol_network *network = &group->networks[group->network_count];

			*network = value->network;
			if (value->type == POL_TYPE_ADDRESS) {
				memcpy(network->bytes, value->address.bytes, sizeof network->bytes);
				network->bits = 128;
			}
		}
		group->network_count++;
		return;
	case POL_TYPE_ABSENT:
	case POL_TYPE_BOOL:
		return;
	}
	for (size_t i = 0; i < count && !count_only; i++) {
		group->texts[group->text_count + i] = texts[i];
		if (member) {
			group->members[group->member_count + i] = texts[i];
		}
	}
	group->text_count += count;
	group->member_count += member ? count : 0;
}

static void add_words(
	struct pol_cases_group *group, const struct pol_declared_fact *fact, bool count_only)
{
	for (uint32_t i = 0; i < fact->word_count && !count_only; i++) {
		group->texts[group->text_count + i] = fact->words[i];
	}
	group->text_count += fact->word_count;
}

static void add_constants(
	const struct pol_cases *cases, struct pol_cases_group *group, bool count_only)
{
	group->number_count = 0;
	group->text_count = 0;
	group->member_count = 0;
	group->network_count = 0;
	for (uint32_t i = 0; i < group->literal_count; i++) {
		const struct pol_cases_literal *literal = &cases->literals[group->literals[i]];
		const struct pol_cases_variable *variable = &cases->variables[variable_of(literal)];

		if (literal->left.variable == POL_NONE) {
			add_constant(group, &literal->left.constant, variable, count_only);
		}
		if (literal->right.variable == POL_NONE) {
			add_constant(group, &literal->right.constant, variable, count_only);
		}
	}
	for (uint32_t i = 0; i < group->variable_count; i++) {
		const struct pol_cases_variable *variable = &cases->variables[group->variables[i]];

		for (int side = 0; side < 2; side++) {
			if (variable->declared[side] != NULL) {
				add_words(group, variable->declared[side], count_only);
			}
		}
	}
}

static bool list_constants(struct pol_cases *cases, struct pol_cases_group *group)
{
	struct pol_arena *arena = &cases->arena;

	add_constants(cases, group, true);
	group->numbers = pol_arena_alloc(arena, group->number_count, sizeof *group->numbers);
	group->texts = pol_arena_alloc(arena, group->text_count, sizeof *group->texts);
	group->members = pol_arena_alloc(arena, group->member_count, sizeof *group->members);
	group->networks = pol_arena_alloc(arena, group->network_count, sizeof *group->networks);
	if (group->numbers == NULL || group->texts == NULL || group->members == NULL ||
		group->networks == NULL) {
		return false;
	}
	add_constants(cases, group, false);
	make_set(group->numbers, &group->number_count, sizeof *group->numbers, compare_numbers);
	make_set(group->texts, &group->text_count, sizeof *group->texts, compare_texts);
	make_set(group->members, &group->member_count, sizeof *group->members, compare_texts);
	return true;
}

bool pol_cases_group(struct pol_cases *cases)
{
	link_variables(cases);
	if (!number_groups(cases)) {
		return false;
	}
	cases->groups = pol_arena_alloc(&cases->arena, cases->group_count, sizeof *cases->groups);
	for (uint32_t i = 0; cases->groups != NULL && i < cases->group_count; i++) {
		if (!list_variables(cases, i) || !list_literals(cases, i) ||
			!list_constants(cases, &cases->groups[i])) {
			return false;
		}
	}
	return cases->groups != NULL;
}
