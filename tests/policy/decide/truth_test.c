/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/policy/decide/truth_begin.h"

/* Conditions and their comparisons, in three values. */

TestSuite(truth, .init = begin);

/* --- logic ------------------------------------------------------------------------------------ */

static const enum pol_truth truths[] = { POL_FALSE, POL_UNKNOWN, POL_TRUE };

/* A condition of that truth: a bool fact that nobody gave is unknown. */
static const struct pol_condition *of_truth(enum pol_truth truth)
{
	struct pol_operand operand =
		truth == POL_UNKNOWN ? fact_operand(BOOL_A)
				     : value_operand(number_of(POL_TYPE_BOOL, truth == POL_TRUE));

	return condition_of(
		predicate_of(operand, POL_COMPARE_TRUE, (struct pol_operand){ 0 }), false);
}

Test(truth, and_is_the_least_of_its_parts_and_or_the_greatest)
{
	for (int a = 0; a < 3; a++) {
		for (int b = 0; b < 3; b++) {
			const struct pol_condition *left = of_truth(truths[a]);
			const struct pol_condition *right = of_truth(truths[b]);

			cr_expect_eq(pol_truth_of(&table, both_of(POL_CONDITION_AND, left, right)),
				truths[a < b ? a : b], "%d and %d", a, b);
			cr_expect_eq(pol_truth_of(&table, both_of(POL_CONDITION_OR, left, right)),
				truths[a > b ? a : b], "%d or %d", a, b);
		}
	}
}

Test(truth, not_exchanges_true_and_false_and_leaves_unknown)
{
	for (int a = 0; a < 3; a++) {
		const struct pol_condition *plain = of_truth(truths[a]);

		cr_expect_eq(pol_truth_of(&table, plain), truths[a]);
		cr_expect_eq(
			pol_truth_of(&table, condition_of(plain->predicate, true)), truths[2 - a]);
	}
}

Test(truth, of_three_parts_the_least_or_the_greatest_counts)
{
	for (int i = 0; i < 27; i++) {
		int of[3] = { i % 3, i / 3 % 3, i / 9 };
		const struct pol_condition *parts[3];
		struct pol_condition whole = {
			.kind = POL_CONDITION_AND, .parts = parts, .part_count = 3
		};
		int least = 2, most = 0;

		for (int k = 0; k < 3; k++) {
			parts[k] = of_truth(truths[of[k]]);
			least = of[k] < least ? of[k] : least;
			most = of[k] > most ? of[k] : most;
		}
		cr_expect_eq(pol_truth_of(&table, &whole), truths[least], "%d", i);
		whole.kind = POL_CONDITION_OR;
		cr_expect_eq(pol_truth_of(&table, &whole), truths[most], "%d", i);
	}
}

Test(truth, a_condition_without_parts_is_unknown_and_one_of_64_levels_is_not)
{
	static const struct pol_condition none = { .kind = POL_CONDITION_AND };
	const struct pol_condition *deep = of_truth(POL_TRUE);

	cr_expect_eq(pol_truth_of(&table, &none), POL_UNKNOWN);
	for (int level = 1; level < POL_CONDITION_PREDICATES; level++) {
		deep = both_of(level % 2 == 0 ? POL_CONDITION_AND : POL_CONDITION_OR, deep,
			of_truth(level % 2 == 0 ? POL_TRUE : POL_FALSE));
	}
	cr_expect_eq(pol_truth_of(&table, deep), POL_TRUE);
	/* No condition has as many levels: it would have more predicates than are allowed. */
	deep = both_of(POL_CONDITION_AND, deep, of_truth(POL_TRUE));
	cr_expect_eq(pol_truth_of(&table, deep), POL_UNKNOWN);
}

/* --- comparisons ------------------------------------------------------------------------------ */

static enum pol_truth of_values(
	struct pol_value left, enum pol_comparison comparison, struct pol_value right)
{
	return of_operands(value_operand(left), comparison, value_operand(right));
}

static enum pol_truth is(bool what)
{
	return what ? POL_TRUE : POL_FALSE;
}

Test(truth, is_compares_values_of_one_type)
{
	const struct pol_value pairs[][2] = { { string_of("a"), string_of("b") },
		{ string_of("a"), string_of("A") }, { string_of(""), string_of("a") },
		{ word_of("a"), word_of("b") },
		{ number_of(POL_TYPE_INT, 1), number_of(POL_TYPE_INT, 2) },
		{ number_of(POL_TYPE_INT, INT64_MIN), number_of(POL_TYPE_INT, INT64_MAX) },
		{ number_of(POL_TYPE_BOOL, 0), number_of(POL_TYPE_BOOL, 1) },
		{ number_of(POL_TYPE_TIME, 1), number_of(POL_TYPE_TIME, 2) },
		{ number_of(POL_TYPE_DURATION, 1), number_of(POL_TYPE_DURATION, 2) },
		{ address_of("10.0.0.1"), address_of("10.0.0.2") },
		{ address_of("::1"), address_of("::2") } };

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		cr_expect_eq(
			of_values(pairs[i][0], POL_COMPARE_IS, pairs[i][0]), POL_TRUE, "%zu", i);
		cr_expect_eq(
			of_values(pairs[i][1], POL_COMPARE_IS, pairs[i][1]), POL_TRUE, "%zu", i);
		cr_expect_eq(
			of_values(pairs[i][0], POL_COMPARE_IS, pairs[i][1]), POL_FALSE, "%zu", i);
		cr_expect_eq(
			of_values(pairs[i][1], POL_COMPARE_IS, pairs[i][0]), POL_FALSE, "%zu", i);
	}
	cr_expect_eq(
		of_values(address_of("10.0.0.1"), POL_COMPARE_IS, address_of("::ffff:10.0.0.1")),
		POL_TRUE);
}

Test(truth, less_orders_ints_times_and_durations)
{
	static const enum pol_type types[] = { POL_TYPE_INT, POL_TYPE_TIME, POL_TYPE_DURATION };
	static const int64_t numbers[] = { INT64_MIN, -1, 0, 1, INT64_MAX };

	for (size_t t = 0; t < 3; t++) {
		for (size_t a = 0; a < 5; a++) {
			for (size_t b = 0; b < 5; b++) {
				struct pol_value left = number_of(types[t], numbers[a]);
				struct pol_value right = number_of(types[t], numbers[b]);

				cr_expect_eq(of_values(left, POL_COMPARE_LESS, right), is(a < b));
				cr_expect_eq(of_values(left, POL_COMPARE_LESS_OR_EQUAL, right),
					is(a <= b));
			}
		}
	}
}

Test(truth, has_reads_the_members_of_a_set)
{
	static const char *const sets[] = { "", "a", "b", "c", "ab", "ac", "bc", "abc", "xyz",
		"acxz" };
	size_t count = sizeof sets / sizeof *sets;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			struct pol_value left = set_of(sets[i]);
			struct pol_value right = set_of(sets[k]);
			size_t in = 0;

			for (const char *c = sets[k]; *c != '\0'; c++) {
				char one[2] = { *c, '\0' };

				in += strchr(sets[i], *c) != NULL;
				cr_expect_eq(of_values(left, POL_COMPARE_HAS, string_of(one)),
					is(strchr(sets[i], *c) != NULL));
			}
			cr_expect_eq(of_values(left, POL_COMPARE_HAS_ANY, right), is(in > 0),
				"%s %s", sets[i], sets[k]);
			cr_expect_eq(of_values(left, POL_COMPARE_HAS_ALL, right),
				is(in == strlen(sets[k])), "%s %s", sets[i], sets[k]);
		}
	}
}

Test(truth, within_is_an_address_in_a_network)
{
	cr_expect_eq(
		of_values(address_of("10.1.2.3"), POL_COMPARE_WITHIN, network_of("10.0.0.0/8")),
		POL_TRUE);
	cr_expect_eq(
		of_values(address_of("11.1.2.3"), POL_COMPARE_WITHIN, network_of("10.0.0.0/8")),
		POL_FALSE);
	cr_expect_eq(of_values(address_of("10.1.2.3"), POL_COMPARE_WITHIN, network_of("::/0")),
		POL_FALSE);
}

/* One value of each type; the last is absent. */
static size_t samples(struct pol_value *out)
{
	const struct pol_value all[] = { string_of("a"), set_of("a"), number_of(POL_TYPE_INT, 1),
		number_of(POL_TYPE_BOOL, 1), number_of(POL_TYPE_TIME, 1),
		number_of(POL_TYPE_DURATION, 1), address_of("10.0.0.1"), word_of("a"),
		network_of("10.0.0.0/8"), { 0 } };

	memcpy(out, all, sizeof all);
	return sizeof all / sizeof *all;
}

static bool takes(enum pol_comparison comparison, enum pol_type left, enum pol_type right)
{
	switch (comparison) {
	case POL_COMPARE_TRUE:
		return left == POL_TYPE_BOOL;
	case POL_COMPARE_IS:
		return left == right && left != POL_TYPE_ABSENT && left != POL_TYPE_STRINGS &&
		       left != POL_TYPE_NETWORK;
	case POL_COMPARE_LESS:
	case POL_COMPARE_LESS_OR_EQUAL:
		return left == right &&
		       (left == POL_TYPE_INT || left == POL_TYPE_TIME || left == POL_TYPE_DURATION);
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

Test(truth, a_comparison_of_other_types_or_with_nothing_is_unknown)
{
	struct pol_value all[16];
	size_t count = samples(all);

	for (int c = POL_COMPARE_TRUE; c <= POL_COMPARE_WITHIN; c++) {
		enum pol_comparison comparison = (enum pol_comparison)c;

		for (size_t i = 0; i < count; i++) {
			for (size_t k = 0; k < count; k++) {
				bool known = takes(comparison, all[i].type, all[k].type);

				cr_expect_eq(of_values(all[i], comparison, all[k]) != POL_UNKNOWN,
					known, "%d of %d and %d", c, all[i].type, all[k].type);
			}
		}
	}
}

/* --- the table -------------------------------------------------------------------------------- */

Test(truth, a_predicate_is_evaluated_once)
{
	const struct pol_predicate *predicate = predicate_of(
		fact_operand(INT_A), POL_COMPARE_LESS, value_operand(number_of(POL_TYPE_INT, 5)));
	struct pol_given_fact item = { INT_A, number_of(POL_TYPE_INT, 1) };
	const struct pol_given given = { &item, 1 };

	facts.given = &given;
	cr_assert_eq(pol_truth_of_predicate(&table, predicate), POL_TRUE);
	item.value.number = 9;
	cr_assert_eq(pol_truth_of_predicate(&table, predicate), POL_TRUE, "it was remembered");
	pol_truth_begin(&table, &snapshot, &facts, (struct pol_str){ 0 }, NULL);
	cr_assert_eq(pol_truth_of_predicate(&table, predicate), POL_FALSE);
}

Test(truth, a_full_table_answers_as_an_empty_one)
{
	enum { MANY = 3 * POL_TRUTH_SLOTS };
	const struct pol_predicate *predicates[MANY];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			if (round == 0) {
				predicates[i] = predicate_of(
					value_operand(number_of(POL_TYPE_INT, i)), POL_COMPARE_LESS,
					value_operand(number_of(POL_TYPE_INT, MANY / 2)));
			}
			cr_assert_eq(
				pol_truth_of_predicate(&table, predicates[i]), is(i < MANY / 2));
		}
		cr_assert_eq(table.used, POL_TRUTH_SLOTS * 3 / 4);
	}
}

/* --- the steps of a decision ------------------------------------------------------------------ */

Test(truth, a_decision_visits_16384_parts_and_what_is_left_is_unknown)
{
	const struct pol_condition *yes = of_truth(POL_TRUE);
	const struct pol_condition *list[] = { yes, yes };
	struct pol_condition both = { .kind = POL_CONDITION_AND, .parts = list, .part_count = 2 };

	for (uint32_t i = 0; i < POL_TRUTH_STEPS; i++) {
		cr_assert_eq(pol_truth_of(&table, yes), POL_TRUE, "%u", i);
	}
	cr_expect_eq(pol_truth_of(&table, yes), POL_UNKNOWN);
	cr_expect_eq(pol_truth_of(&table, of_truth(POL_FALSE)), POL_UNKNOWN);
	for (uint32_t left = 0; left <= 3; left++) {
		table.steps = left;
		cr_expect_eq(pol_truth_of(&table, &both), left == 3 ? POL_TRUE : POL_UNKNOWN, "%u",
			left);
	}
}

Test(truth, members_of_two_sets_that_are_compared_are_steps)
{
	struct pol_operand five = value_operand(set_of("abcde")),
			   three = value_operand(set_of("abc"));
	uint32_t steps = 8 / POL_TRUTH_MEMBERS;

	table.steps = steps;
	cr_expect_eq(of_operands(five, POL_COMPARE_HAS_ALL, three), POL_TRUE);
	cr_expect_eq(table.steps, 0);
	table.steps = steps - 1;
	cr_expect_eq(of_operands(five, POL_COMPARE_HAS_ALL, three), POL_UNKNOWN);
	cr_expect_eq(table.steps, 0);
}

/* --- what is missing -------------------------------------------------------------------------- */

static bool misses(const struct pol_condition *condition, uint32_t fact)
{
	struct pol_fact_set set = { 0 };

	pol_truth_missing(&table, condition, &set);
	return (set.words[fact / 64] >> fact % 64 & 1) != 0;
}

static const struct pol_condition *same_text(void)
{
	return condition_of(
		predicate_of(fact_operand(TEXT_A), POL_COMPARE_IS, fact_operand(TEXT_B)), false);
}

Test(truth, missing_are_the_absent_facts_of_what_is_unknown)
{
	const struct pol_given_fact items[] = { { TEXT_B, string_of("x") } };
	const struct pol_given given = { items, 1 };
	const struct pol_condition *condition = same_text();

	cr_expect(misses(condition, TEXT_A));
	cr_expect(misses(condition, TEXT_B));
	pol_truth_begin(&table, &snapshot, &facts, (struct pol_str){ 0 }, NULL);
	facts.given = &given;
	cr_expect(misses(condition, TEXT_A));
	cr_expect_not(misses(condition, TEXT_B));
	/* Negated it is as unknown. */
	cr_expect(misses(condition_of(condition->predicate, true), TEXT_A));
}

Test(truth, a_part_that_changes_nothing_misses_nothing)
{
	const struct pol_condition *condition = same_text();
	const struct pol_condition *other = of_truth(POL_UNKNOWN); /* misses BOOL_A */
	const struct pol_condition *decided = both_of(POL_CONDITION_OR, other, of_truth(POL_TRUE));

	cr_expect_not(misses(both_of(POL_CONDITION_AND, condition, of_truth(POL_FALSE)), TEXT_A));
	cr_expect_not(misses(both_of(POL_CONDITION_OR, condition, of_truth(POL_TRUE)), TEXT_A));
	cr_expect(misses(both_of(POL_CONDITION_AND, condition, of_truth(POL_TRUE)), TEXT_A));
	cr_expect(misses(both_of(POL_CONDITION_OR, condition, of_truth(POL_FALSE)), TEXT_A));
	cr_expect(misses(both_of(POL_CONDITION_AND, condition, decided), TEXT_A));
	cr_expect_not(misses(both_of(POL_CONDITION_AND, condition, decided), BOOL_A));
	cr_expect(misses(both_of(POL_CONDITION_AND, condition, other), BOOL_A));
}
