/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/condition.h"
#include "policy/text/cidr.h"
#include "policy/text/str.h"

static bool has_order(enum pol_type type)
{
	return type == POL_TYPE_INT || type == POL_TYPE_TIME || type == POL_TYPE_DURATION;
}

/* A type of which one value is compared with another. */
static bool is_single(enum pol_type type)
{
	return type != POL_TYPE_ABSENT && type != POL_TYPE_STRINGS && type != POL_TYPE_NETWORK;
}

bool pol_condition_fits(enum pol_comparison comparison, enum pol_type left, enum pol_type right)
{
	switch (comparison) {
	case POL_COMPARE_TRUE:
		return left == POL_TYPE_BOOL;
	case POL_COMPARE_IS:
		return left == right && is_single(left);
	case POL_COMPARE_LESS:
	case POL_COMPARE_LESS_OR_EQUAL:
		return left == right && has_order(left);
	case POL_COMPARE_HAS:
		return left == POL_TYPE_STRINGS && right == POL_TYPE_STRING;
	case POL_COMPARE_HAS_ANY:
	case POL_COMPARE_HAS_ALL:
		return left == POL_TYPE_STRINGS && right == POL_TYPE_STRINGS;
	case POL_COMPARE_WITHIN:
		return left == POL_TYPE_ADDRESS && right == POL_TYPE_NETWORK;
	}
	return false;
}

/* Both are sorted. */
static bool has_any(const struct pol_strings *set, const struct pol_strings *items)
{
	uint32_t i = 0;
	uint32_t k = 0;

	while (i < set->count && k < items->count) {
		int by = pol_str_compare(set->items[i], items->items[k]);

		if (by == 0) {
			return true;
		}
		i += by < 0;
		k += by > 0;
	}
	return false;
}

static bool has_all(const struct pol_strings *set, const struct pol_strings *items)
{
	uint32_t i = 0;
	uint32_t k = 0;

	while (i < set->count && k < items->count) {
		int by = pol_str_compare(set->items[i], items->items[k]);

		if (by > 0) {
			return false;
		}
		i++;
		k += by == 0;
	}
	return k == items->count;
}

bool pol_condition_holds(
	enum pol_comparison comparison, const struct pol_value *left, const struct pol_value *right)
{
	switch (comparison) {
	case POL_COMPARE_TRUE:
		return left->number != 0;
	case POL_COMPARE_IS:
		return pol_value_equal(left, right);
	case POL_COMPARE_LESS:
		return left->number < right->number;
	case POL_COMPARE_LESS_OR_EQUAL:
		return left->number <= right->number;
	case POL_COMPARE_HAS:
		return pol_value_has(&left->strings, right->text);
	case POL_COMPARE_HAS_ANY:
		return has_any(&left->strings, &right->strings);
	case POL_COMPARE_HAS_ALL:
		return has_all(&left->strings, &right->strings);
	case POL_COMPARE_WITHIN:
		return pol_cidr_contains(&right->network, &left->address);
	}
	return false;
}

bool pol_condition_compare(
	enum pol_comparison comparison, const struct pol_value *left, const struct pol_value *right)
{
	return pol_condition_fits(comparison, left->type, right->type) &&
	       pol_condition_holds(comparison, left, right);
}
