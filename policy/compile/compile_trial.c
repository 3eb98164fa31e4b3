/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile_trial.h"
#include "policy/decide/truth.h"

/*
 * Whether a condition can be true, and whether it can be false: a search in depth. The facts and
 * parameters get values one after the other, those that the constants of the condition distinguish;
 * the others are unknown meanwhile. What is true or false with some of them unknown stays so
 * whatever they are: the search does not go deeper there, and its result is exact all the same.
 *
 * Where no fact and no parameter occurs twice, the comparisons depend on nothing in common: each
 * may be true or false whatever the others are, and no trial is needed.
 */

/* Tries for one condition, and for all of a policy. Past them a condition counts as depending on
 * its facts. */
#define TRIALS     4096
#define TRIALS_ALL ((uint64_t)4 << 20)

/* The most memory for one condition. */
#define SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

/* --- what there is to try --------------------------------------------------------------------- */

static bool is_variable(const struct pol_operand *a, const struct pol_operand *b)
{
	return a->kind == b->kind && a->number == b->number;
}

static struct pol_trial_variable *find_variable(
	struct pol_trial *trial, const struct pol_operand *operand)
{
	for (uint32_t i = 0; i < trial->variable_count; i++) {
		if (is_variable(trial->variables[i].operand, operand)) {
			return &trial->variables[i];
		}
	}
	return NULL;
}

static void add_operand(struct pol_trial *trial, const struct pol_operand *operand)
{
	struct pol_trial_variable *made = &trial->variables[trial->variable_count];

	if (operand->kind == POL_OPERAND_VALUE) {
		trial->constants[trial->constant_count++] = &operand->value;
	} else if (find_variable(trial, operand) == NULL) {
		made->operand = operand;
		made->type = operand->kind == POL_OPERAND_SEGMENT
				     ? POL_TYPE_STRING
				     : trial->snapshot->facts[operand->number].type;
		made->value = (struct pol_value){ 0 };
		trial->variable_count++;
	} else {
		trial->is_plain = false;
	}
}

static bool is_least_or_most(const struct pol_operand *operand)
{
	return operand->kind == POL_OPERAND_VALUE &&
	       (operand->value.number == INT64_MIN || operand->value.number == INT64_MAX);
}

/* A word, and a fact that may be another one? */
static bool is_one_word_of_several(const struct pol_trial *trial, const struct pol_operand *word,
	const struct pol_operand *fact)
{
	return word->kind == POL_OPERAND_VALUE && fact->kind == POL_OPERAND_FACT &&
	       trial->snapshot->facts[fact->number].word_count > 1;
}

static bool is_word(const struct pol_trial *trial, const struct pol_operand *operand)
{
	return operand->kind == POL_OPERAND_VALUE
		       ? operand->value.type == POL_TYPE_WORD
		       : operand->kind == POL_OPERAND_FACT &&
				 trial->snapshot->facts[operand->number].type == POL_TYPE_WORD;
}

/* Do some values of its operands, if no two are the same fact or parameter, make it true, and
 * others false? False may also mean that only a trial shows it. */
static bool depends(const struct pol_trial *trial, const struct pol_predicate *predicate)
{
	const struct pol_operand *left = &predicate->left, *right = &predicate->right;

	switch (predicate->comparison) {
	case POL_COMPARE_TRUE:
	case POL_COMPARE_HAS:
		return true;
	case POL_COMPARE_IS:
		return !is_word(trial, left) || is_one_word_of_several(trial, left, right) ||
		       is_one_word_of_several(trial, right, left);
	case POL_COMPARE_LESS:
	case POL_COMPARE_LESS_OR_EQUAL:
		return !is_least_or_most(left) && !is_least_or_most(right);
	case POL_COMPARE_HAS_ANY:
	case POL_COMPARE_HAS_ALL:
	case POL_COMPARE_WITHIN:
		break;
	}
	return false;
}

static void add_condition(struct pol_trial *trial, const struct pol_condition *condition)
{
	for (uint32_t i = 0; i < condition->part_count; i++) {
		add_condition(trial, condition->parts[i]);
	}
	if (condition->kind == POL_CONDITION_PREDICATE) {
		add_operand(trial, &condition->predicate->left);
		if (condition->predicate->comparison != POL_COMPARE_TRUE) {
			add_operand(trial, &condition->predicate->right);
		}
		trial->is_plain = trial->is_plain && depends(trial, condition->predicate);
	}
}

/* --- truth ------------------------------------------------------------------------------------ */

static const struct pol_value *value_of(struct pol_trial *trial, const struct pol_operand *operand)
{
	return operand->kind == POL_OPERAND_VALUE ? &operand->value
						  : &find_variable(trial, operand)->value;
}

static enum pol_truth truth_of(struct pol_trial *trial, const struct pol_condition *condition)
{
	bool and = condition->kind == POL_CONDITION_AND;
	enum pol_truth truth = and? POL_TRUE : POL_FALSE;

	if (condition->kind == POL_CONDITION_PREDICATE) {
		const struct pol_predicate *predicate = condition->predicate;
		const struct pol_value *left = value_of(trial, &predicate->left);
		const struct pol_value *right = predicate->comparison == POL_COMPARE_TRUE
							? left
							: value_of(trial, &predicate->right);

		if (left->type == POL_TYPE_ABSENT || right->type == POL_TYPE_ABSENT) {
			return POL_UNKNOWN;
		}
		return pol_condition_compare(predicate->comparison, left, right) !=
				       condition->negated
			       ? POL_TRUE
			       : POL_FALSE;
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		enum pol_truth part = truth_of(trial, condition->parts[i]);

		truth = (and? part < truth : part > truth) ? part : truth;
	}
	return truth;
}

/* --- the search ------------------------------------------------------------------------------- */

/* True: some values make the condition what is wanted, or there are too many tries. */
static bool search(
	struct pol_trial *trial, const struct pol_trial_values *values, enum pol_truth wanted)
{
	uint32_t next[POL_TRIAL_VARIABLES] = { 0 };
	uint32_t depth = 0;

	for (uint32_t tries = 0; tries < TRIALS; tries++) {
		enum pol_truth truth = truth_of(trial, trial->condition);

		trial->tries++;
		if (truth == wanted) {
			return true;
		}
		/* Decided the other way: the next value of the variable before. */
		depth += truth == POL_UNKNOWN;
		while (depth > 0 && next[depth - 1] == values[depth - 1].count) {
			next[depth - 1] = 0;
			trial->variables[depth - 1].value = (struct pol_value){ 0 };
			depth--;
		}
		if (depth == 0) {
			return false;
		}
		trial->variables[depth - 1].value = values[depth - 1].items[next[depth - 1]++];
	}
	return true;
}

static void forget_values(struct pol_trial *trial)
{
	for (uint32_t i = 0; i < trial->variable_count; i++) {
		trial->variables[i].value = (struct pol_value){ 0 };
	}
}

void pol_compile_trial(struct pol_compiler *compiler, const struct pol_condition *condition,
	bool *out_never_true, bool *out_never_false)
{
	/* Not all of them is set: they are large, and most conditions are short. */
	struct pol_trial trial;
	struct pol_trial_values values[POL_TRIAL_VARIABLES];
	struct pol_arena scratch;

	*out_never_true = *out_never_false = false;
	if (compiler->trials > TRIALS_ALL) {
		return;
	}
	trial.snapshot = compiler->snapshot;
	trial.scratch = &scratch;
	trial.condition = condition;
	trial.variable_count = 0;
	trial.constant_count = 0;
	trial.tries = 0;
	trial.is_plain = true;
	add_condition(&trial, condition);
	if (trial.is_plain) {
		return;
	}
	pol_arena_init(&scratch, SCRATCH_LIMIT);
	if (pol_compile_trial_values(&trial, values)) {
		*out_never_true = !search(&trial, values, POL_TRUE);
		forget_values(&trial);
		*out_never_false = !search(&trial, values, POL_FALSE);
		compiler->trials += trial.tries;
	}
	pol_arena_finish(&scratch);
}
