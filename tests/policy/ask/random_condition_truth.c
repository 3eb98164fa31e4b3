/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/policy/ask/random_condition.h"

static bool is_word_of(const struct pol_declared_fact *fact, struct pol_str word)
{
	for (uint32_t i = 0; i < fact->word_count; i++) {
		if (pol_str_equal(fact->words[i], word)) {
			return true;
		}
	}
	return false;
}

/* What is known of a fact of the first declarations, by the number that it has there. */
static struct pol_knowledge known(const struct truth_case *so, uint32_t fact, bool second)
{
	const struct pol_declared_fact *declared =
		&random_condition_facts(second)->facts[random_condition_number(second, fact)];
	struct pol_knowledge knowledge = so->facts[fact];

	if (knowledge.kind == POL_KNOWN_VALUE && declared->type == POL_TYPE_WORD &&
		!is_word_of(declared, knowledge.value.text)) {
		knowledge.kind = POL_KNOWN_UNKNOWN;
	}
	return knowledge;
}

/* The value for a comparison, with the default if that is asked for. Absent: there is none. */
static struct pol_value value_of(const struct pol_operand *operand, const struct truth_case *so,
	bool second, bool with_default)
{
	struct pol_value none = { .type = POL_TYPE_ABSENT };
	struct pol_knowledge knowledge;

	if (operand->kind == POL_OPERAND_VALUE) {
		return operand->value;
	}
	if (operand->kind == POL_OPERAND_SEGMENT) {
		return so->facts[FACTS + operand->number].value;
	}
	knowledge = known(so, random_condition_number(second, operand->number), second);
	if (knowledge.kind == POL_KNOWN_VALUE) {
		return knowledge.value;
	}
	return with_default && knowledge.kind == POL_KNOWN_ABSENT
		       ? random_condition_facts(second)->facts[operand->number].preset
		       : none;
}

static bool in_set(struct pol_value set, struct pol_str text)
{
	for (uint32_t i = 0; i < set.strings.count; i++) {
		if (pol_str_equal(set.strings.items[i], text)) {
			return true;
		}
	}
	return false;
}

static uint32_t count_common(struct pol_value set, struct pol_value of)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < of.strings.count; i++) {
		count += in_set(set, of.strings.items[i]);
	}
	return count;
}

static bool is_mapped(const unsigned char *bytes)
{
	static const unsigned char prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(bytes, prefix, sizeof prefix) == 0;
}

static bool is_within(const struct pol_network *network, const struct pol_ip *ip)
{
	for (unsigned bit = 0; bit < network->bits; bit++) {
		if (((network->bytes[bit / 8] ^ ip->bytes[bit / 8]) >> (7 - bit % 8) & 1) != 0) {
			return false;
		}
	}
	return network->bits >= 96 || !is_mapped(ip->bytes);
}

static bool compares(enum pol_comparison comparison, struct pol_value a, struct pol_value b)
{
	switch (comparison) {
	case POL_COMPARE_TRUE:
		return a.number == 1;
	case POL_COMPARE_IS:
		if (a.type == POL_TYPE_STRING || a.type == POL_TYPE_WORD) {
			return pol_str_equal(a.text, b.text);
		}
		return a.type == POL_TYPE_ADDRESS
			       ? memcmp(a.address.bytes, b.address.bytes, 16) == 0
			       : a.number == b.number;
	case POL_COMPARE_LESS:
		return a.number < b.number;
	case POL_COMPARE_LESS_OR_EQUAL:
		return a.number <= b.number;
	case POL_COMPARE_HAS:
		return in_set(a, b.text);
	case POL_COMPARE_HAS_ANY:
		return count_common(a, b) > 0;
	case POL_COMPARE_HAS_ALL:
		return count_common(a, b) == b.strings.count;
	case POL_COMPARE_WITHIN:
		return is_within(&b.network, &a.address);
	}
	return false;
}

static int predicate_truth(const struct pol_predicate *predicate, const struct truth_case *so,
	bool second, bool with_default)
{
	bool two = predicate->comparison != POL_COMPARE_TRUE;
	struct pol_value left = value_of(&predicate->left, so, second, with_default);
	struct pol_value right = { .type = POL_TYPE_BOOL };

	if (two) {
		right = value_of(&predicate->right, so, second, with_default);
	}
	if (left.type == POL_TYPE_ABSENT || right.type == POL_TYPE_ABSENT) {
		return -1;
	}
	return compares(predicate->comparison, left, right);
}

int random_condition_truth(
	const struct pol_condition *condition, const struct truth_case *so, bool second)
{
	bool and = condition->kind == POL_CONDITION_AND;
	bool unknown = false;

	if (condition->kind == POL_CONDITION_PREDICATE) {
		int truth = predicate_truth(condition->predicate, so, second, true);

		return truth < 0 ? -1 : truth != condition->negated;
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		int truth = random_condition_truth(condition->parts[i], so, second);

		if (truth == !and) {
			return truth;
		}
		unknown = unknown || truth < 0;
	}
	return unknown ? -1 : and;
}

bool random_condition_holds(
	const struct pol_formula *formula, const struct truth_case *so, bool second)
{
	uint32_t fact = random_condition_number(second, formula->fact);
	int truth;

	switch (formula->kind) {
	case POL_FORMULA_NEVER:
	case POL_FORMULA_ALWAYS:
		return formula->kind == POL_FORMULA_ALWAYS;
	case POL_FORMULA_PRESENT:
		return known(so, fact, second).kind == POL_KNOWN_VALUE;
	case POL_FORMULA_ABSENT:
		return known(so, fact, second).kind == POL_KNOWN_ABSENT;
	case POL_FORMULA_COMPARE:
		truth = predicate_truth(formula->predicate, so, second, false);
		return truth >= 0 && truth != formula->negated;
	case POL_FORMULA_AND:
	case POL_FORMULA_OR:
		break;
	}
	for (uint32_t i = 0; i < formula->part_count; i++) {
		bool holds = random_condition_holds(formula->parts[i], so, second);

		if (holds != (formula->kind == POL_FORMULA_AND)) {
			return holds;
		}
	}
	return formula->kind == POL_FORMULA_AND;
}
