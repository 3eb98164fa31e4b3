/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/formula.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/often.h"
#include "tests/policy/ask/random_condition.h"

/*
 * Random conditions over few facts, whose values are all tried: a formula is true exactly where its
 * condition is, or is false; and a comparison of two formulas says exactly how they differ.
 */

#define CONDITIONS OFTEN(4000)
#define PAIRS      OFTEN(4000)
#define CASES      UINT64_C(60000) /* of one pair; with more, as many at random */
#define MANY       2000            /* cases that are tried for facts with many values */

/* The facts of one trial; each stands once. */
struct trial {
	uint32_t facts[3];
	uint32_t count;
	struct truth_case so;
	uint64_t cases;
};

static void pick_facts(struct dice *dice, struct trial *trial)
{
	uint32_t most = 1 + roll(dice, 3);

	trial->count = 0;
	trial->cases = 1;
	for (uint32_t i = 0; i < most; i++) {
		/* Often of types that are compared with each other. */
		uint32_t near = trial->count > 0 ? trial->facts[0] ^ 1U : 0;
		uint32_t fact = trial->count > 0 && roll(dice, 2) == 0
					? near
					: roll(dice, FACTS_AND_SEGMENTS);
		bool is_new = true;

		for (uint32_t k = 0; k < trial->count; k++) {
			is_new = is_new && trial->facts[k] != fact;
		}
		if (is_new) {
			trial->facts[trial->count++] = fact;
			trial->cases *= random_condition_values(fact);
		}
	}
}

/* Sets the case of that number. */
static void set_case(struct trial *trial, uint64_t number)
{
	for (uint32_t i = 0; i < trial->count; i++) {
		uint32_t values = random_condition_values(trial->facts[i]);

		trial->so.facts[trial->facts[i]] =
			random_condition_value(trial->facts[i], (uint32_t)(number % values));
		number /= values;
	}
}

/* --- formulas --------------------------------------------------------------------------------- */

struct told {
	const struct trial *trial;
	bool facts[FACTS_AND_SEGMENTS]; /* what is known while the formula is made */
	bool second;
};

static struct pol_knowledge tell_fact(const struct pol_knowing *knowing, uint32_t fact)
{
	const struct told *told = knowing->context;
	uint32_t number = random_condition_number(told->second, fact);
	struct pol_knowledge knowledge = told->trial->so.facts[number];
	const struct pol_declared_fact *declared =
		&random_condition_facts(told->second)->facts[fact];

	if (!told->facts[number]) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	/* A word that is not declared is no value of the fact. */
	for (uint32_t i = 0; knowledge.kind == POL_KNOWN_VALUE && declared->type == POL_TYPE_WORD;
		i++) {
		if (i == declared->word_count) {
			knowledge.kind = POL_KNOWN_UNKNOWN;
		} else if (pol_str_equal(declared->words[i], knowledge.value.text)) {
			break;
		}
	}
	return knowledge;
}

static struct pol_knowledge tell_segment(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct told *told = knowing->context;

	if (!told->facts[FACTS + segment]) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	return told->trial->so.facts[FACTS + segment];
}

static void tell_some(struct dice *dice, struct told *told)
{
	for (uint32_t i = 0; i < FACTS_AND_SEGMENTS; i++) {
		told->facts[i] = roll(dice, 3) == 0;
	}
}

static void check_shape(const struct pol_formula *formula, enum pol_formula_kind above)
{
	bool joins = formula->kind == POL_FORMULA_AND || formula->kind == POL_FORMULA_OR;
	bool constant = formula->kind == POL_FORMULA_ALWAYS || formula->kind == POL_FORMULA_NEVER;

	cr_assert(above == POL_FORMULA_NEVER || (formula->kind != above && !constant));
	cr_assert(!joins || formula->part_count >= 2);
	for (uint32_t i = 0; i < formula->part_count; i++) {
		check_shape(formula->parts[i], formula->kind);
	}
}

Test(formula_random, a_formula_is_true_exactly_where_its_condition_is)
{
	struct dice dice = { 1 };

	for (int n = 0; n < CONDITIONS; n++) {
		struct trial trial = { .count = 0 };
		struct told told = { .trial = &trial, .second = roll(&dice, 2) == 0 };
		const struct pol_knowing knowing = {
			.fact = tell_fact, .segment = tell_segment, .context = &told
		};
		struct pol_arena arena;
		struct pol_formulas formulas = { random_condition_facts(told.second), &arena,
			&knowing };
		const struct pol_condition *condition;

		pol_arena_init(&arena, 1 << 24);
		pick_facts(&dice, &trial);
		condition =
			random_condition(&arena, &dice, trial.facts, trial.count, 8, told.second);
		for (int i = 0; i < 20; i++) {
			const struct pol_formula *yes, *no;
			int truth;

			set_case(&trial,
				((uint64_t)roll(&dice, 1U << 30) << 30) ^ roll(&dice, 1U << 30));
			tell_some(&dice, &told);
			yes = pol_formula_of(&formulas, condition, false);
			no = pol_formula_of(&formulas, condition, true);
			check_shape(yes, POL_FORMULA_NEVER);
			check_shape(no, POL_FORMULA_NEVER);
			truth = random_condition_truth(condition, &trial.so, told.second);
			cr_assert_eq(random_condition_holds(yes, &trial.so, told.second),
				truth == 1, "condition %d, case %d", n, i);
			cr_assert_eq(random_condition_holds(no, &trial.so, told.second), truth == 0,
				"condition %d, case %d", n, i);
		}
		pol_arena_finish(&arena);
	}
}

/* --- comparisons ------------------------------------------------------------------------------ */

struct pair {
	struct pol_formula_side sides[2];
	bool second[2];
};

static enum pol_formula_difference compare_all(
	struct dice *dice, const struct pair *pair, struct trial *trial, uint64_t cases)
{
	bool wider = false, narrower = false;

	for (uint64_t i = 0; i < cases && !(wider && narrower); i++) {
		bool holds[2];

		set_case(trial, cases == trial->cases ? i
						      : ((uint64_t)roll(dice, 1U << 30) << 30) ^
								roll(dice, 1U << 30));
		for (int side = 0; side < 2; side++) {
			holds[side] = random_condition_holds(
				pair->sides[side].formula, &trial->so, pair->second[side]);
		}
		wider = wider || (holds[1] && !holds[0]);
		narrower = narrower || (holds[0] && !holds[1]);
	}
	return wider && narrower ? POL_FORMULA_BOTH
	       : wider           ? POL_FORMULA_WIDER
	       : narrower        ? POL_FORMULA_NARROWER
				 : POL_FORMULA_SAME;
}

/* Is what was seen a part of what was said? */
static bool agrees(enum pol_formula_difference said, enum pol_formula_difference seen)
{
	return said == seen || seen == POL_FORMULA_SAME || said == POL_FORMULA_BOTH ||
	       said == POL_FORMULA_MAY_BE_WIDER;
}

static void make_pair(
	struct dice *dice, struct pol_arena *arena, const struct trial *trial, struct pair *out)
{
	bool two = roll(dice, 3) == 0;

	for (int side = 0; side < 2; side++) {
		bool second = two && side == 1;
		const struct pol_formulas formulas = { random_condition_facts(second), arena,
			NULL };
		const struct pol_condition *condition = random_condition(
			arena, dice, trial->facts, trial->count, 1 + roll(dice, 6), second);
		const struct pol_formula *formula =
			pol_formula_of(&formulas, condition, roll(dice, 4) == 0);

		/* Often the second differs from the first a little only. */
		if (side == 1 && !two && roll(dice, 2) == 0) {
			const struct pol_formula *parts[] = { out->sides[0].formula, formula };

			formula = pol_formula_join(arena,
				roll(dice, 2) == 0 ? POL_FORMULA_AND : POL_FORMULA_OR, parts, 2);
		}
		out->second[side] = second;
		out->sides[side] = (struct pol_formula_side){ formulas.snapshot, formula };
	}
}

Test(formula_random, a_comparison_says_exactly_how_all_cases_differ)
{
	struct dice dice = { 2 };
	unsigned exact = 0, said_of[POL_FORMULA_MAY_BE_WIDER + 1] = { 0 };

	for (int n = 0; n < PAIRS; n++) {
		struct trial trial = { .count = 0 };
		struct pair pair;
		struct pol_arena arena;
		enum pol_formula_difference said, seen;
		bool all;

		pol_arena_init(&arena, 1 << 24);
		pick_facts(&dice, &trial);
		make_pair(&dice, &arena, &trial, &pair);
		cr_assert_eq(pol_formula_compare(&pair.sides[0], &pair.sides[1], &said), POL_OK);
		all = trial.cases <= CASES;
		seen = compare_all(&dice, &pair, &trial, all ? trial.cases : MANY);
		cr_assert(agrees(said, seen), "pair %d: said %d, seen %d", n, said, seen);
		cr_assert(!all || said == seen || said == POL_FORMULA_MAY_BE_WIDER,
			"pair %d: said %d, is %d", n, said, seen);
		exact += all && said == seen;
		said_of[said]++;
		pol_arena_finish(&arena);
	}
	cr_assert_gt(exact, PAIRS / 2);
	for (int i = 0; i < POL_FORMULA_MAY_BE_WIDER; i++) {
		cr_assert_gt(said_of[i], PAIRS / 100, "%d", i);
	}
}
