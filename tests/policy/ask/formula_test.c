/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/formula.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/snapshot/compiled.h"

/* Facts of one snapshot: bools, then strings without a default, then others. */
enum { BOOLS = 24, STRINGS = 8, NUMBER = BOOLS + STRINGS, LIMIT, SET, IP, PEER, FACTS };

static struct pol_declared_fact facts[FACTS];
static struct pol_snapshot snapshot = { .facts = facts, .fact_count = FACTS };
static struct pol_arena arena;
static const struct pol_formulas formulas = { .snapshot = &snapshot, .arena = &arena };

static void begin(void)
{
	static char names[FACTS][16];

	for (int i = 0; i < FACTS; i++) {
		snprintf(names[i], sizeof names[i], "resource.f%d", i);
		facts[i] = (struct pol_declared_fact){ .name = pol_str_of(names[i]),
			.space = POL_SPACE_RESOURCE,
			.type = i < BOOLS    ? POL_TYPE_BOOL
				: i < NUMBER ? POL_TYPE_STRING
				: i < SET    ? POL_TYPE_INT
				: i < IP     ? POL_TYPE_STRINGS
					     : POL_TYPE_ADDRESS };
	}
	facts[LIMIT].preset = (struct pol_value){ .type = POL_TYPE_INT, .number = 500 };
	pol_arena_init(&arena, 1 << 24);
}

static void end(void)
{
	pol_arena_finish(&arena);
}

TestSuite(formula, .init = begin, .fini = end);

static struct pol_operand fact(uint32_t number)
{
	return (struct pol_operand){ .kind = POL_OPERAND_FACT, .number = number };
}

static struct pol_operand segment(uint32_t number)
{
	return (struct pol_operand){ .kind = POL_OPERAND_SEGMENT, .number = number };
}

static struct pol_operand number(int64_t value)
{
	return (struct pol_operand){ .kind = POL_OPERAND_VALUE,
		.value = { .type = POL_TYPE_INT, .number = value } };
}

static struct pol_operand text(const char *value)
{
	return (struct pol_operand){ .kind = POL_OPERAND_VALUE,
		.value = { .type = POL_TYPE_STRING, .text = pol_str_of(value) } };
}

static const struct pol_formula *predicate(
	struct pol_operand left, enum pol_comparison comparison, struct pol_operand right)
{
	struct pol_predicate *out = pol_arena_alloc(&arena, 1, sizeof *out);
	const struct pol_condition condition = { .predicate = out };

	*out = (struct pol_predicate){ comparison, left, right };
	return pol_formula_of(&formulas, &condition, false);
}

static const struct pol_formula *not_predicate(
	struct pol_operand left, enum pol_comparison comparison, struct pol_operand right)
{
	const struct pol_predicate out = { comparison, left, right };
	const struct pol_condition condition = { .predicate = &out };

	return pol_formula_of(&formulas, &condition, true);
}

static const struct pol_formula *all_of(const struct pol_formula *a, const struct pol_formula *b)
{
	const struct pol_formula *parts[] = { a, b };

	return pol_formula_join(&arena, POL_FORMULA_AND, parts, 2);
}

static const struct pol_formula *any_of(const struct pol_formula *a, const struct pol_formula *b)
{
	const struct pol_formula *parts[] = { a, b };

	return pol_formula_join(&arena, POL_FORMULA_OR, parts, 2);
}

static enum pol_formula_difference compare(
	const struct pol_formula *before, const struct pol_formula *after)
{
	const struct pol_formula_side sides[2] = { { &snapshot, before }, { &snapshot, after } };
	enum pol_formula_difference out = POL_FORMULA_SAME;

	cr_assert_eq(pol_formula_compare(&sides[0], &sides[1], &out), POL_OK);
	return out;
}

static const struct pol_formula *flag(uint32_t number)
{
	return predicate(fact(number), POL_COMPARE_TRUE, (struct pol_operand){ 0 });
}

Test(formula, joining_flattens_drops_what_is_there_twice_and_puts_constants_in)
{
	const struct pol_formula *two = all_of(flag(0), flag(1));
	const struct pol_formula *three = all_of(two, flag(2));

	cr_expect_eq(three->kind, POL_FORMULA_AND);
	cr_expect_eq(three->part_count, 3u);
	cr_expect_eq(all_of(three, flag(1))->part_count, 3u);
	cr_expect_eq(any_of(flag(3), flag(3))->kind, POL_FORMULA_COMPARE);
	cr_expect_eq(all_of(two, pol_formula_never())->kind, POL_FORMULA_NEVER);
	cr_expect_eq(all_of(two, pol_formula_always())->part_count, 2u);
	cr_expect_eq(any_of(two, pol_formula_always())->kind, POL_FORMULA_ALWAYS);
	cr_expect_eq(any_of(pol_formula_never(), pol_formula_never())->kind, POL_FORMULA_NEVER);
	cr_expect_eq(pol_formula_join(&arena, POL_FORMULA_AND, NULL, 0)->kind, POL_FORMULA_ALWAYS);
	cr_expect_eq(pol_formula_join(&arena, POL_FORMULA_OR, NULL, 0)->kind, POL_FORMULA_NEVER);
	cr_expect_null(all_of(two, NULL));
}

Test(formula, a_default_is_spelled_out_and_the_negation_too)
{
	const struct pol_formula *low =
		predicate(fact(LIMIT), POL_COMPARE_LESS_OR_EQUAL, number(500));
	const struct pol_formula *high =
		predicate(fact(LIMIT), POL_COMPARE_LESS_OR_EQUAL, number(499));

	cr_assert_eq(low->kind, POL_FORMULA_OR);
	cr_expect_eq(low->parts[0]->kind, POL_FORMULA_COMPARE);
	cr_expect_eq(low->parts[1]->kind, POL_FORMULA_ABSENT);
	cr_expect_eq(low->parts[1]->fact, (uint32_t)LIMIT);
	cr_expect_eq(high->kind, POL_FORMULA_COMPARE);
	cr_expect_eq(
		not_predicate(fact(LIMIT), POL_COMPARE_LESS, number(500))->kind, POL_FORMULA_OR);
	cr_expect_eq(not_predicate(fact(NUMBER), POL_COMPARE_LESS, number(500))->kind,
		POL_FORMULA_COMPARE);
}

Test(formula, what_every_value_fulfils_asks_only_that_there_is_one)
{
	struct pol_operand none = { .kind = POL_OPERAND_VALUE,
		.value = { .type = POL_TYPE_STRINGS } };

	cr_expect_eq(predicate(fact(SET), POL_COMPARE_HAS_ALL, none)->kind, POL_FORMULA_PRESENT);
	cr_expect_eq(predicate(fact(SET), POL_COMPARE_HAS_ANY, none)->kind, POL_FORMULA_NEVER);
	cr_expect_eq(predicate(number(INT64_MIN), POL_COMPARE_LESS_OR_EQUAL, fact(NUMBER))->kind,
		POL_FORMULA_PRESENT);
	cr_expect_eq(predicate(fact(NUMBER), POL_COMPARE_LESS, number(INT64_MIN))->kind,
		POL_FORMULA_NEVER);
	cr_expect_eq(predicate(segment(0), POL_COMPARE_IS, segment(0))->kind, POL_FORMULA_ALWAYS);
	cr_expect_eq(
		predicate(fact(NUMBER), POL_COMPARE_IS, fact(NUMBER))->kind, POL_FORMULA_PRESENT);
}

Test(formula, a_comparison_is_of_what_is_allowed_and_not_of_its_text)
{
	const struct pol_formula *most =
		predicate(fact(NUMBER), POL_COMPARE_LESS_OR_EQUAL, number(500));
	const struct pol_formula *below = predicate(fact(NUMBER), POL_COMPARE_LESS, number(501));
	const struct pol_formula *more =
		predicate(fact(NUMBER), POL_COMPARE_LESS_OR_EQUAL, number(501));
	const struct pol_formula *none = predicate(fact(NUMBER), POL_COMPARE_LESS, number(0));
	const struct pol_formula *some = not_predicate(fact(NUMBER), POL_COMPARE_LESS, number(0));

	cr_expect_eq(compare(most, below), POL_FORMULA_SAME);
	cr_expect_eq(compare(most, more), POL_FORMULA_WIDER);
	cr_expect_eq(compare(more, most), POL_FORMULA_NARROWER);
	cr_expect_eq(compare(most, some), POL_FORMULA_BOTH);
	cr_expect_eq(compare(all_of(none, some), pol_formula_never()), POL_FORMULA_SAME);
	/* Without the fact neither holds. */
	cr_expect_eq(compare(any_of(none, some), pol_formula_always()), POL_FORMULA_WIDER);
	cr_expect_eq(compare(pol_formula_always(), pol_formula_never()), POL_FORMULA_NARROWER);
}

Test(formula, an_ill_typed_value_is_not_the_default)
{
	const struct pol_formula *low = predicate(fact(LIMIT), POL_COMPARE_LESS, number(9));
	const struct pol_formula *high = not_predicate(fact(LIMIT), POL_COMPARE_LESS, number(9));

	cr_expect_eq(compare(any_of(low, high), pol_formula_always()), POL_FORMULA_WIDER);
}

Test(formula, strings_and_segments_are_compared_with_values_that_no_constant_is)
{
	struct pol_operand a = fact(BOOLS), b = fact(BOOLS + 1), c = segment(1);
	const struct pol_formula *chain =
		all_of(predicate(a, POL_COMPARE_IS, b), predicate(b, POL_COMPARE_IS, c));
	const struct pol_formula *ends =
		all_of(predicate(a, POL_COMPARE_IS, c), predicate(b, POL_COMPARE_IS, c));

	cr_expect_eq(compare(chain, ends), POL_FORMULA_SAME);
	cr_expect_eq(compare(chain, predicate(a, POL_COMPARE_IS, c)), POL_FORMULA_WIDER);
	cr_expect_eq(compare(all_of(chain, predicate(a, POL_COMPARE_IS, text("x"))),
			     all_of(ends, predicate(c, POL_COMPARE_IS, text("x")))),
		POL_FORMULA_SAME);
}

Test(formula, two_addresses_of_a_network_may_differ)
{
	const struct pol_operand ten = { .kind = POL_OPERAND_VALUE,
		.value = { .type = POL_TYPE_NETWORK,
			.network = { { [10] = 0xff, [11] = 0xff, [12] = 10 }, 104 } } };
	const struct pol_formula *both = all_of(predicate(fact(IP), POL_COMPARE_WITHIN, ten),
		predicate(fact(PEER), POL_COMPARE_WITHIN, ten));
	const struct pol_formula *one = predicate(fact(IP), POL_COMPARE_IS, fact(PEER));

	cr_expect_eq(compare(all_of(both, one), both), POL_FORMULA_WIDER);
	cr_expect_eq(compare(both, one), POL_FORMULA_BOTH);
}

/* `f0 and f1 and …`, that many. */
static const struct pol_formula *flags(uint32_t count)
{
	const struct pol_formula *out = pol_formula_always();

	for (uint32_t i = 0; i < count; i++) {
		out = all_of(out, flag(i));
	}
	return out;
}

Test(formula, twenty_facts_are_decided_and_twenty_one_are_not)
{
	cr_expect_eq(compare(flags(20), flags(19)), POL_FORMULA_WIDER);
	cr_expect_eq(compare(flags(21), flags(20)), POL_FORMULA_MAY_BE_WIDER);
	cr_expect_eq(compare(flags(21), flags(21)), POL_FORMULA_SAME);
}

/* Each of the strings is the next one, and the last is the first. */
static const struct pol_formula *ring(uint32_t count)
{
	const struct pol_formula *out = pol_formula_always();

	for (uint32_t i = 0; i < count; i++) {
		out = all_of(out,
			predicate(fact(BOOLS + i), POL_COMPARE_IS, fact(BOOLS + (i + 1) % count)));
	}
	return out;
}

Test(formula, six_strings_compared_with_each_other_are_decided_and_seven_are_not)
{
	cr_expect_eq(compare(ring(6), flag(0)), POL_FORMULA_BOTH);
	cr_expect_eq(compare(ring(7), flag(0)), POL_FORMULA_MAY_BE_WIDER);
}

Test(formula, the_cost_is_a_count_of_combinations)
{
	const struct pol_formula_side sides[2] = { { &snapshot, flags(2) },
		{ &snapshot, flags(3) } };
	enum pol_formula_difference out;
	uint64_t cost = 0;

	cr_assert_eq(
		pol_formula_compare_counted(&sides[0], &sides[1], UINT64_MAX, &cost, &out), POL_OK);
	/* Three values of each fact, absence included, and then true or not of each. */
	cr_expect_eq(cost, 3u * 3 + 8);
}

static enum pol_formula_difference compare_within(uint64_t most, uint64_t *cost)
{
	const struct pol_formula_side sides[2] = { { &snapshot, flags(2) },
		{ &snapshot, flags(3) } };
	enum pol_formula_difference out;

	cr_assert_eq(pol_formula_compare_counted(&sides[0], &sides[1], most, cost, &out), POL_OK);
	return out;
}

Test(formula, a_comparison_that_costs_more_than_it_may_is_not_made)
{
	uint64_t cost = 0;

	cr_expect_eq(compare_within(17, &cost), POL_FORMULA_NARROWER);
	cr_expect_eq(cost, 17u);
	cr_expect_eq(compare_within(16, &cost), POL_FORMULA_MAY_BE_WIDER);
	cr_expect_eq(compare_within(8, &cost), POL_FORMULA_MAY_BE_WIDER);
	cr_expect_eq(cost, 1u);
}

/* `limit is 0 or limit is 1 or …`, that many. */
static const struct pol_formula *one_of(int count)
{
	const struct pol_formula *out = pol_formula_never();

	for (int i = 0; i < count; i++) {
		const struct pol_formula *both[] = { out,
			predicate(fact(LIMIT), POL_COMPARE_IS, number(i)) };

		out = pol_formula_join(&arena, POL_FORMULA_OR, both, 2);
	}
	return out;
}

Test(formula, a_combination_of_many_comparisons_counts_more_than_once)
{
	uint64_t costs[2];

	for (int i = 0; i < 2; i++) {
		int count = POL_FORMULA_LITERALS - 1 + i;
		const struct pol_formula_side sides[2] = { { &snapshot, one_of(count) },
			{ &snapshot, pol_formula_never() } };
		enum pol_formula_difference out;

		cr_assert_eq(pol_formula_compare_counted(
				     &sides[0], &sides[1], UINT64_MAX, &costs[i], &out),
			POL_OK);
		cr_expect_eq(out, POL_FORMULA_NARROWER);
	}
	cr_expect_gt(costs[1], 2 * costs[0]);
	cr_expect_lt(costs[1], 3 * costs[0]);
}

/* The set has that number of texts. */
static const struct pol_formula *has_all(int count)
{
	static char texts[32][16];
	const struct pol_formula *out = pol_formula_always();

	for (int i = 0; i < count; i++) {
		snprintf(texts[i], sizeof texts[i], "t%d", i);
		out = all_of(out, predicate(fact(SET), POL_COMPARE_HAS, text(texts[i])));
	}
	return out;
}

Test(formula, sets_of_nineteen_members_are_decided_and_of_twenty_are_not)
{
	cr_expect_eq(compare(has_all(19), has_all(18)), POL_FORMULA_WIDER);
	cr_expect_eq(compare(has_all(20), has_all(19)), POL_FORMULA_MAY_BE_WIDER);
}

Test(formula, without_memory_there_is_no_formula)
{
	const struct pol_predicate low = { POL_COMPARE_LESS, fact(LIMIT), number(500) };
	const struct pol_predicate one = { POL_COMPARE_IS, fact(NUMBER), fact(LIMIT) };
	const struct pol_condition parts[] = { { .predicate = &low }, { .predicate = &one } };
	const struct pol_condition *const both[] = { &parts[0], &parts[1] };
	const struct pol_condition all = {
		.kind = POL_CONDITION_AND, .parts = both, .part_count = 2
	};
	const struct pol_formula *formula = NULL;
	unsigned failures = 0;

	for (size_t limit = 0; formula == NULL; limit += 16) {
		struct pol_arena small;
		const struct pol_formulas tight = { .snapshot = &snapshot, .arena = &small };

		pol_arena_init(&small, limit);
		formula = pol_formula_of(&tight, &all, false);
		failures += formula == NULL;
		pol_arena_finish(&small);
	}
	cr_expect_gt(failures, 10u);
}
