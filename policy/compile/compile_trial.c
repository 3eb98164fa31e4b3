/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile_condition.h"
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

/* Facts and parameters of one condition, and the values that each is tried with. */
#define VARIABLES ((size_t)2 * POL_CONDITION_PREDICATES)
#define VALUES    512

/* A set is tried as each subset of at most this many strings. */
#define SET_STRINGS 8

struct variable {
	const struct pol_operand *operand;
	enum pol_type type;
	struct pol_value value; /* ABSENT: not yet tried */
};

struct trial {
	const struct pol_snapshot *snapshot;
	struct pol_arena *scratch;
	const struct pol_condition *condition;
	struct variable variables[VARIABLES];
	uint32_t variable_count;
	const struct pol_value *constants[VARIABLES]; /* values that the condition names */
	uint32_t constant_count;
	bool is_plain; /* each variable occurs once, in a comparison that depends on it */
	uint64_t tries;
};

/* --- what there is to try --------------------------------------------------------------------- */

static bool is_variable(const struct pol_operand *a, const struct pol_operand *b)
{
	return a->kind == b->kind && a->number == b->number;
}

static struct variable *find_variable(struct trial *trial, const struct pol_operand *operand)
{
	for (uint32_t i = 0; i < trial->variable_count; i++) {
		if (is_variable(trial->variables[i].operand, operand)) {
			return &trial->variables[i];
		}
	}
	return NULL;
}

static void add_operand(struct trial *trial, const struct pol_operand *operand)
{
	struct variable *made = &trial->variables[trial->variable_count];

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
static bool is_one_word_of_several(
	const struct trial *trial, const struct pol_operand *word, const struct pol_operand *fact)
{
	return word->kind == POL_OPERAND_VALUE && fact->kind == POL_OPERAND_FACT &&
	       trial->snapshot->facts[fact->number].word_count > 1;
}

static bool is_word(const struct trial *trial, const struct pol_operand *operand)
{
	return operand->kind == POL_OPERAND_VALUE
		       ? operand->value.type == POL_TYPE_WORD
		       : operand->kind == POL_OPERAND_FACT &&
				 trial->snapshot->facts[operand->number].type == POL_TYPE_WORD;
}

/* Do some values of its operands, if no two are the same fact or parameter, make it true, and
 * others false? False may also mean that only a trial shows it. */
static bool depends(const struct trial *trial, const struct pol_predicate *predicate)
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

static void add_condition(struct trial *trial, const struct pol_condition *condition)
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

static const struct pol_value *value_of(struct trial *trial, const struct pol_operand *operand)
{
	return operand->kind == POL_OPERAND_VALUE ? &operand->value
						  : &find_variable(trial, operand)->value;
}

static enum pol_truth truth_of(struct trial *trial, const struct pol_condition *condition)
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

/* --- values ----------------------------------------------------------------------------------- */

struct values {
	struct trial *trial;
	struct pol_value *items;
	size_t capacity;
	uint32_t count;
	bool too_many; /* or no memory */
};

static void add_new(struct values *values, struct pol_value value)
{
	if (values->count == values->capacity && values->count < VALUES) {
		struct pol_value *grown = pol_arena_grow(values->trial->scratch, values->items,
			values->count, values->count + 1, sizeof *grown, &values->capacity);

		values->items = grown != NULL ? grown : values->items;
	}
	if (values->too_many || values->count == VALUES || values->count == values->capacity) {
		values->too_many = true;
		return;
	}
	values->items[values->count++] = value;
}

static void add_value(struct values *values, struct pol_value value)
{
	for (uint32_t i = 0; i < values->count && !values->too_many; i++) {
		if (pol_value_compare(&values->items[i], &value) == 0) {
			return;
		}
	}
	add_new(values, value);
}

/* How many variables may be compared with this one: each may need a value of its own. */
static uint32_t count_alike(const struct trial *trial, enum pol_type type)
{
	bool text = type == POL_TYPE_STRING || type == POL_TYPE_STRINGS;
	uint32_t count = 0;

	for (uint32_t i = 0; i < trial->variable_count; i++) {
		enum pol_type other = trial->variables[i].type;

		count += other == type ||
			 (text && (other == POL_TYPE_STRING || other == POL_TYPE_STRINGS));
	}
	return count;
}

/* Numbers: the constants, and as many next to each as there are variables. */
static void add_numbers(struct values *values, enum pol_type type)
{
	const struct trial *trial = values->trial;
	int64_t alike = count_alike(trial, type);

	for (int64_t i = 0; i < alike; i++) {
		add_value(values, (struct pol_value){ .type = type, .number = i });
	}
	for (uint32_t c = 0; c < trial->constant_count; c++) {
		int64_t constant = trial->constants[c]->number;

		for (int64_t i = -alike; trial->constants[c]->type == type && i <= alike; i++) {
			if ((i < 0 && constant >= INT64_MIN - i) ||
				(i >= 0 && constant <= INT64_MAX - i)) {
				add_value(values,
					(struct pol_value){ .type = type, .number = constant + i });
			}
		}
	}
}

/* Text that is no constant: number i of it, made longer than every constant. */
static struct pol_str fresh(struct trial *trial, uint32_t i)
{
	size_t len = i + 1;
	char *text;

	for (uint32_t c = 0; c < trial->constant_count; c++) {
		const struct pol_value *constant = trial->constants[c];

		if (constant->type == POL_TYPE_STRING && constant->text.len + i + 1 > len) {
			len = constant->text.len + i + 1;
		}
	}
	text = pol_arena_alloc(trial->scratch, len, 1);
	if (text != NULL) {
		memset(text, 'x', len);
	}
	return (struct pol_str){ text, text != NULL ? len : 0 };
}

/* Strings: the constants, and one of its own for each variable. */
static void add_strings(struct values *values)
{
	struct trial *trial = values->trial;
	uint32_t alike = count_alike(trial, POL_TYPE_STRING);

	for (uint32_t c = 0; c < trial->constant_count; c++) {
		if (trial->constants[c]->type == POL_TYPE_STRING) {
			add_value(values, *trial->constants[c]);
		}
	}
	for (uint32_t i = 0; i < alike; i++) {
		add_value(values,
			(struct pol_value){ .type = POL_TYPE_STRING, .text = fresh(trial, i) });
	}
}

/* Sets: all subsets of those strings. */
static void add_sets(struct values *values)
{
	struct trial *trial = values->trial;
	struct values all = { .trial = trial };
	struct pol_str *items;

	add_strings(&all);
	if (all.count > SET_STRINGS || all.too_many) {
		values->too_many = true;
		return;
	}
	for (uint32_t bits = 0; bits < 1U << all.count; bits++) {
		struct pol_value set = { .type = POL_TYPE_STRINGS };
		uint32_t count = 0;

		items = pol_arena_alloc(trial->scratch, all.count, sizeof *items);
		if (items == NULL) {
			values->too_many = true;
			return;
		}
		for (uint32_t i = 0; i < all.count; i++) {
			if ((bits >> i & 1) != 0) {
				items[count++] = all.items[i].text;
			}
		}
		set.strings = (struct pol_strings){ items, pol_value_sort(items, count) };
		add_new(values, set);
	}
}

static void add_words(struct values *values, const struct variable *variable)
{
	const struct pol_declared_fact *fact =
		&values->trial->snapshot->facts[variable->operand->number];

	for (uint32_t i = 0; i < fact->word_count; i++) {
		add_value(values,
			(struct pol_value){ .type = POL_TYPE_WORD, .text = fact->words[i] });
	}
}

/* The address `steps` after that one; the last is followed by the first. */
static struct pol_value step(struct pol_value value, uint32_t steps)
{
	for (int i = (int)sizeof value.address.bytes - 1; i >= 0; i--) {
		steps += value.address.bytes[i];
		value.address.bytes[i] = (unsigned char)steps;
		steps >>= 8;
	}
	return value;
}

/* As many addresses as there are variables, from this one on. */
static void add_addresses_from(struct values *values, const unsigned char bytes[16])
{
	struct pol_value first = { .type = POL_TYPE_ADDRESS };
	uint32_t alike = count_alike(values->trial, POL_TYPE_ADDRESS);

	first.address.known = true;
	memcpy(first.address.bytes, bytes, sizeof first.address.bytes);
	for (uint32_t i = 0; i < alike; i++) {
		add_value(values, step(first, i));
	}
}

/* Addresses: what is in the same networks as its neighbour below need not be tried. So those where
 * a network begins, and those after its end. */
static void add_addresses(struct values *values)
{
	static const unsigned char first[16] = { 0 };
	static const unsigned char first4[16] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char after4[16] = { [9] = 1 };
	const struct trial *trial = values->trial;

	add_addresses_from(values, first);
	add_addresses_from(values, first4);
	add_addresses_from(values, after4);
	for (uint32_t c = 0; c < trial->constant_count; c++) {
		const struct pol_value *constant = trial->constants[c];
		struct pol_value last = { .type = POL_TYPE_ADDRESS };
		uint8_t bits = 128;

		if (constant->type == POL_TYPE_ADDRESS) {
			memcpy(last.address.bytes, constant->address.bytes, 16);
		} else if (constant->type == POL_TYPE_NETWORK) {
			memcpy(last.address.bytes, constant->network.bytes, 16);
			bits = constant->network.bits;
		} else {
			continue;
		}
		add_addresses_from(values, last.address.bytes);
		for (unsigned bit = bits; bit < 128; bit++) {
			last.address.bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
		}
		add_addresses_from(values, step(last, 1).address.bytes);
	}
}

/* The values of a variable, in scratch. False: there are too many, or no memory. */
static bool find_values(struct trial *trial, const struct variable *variable, struct values *out)
{
	*out = (struct values){ .trial = trial };
	switch (variable->type) {
	case POL_TYPE_STRING:
		add_strings(out);
		break;
	case POL_TYPE_STRINGS:
		add_sets(out);
		break;
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
		add_numbers(out, variable->type);
		break;
	case POL_TYPE_BOOL:
		add_value(out, (struct pol_value){ .type = POL_TYPE_BOOL, .number = 0 });
		add_value(out, (struct pol_value){ .type = POL_TYPE_BOOL, .number = 1 });
		break;
	case POL_TYPE_WORD:
		add_words(out, variable);
		break;
	case POL_TYPE_ADDRESS:
		add_addresses(out);
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_NETWORK:
		break;
	}
	return !out->too_many && trial->scratch->status == POL_OK;
}

/* The values of all variables. Those of one type have the same, except words. */
static bool find_all(struct trial *trial, struct values *out)
{
	for (uint32_t i = 0; i < trial->variable_count; i++) {
		enum pol_type type = trial->variables[i].type;
		uint32_t like = 0;

		while (trial->variables[like].type != type) {
			like++;
		}
		if (like < i && type != POL_TYPE_WORD) {
			out[i] = out[like];
		} else if (!find_values(trial, &trial->variables[i], &out[i])) {
			return false;
		}
	}
	return true;
}

/* --- the search ------------------------------------------------------------------------------- */

/* True: some values make the condition what is wanted, or there are too many tries. */
static bool search(struct trial *trial, const struct values *values, enum pol_truth wanted)
{
	uint32_t next[VARIABLES] = { 0 };
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

static void forget_values(struct trial *trial)
{
	for (uint32_t i = 0; i < trial->variable_count; i++) {
		trial->variables[i].value = (struct pol_value){ 0 };
	}
}

void pol_compile_trial(struct pol_compiler *compiler, const struct pol_condition *condition,
	bool *out_never_true, bool *out_never_false)
{
	/* Not all of them is set: they are large, and most conditions are short. */
	struct trial trial;
	struct values values[VARIABLES];
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
	if (find_all(&trial, values)) {
		*out_never_true = !search(&trial, values, POL_TRUE);
		forget_values(&trial);
		*out_never_false = !search(&trial, values, POL_FALSE);
		compiler->trials += trial.tries;
	}
	pol_arena_finish(&scratch);
}
