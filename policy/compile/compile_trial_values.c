/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile_trial.h"

/* The most values that a fact or parameter is tried with. */
#define VALUES 512

/* A set is tried as each subset of at most this many strings. */
#define SET_STRINGS 8

static void add_new(struct pol_trial_values *values, struct pol_value value)
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

static void add_value(struct pol_trial_values *values, struct pol_value value)
{
	for (uint32_t i = 0; i < values->count && !values->too_many; i++) {
		if (pol_value_compare(&values->items[i], &value) == 0) {
			return;
		}
	}
	add_new(values, value);
}

/* How many variables may be compared with this one: each may need a value of its own. */
static uint32_t count_alike(const struct pol_trial *trial, enum pol_type type)
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
static void add_numbers(struct pol_trial_values *values, enum pol_type type)
{
	const struct pol_trial *trial = values->trial;
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

/* Text that is not a constant: number i of it, made longer than every constant. */
static struct pol_str fresh(struct pol_trial *trial, uint32_t i)
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
static void add_strings(struct pol_trial_values *values)
{
	struct pol_trial *trial = values->trial;
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
static void add_sets(struct pol_trial_values *values)
{
	struct pol_trial *trial = values->trial;
	struct pol_trial_values all = { .trial = trial };
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

static void add_words(struct pol_trial_values *values, const struct pol_trial_variable *variable)
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
static void add_addresses_from(struct pol_trial_values *values, const unsigned char bytes[16])
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
static void add_addresses(struct pol_trial_values *values)
{
	static const unsigned char first[16] = { 0 };
	static const unsigned char first4[16] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char after4[16] = { [9] = 1 };
	const struct pol_trial *trial = values->trial;

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
static bool find_values(struct pol_trial *trial, const struct pol_trial_variable *variable,
	struct pol_trial_values *out)
{
	*out = (struct pol_trial_values){ .trial = trial };
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

/* Those of one type have the same, except words. */
bool pol_compile_trial_values(struct pol_trial *trial, struct pol_trial_values *out)
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
