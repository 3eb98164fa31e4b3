/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/ask/formula_cases.h"
#include "policy/text/str.h"

/*
 * The values that constants distinguish. n numbers that are compared with each other lie in the
 * gaps between the constants in some order; n values of each gap, or all that it has, show every
 * order. Networks cut the addresses into intervals of which none is partly in a network; of each,
 * as many addresses as are compared with each other are enough. n strings may be n values that no
 * constant is.
 */

/* --- numbers ---------------------------------------------------------------------------------- */

/* Adds the first `most` numbers from `first` to `last`, if there are any. */
static void add_numbers(struct pol_cases_group *group, int64_t first, int64_t last, uint32_t most)
{
	for (uint32_t i = 0; i < most && first <= last; i++) {
		group->values[group->value_count++] = first;
		if (first == INT64_MAX) {
			return;
		}
		first++;
	}
}

static bool list_numbers(struct pol_arena *arena, struct pol_cases_group *group)
{
	uint32_t most = group->numbers_compared;
	size_t count = group->number_count;
	const int64_t *numbers = group->numbers;

	group->values =
		pol_arena_alloc(arena, count + (count + 1) * (size_t)most, sizeof *group->values);
	if (group->values == NULL || most == 0) {
		return group->values != NULL;
	}
	if (count == 0) {
		add_numbers(group, 0, INT64_MAX, most);
		return true;
	}
	if (numbers[0] > INT64_MIN) {
		int64_t first =
			numbers[0] < INT64_MIN + (int64_t)most ? INT64_MIN : numbers[0] - most;

		add_numbers(group, first, numbers[0] - 1, most);
	}
	for (size_t i = 0; i < count; i++) {
		group->values[group->value_count++] = numbers[i];
		if (numbers[i] < INT64_MAX) {
			add_numbers(group, numbers[i] + 1,
				i + 1 < count ? numbers[i + 1] - 1 : INT64_MAX, most);
		}
	}
	return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

static int compare_addresses(const void *left, const void *right)
{
	const struct pol_ip *a = left, *b = right;

	return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* The next address. False: there is none. */
static bool increase(struct pol_ip *ip)
{
	for (size_t i = sizeof ip->bytes; i > 0; i--) {
		if (++ip->bytes[i - 1] != 0) {
			return true;
		}
	}
	return false;
}

/* The first address after the network. False: there is none. */
static bool after_network(const struct pol_network *network, struct pol_ip *out)
{
	out->known = true;
	memcpy(out->bytes, network->bytes, sizeof out->bytes);
	for (unsigned bit = network->bits; bit < 128; bit++) {
		out->bytes[bit / 8] |= (unsigned char)(0x80U >> bit % 8);
	}
	return increase(out);
}

static bool list_addresses(struct pol_arena *arena, struct pol_cases_group *group)
{
	/* IPv4 is in no network of IPv6 (cidr.h). */
	static const struct pol_network mapped = { .bytes = { [10] = 0xff, [11] = 0xff },
		.bits = 96 };
	size_t count = group->network_count, cut_count = 0;
	struct pol_ip *cuts = pol_arena_alloc(arena, 2 * count + 3, sizeof *cuts);
	uint32_t most = group->addresses_compared;

	group->addresses =
		pol_arena_alloc(arena, (2 * count + 3) * (size_t)most, sizeof *group->addresses);
	if (cuts == NULL || group->addresses == NULL || most == 0) {
		return cuts != NULL && group->addresses != NULL;
	}
	cuts[cut_count++].known = true;
	for (size_t i = 0; i <= count; i++) {
		const struct pol_network *network = i < count ? &group->networks[i] : &mapped;

		cuts[cut_count].known = true;
		memcpy(cuts[cut_count++].bytes, network->bytes, sizeof cuts[0].bytes);
		cut_count += after_network(network, &cuts[cut_count]);
	}
	qsort(cuts, cut_count, sizeof *cuts, compare_addresses);
	for (size_t i = 0; i < cut_count; i++) {
		struct pol_ip address = cuts[i];
		bool more = true;

		for (uint32_t k = 0; k < most && more; k++) {
			if (i + 1 < cut_count && compare_addresses(&address, &cuts[i + 1]) >= 0) {
				break;
			}
			group->addresses[group->address_count++] = address;
			more = increase(&address);
		}
	}
	return true;
}

/* --- texts and sets --------------------------------------------------------------------------- */

/* The index of the text in a sorted list that has it. */
static int64_t index_of(const struct pol_str *items, size_t count, struct pol_str text)
{
	size_t low = 0, high = count;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (pol_str_compare(items[middle], text) <= 0) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return (int64_t)low;
}

static bool list_members(struct pol_arena *arena, struct pol_cases_group *group)
{
	group->member_of = pol_arena_alloc(arena, group->text_count, sizeof *group->member_of);
	if (group->member_of == NULL) {
		return false;
	}
	for (size_t i = 0; i < group->text_count; i++) {
		group->member_of[i] = POL_NONE;
	}
	for (size_t i = 0; i < group->member_count; i++) {
		group->member_of[index_of(group->texts, group->text_count, group->members[i])] =
			(uint32_t)i;
	}
	return true;
}

/* The words that either policy declares. */
static bool list_words(struct pol_arena *arena, const struct pol_cases_group *group,
	struct pol_cases_variable *variable)
{
	int64_t *values = pol_arena_alloc(arena, group->text_count, sizeof *values);

	if (values == NULL) {
		return false;
	}
	for (size_t i = 0; i < group->text_count; i++) {
		for (int side = 0; side < 2; side++) {
			if (variable->declared[side] != NULL &&
				pol_cases_lists_word(variable->declared[side], group->texts[i])) {
				values[variable->value_count++] = (int64_t)i;
				break;
			}
		}
	}
	variable->values = values;
	return true;
}

static uint64_t count_sets(const struct pol_cases_group *group)
{
	size_t bits = group->member_count + group->string_count + group->set_pairs;

	return UINT64_C(1) << (bits < POL_CASES_SET_BITS ? bits : POL_CASES_SET_BITS);
}

/* --- variables -------------------------------------------------------------------------------- */

static bool list_values(struct pol_arena *arena, const struct pol_cases_group *group,
	struct pol_cases_variable *variable)
{
	bool ok = true;

	switch (variable->type) {
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
		variable->values = group->values;
		variable->value_count = group->value_count;
		break;
	case POL_TYPE_STRING:
		variable->value_count = group->text_count + group->string_count;
		break;
	case POL_TYPE_STRINGS:
		variable->value_count = count_sets(group);
		break;
	case POL_TYPE_BOOL:
		variable->value_count = 2;
		break;
	case POL_TYPE_ADDRESS:
		variable->value_count = group->address_count;
		break;
	case POL_TYPE_WORD:
		ok = list_words(arena, group, variable);
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_NETWORK:
		break;
	}
	variable->cases = variable->value_count + !variable->always +
			  (variable->presence && !variable->always);
	return ok;
}

/* Writes the constant as values of its group are. */
static void number_constant(
	const struct pol_cases_group *group, bool of_set, struct pol_cases_operand *operand)
{
	const struct pol_value *value = &operand->constant;

	if (operand->variable != POL_NONE) {
		return;
	}
	switch (value->type) {
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
	case POL_TYPE_BOOL:
		operand->number = value->number;
		break;
	case POL_TYPE_STRING:
	case POL_TYPE_WORD:
		operand->number =
			of_set ? index_of(group->members, group->member_count, value->text)
			       : index_of(group->texts, group->text_count, value->text);
		break;
	case POL_TYPE_STRINGS:
		for (uint32_t i = 0; of_set && i < value->strings.count; i++) {
			int64_t bit = index_of(
				group->members, group->member_count, value->strings.items[i]);

			/* With more bits the combinations are too many, and none is tried. */
			operand->number |= bit < POL_CASES_SET_BITS ? INT64_C(1) << bit : 0;
		}
		break;
	case POL_TYPE_ADDRESS:
		for (size_t i = 0; i < group->address_count; i++) {
			if (compare_addresses(&group->addresses[i], &value->address) == 0) {
				operand->number = (int64_t)i;
			}
		}
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_NETWORK:
		break;
	}
}

static bool is_set(const struct pol_cases *cases, const struct pol_cases_operand *operand)
{
	return operand->variable != POL_NONE &&
	       cases->variables[operand->variable].type == POL_TYPE_STRINGS;
}

bool pol_cases_list_values(struct pol_cases *cases)
{
	struct pol_arena *arena = &cases->arena;

	for (uint32_t g = 0; g < cases->group_count; g++) {
		struct pol_cases_group *group = &cases->groups[g];

		if (!list_numbers(arena, group) || !list_addresses(arena, group) ||
			!list_members(arena, group)) {
			return false;
		}
		for (uint32_t i = 0; i < group->variable_count; i++) {
			if (!list_values(arena, group, &cases->variables[group->variables[i]])) {
				return false;
			}
		}
	}
	for (size_t i = 0; i < cases->literal_count; i++) {
		struct pol_cases_literal *literal = &cases->literals[i];
		const struct pol_cases_group *group = &cases->groups[literal->group];

		number_constant(group, is_set(cases, &literal->right), &literal->left);
		number_constant(group, is_set(cases, &literal->left), &literal->right);
	}
	return true;
}
