/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/random_condition.h"

#include <criterion/criterion.h>
#include <string.h>

/* --- declarations ----------------------------------------------------------------------------- */

static const struct pol_str states[] = { POL_STR_INIT("draft"), POL_STR_INIT("active"),
	POL_STR_INIT("archived") };
static const struct pol_str states_after[] = { POL_STR_INIT("frozen"), POL_STR_INIT("active"),
	POL_STR_INIT("draft") };
static const struct pol_str one_tag[] = { POL_STR_INIT("a") };

#define DECLARE(fact, of, ...)                                                                     \
	{                                                                                          \
		.name = POL_STR_INIT(fact), .type = (of), .space = POL_SPACE_RESOURCE, __VA_ARGS__ \
	}
#define TEXT(of, literal)  .preset = { .type = (of), .text = POL_STR_INIT(literal) }
#define NUMBER(of, number) .preset = { .type = (of), { .number = (number) } }
#define WORDS(list)        .words = (list), .word_count = 3

static struct pol_declared_fact before[FACTS] = {
	DECLARE("resource.int", POL_TYPE_INT, .is_used = true),
	DECLARE("resource.limit", POL_TYPE_INT, .preset = { .type = POL_TYPE_INT, .number = 2 }),
	DECLARE("resource.string", POL_TYPE_STRING, .is_used = true),
	DECLARE("resource.owner", POL_TYPE_STRING, TEXT(POL_TYPE_STRING, "a")),
	DECLARE("resource.set", POL_TYPE_STRINGS, .is_used = true),
	DECLARE("resource.tags", POL_TYPE_STRINGS,
		.preset = { .type = POL_TYPE_STRINGS, .strings = { one_tag, 1 } }),
	DECLARE("resource.bool", POL_TYPE_BOOL, .is_used = true),
	DECLARE("resource.flag", POL_TYPE_BOOL, .preset = { .type = POL_TYPE_BOOL, .number = 0 }),
	DECLARE("resource.word", POL_TYPE_WORD, WORDS(states)),
	DECLARE("resource.state", POL_TYPE_WORD, WORDS(states), TEXT(POL_TYPE_WORD, "active")),
	DECLARE("resource.ip", POL_TYPE_ADDRESS, .is_used = true),
	DECLARE("resource.peer", POL_TYPE_ADDRESS,
		.preset = { .type = POL_TYPE_ADDRESS,
			.address = { true, { [10] = 0xff, [11] = 0xff, [12] = 10 } } }),
	DECLARE("resource.time", POL_TYPE_TIME, .is_used = true),
	DECLARE("resource.since", POL_TYPE_TIME, .preset = { .type = POL_TYPE_TIME, .number = 3 }),
};

/* In the second the numbers of the facts are reversed. */
static struct pol_declared_fact after[FACTS];
static struct pol_snapshot snapshots[2];

uint32_t random_condition_number(bool second, uint32_t fact)
{
	return second ? FACTS - 1 - fact : fact;
}

const struct pol_snapshot *random_condition_facts(bool second)
{
	for (uint32_t i = 0; i < FACTS; i++) {
		after[FACTS - 1 - i] = before[i];
	}
	after[FACTS - 1 - FACT_INT].preset =
		(struct pol_value){ .type = POL_TYPE_INT, .number = 1 };
	after[FACTS - 1 - FACT_LIMIT].preset = (struct pol_value){ .type = POL_TYPE_ABSENT };
	after[FACTS - 1 - FACT_OWNER].preset.text = POL_STR("b");
	after[FACTS - 1 - FACT_WORD].words = states_after;
	snapshots[0].facts = before;
	snapshots[1].facts = after;
	snapshots[0].fact_count = snapshots[1].fact_count = FACTS;
	return &snapshots[second];
}

/* --- values ----------------------------------------------------------------------------------- */

/* The constants are the first two; the others are values that no constant is. */
static const struct pol_str texts[] = { POL_STR_INIT("a"), POL_STR_INIT("b"), POL_STR_INIT("v"),
	POL_STR_INIT("w"), POL_STR_INIT("x"), POL_STR_INIT("y") };
#define TEXTS 6
/* Constants are 1 and 3, and the ends of the range. */
static const int64_t numbers[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, 2, 3, 4, 5, INT64_MAX - 1,
	INT64_MAX };
#define NUMBERS (sizeof numbers / sizeof numbers[0])

#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		true,                                                                              \
		{                                                                                  \
			[10] = 0xff, [11] = 0xff, (a), (b), (c), (d)                               \
		}                                                                                  \
	}
static const struct pol_ip addresses[] = { V4(10, 0, 0, 0), V4(10, 0, 0, 1), V4(10, 1, 0, 0),
	V4(10, 1, 0, 1), V4(10, 1, 0, 2), V4(10, 2, 0, 0), V4(10, 3, 0, 0), V4(11, 0, 0, 0),
	V4(12, 0, 0, 0), { true, { 0 } }, { true, { [15] = 1 } }, { true, { 0x20, 1 } },
	{ true, { 0x20, 1, 1 } } };
#define ADDRESSES (sizeof addresses / sizeof addresses[0])
static const struct pol_network networks[] = {
	{ { [10] = 0xff, [11] = 0xff, [12] = 10 }, 104 },
	{ { [10] = 0xff, [11] = 0xff, [12] = 10, [13] = 1 }, 112 },
	{ { 0 }, 0 },
	{ { 0x20, 1 }, 16 },
};

/* Every subset of the texts. */
static struct pol_str subset_items[1 << TEXTS][TEXTS];

static struct pol_value subset(uint32_t bits)
{
	struct pol_value value = { .type = POL_TYPE_STRINGS };

	for (uint32_t i = 0; i < TEXTS; i++) {
		if ((bits >> i & 1) != 0) {
			subset_items[bits][value.strings.count++] = texts[i];
		}
	}
	value.strings.items = subset_items[bits];
	return value;
}

static enum pol_type type_of(uint32_t fact)
{
	return fact < FACTS ? before[fact].type : POL_TYPE_STRING;
}

static const struct pol_str all_states[] = { POL_STR_INIT("draft"), POL_STR_INIT("active"),
	POL_STR_INIT("archived"), POL_STR_INIT("frozen") };

static uint32_t count_values(uint32_t fact)
{
	switch (type_of(fact)) {
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
		return NUMBERS;
	case POL_TYPE_STRING:
		return TEXTS;
	case POL_TYPE_STRINGS:
		return 1 << TEXTS;
	case POL_TYPE_WORD:
		return fact == FACT_WORD ? 4 : 3;
	case POL_TYPE_ADDRESS:
		return ADDRESSES;
	case POL_TYPE_ABSENT:
	case POL_TYPE_BOOL:
	case POL_TYPE_DURATION:
	case POL_TYPE_NETWORK:
		break;
	}
	return 2;
}

static struct pol_value value_at(uint32_t fact, uint32_t number)
{
	struct pol_value value = { .type = type_of(fact) };

	switch (value.type) {
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
		value.number = numbers[number];
		break;
	case POL_TYPE_STRING:
		value.text = texts[number];
		break;
	case POL_TYPE_STRINGS:
		return subset(number);
	case POL_TYPE_WORD:
		value.text = all_states[number];
		break;
	case POL_TYPE_ADDRESS:
		value.address = addresses[number];
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_BOOL:
	case POL_TYPE_DURATION:
	case POL_TYPE_NETWORK:
		value.number = number;
		break;
	}
	return value;
}

uint32_t random_condition_values(uint32_t fact)
{
	return count_values(fact) + (fact < FACTS ? 2 : 0);
}

struct pol_knowledge random_condition_value(uint32_t fact, uint32_t number)
{
	uint32_t count = count_values(fact);

	if (number >= count) {
		return (struct pol_knowledge){
			number == count ? POL_KNOWN_ABSENT : POL_KNOWN_UNKNOWN, { 0 }
		};
	}
	return (struct pol_knowledge){ POL_KNOWN_VALUE, value_at(fact, number) };
}

/* --- random conditions ------------------------------------------------------------------------ */

static struct pol_operand fact_operand(uint32_t fact, bool second)
{
	if (fact >= FACTS) {
		return (struct pol_operand){ .kind = POL_OPERAND_SEGMENT, .number = fact - FACTS };
	}
	return (struct pol_operand){ .kind = POL_OPERAND_FACT,
		.number = random_condition_number(second, fact) };
}

static struct pol_operand constant(struct dice *dice, enum pol_type type)
{
	static const int64_t usual[] = { 1, 3, 1, 3, INT64_MIN, INT64_MAX };
	struct pol_value value = { .type = type };

	switch (type) {
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
		value.number = PICK(dice, usual);
		break;
	case POL_TYPE_STRING:
		value.text = texts[roll(dice, 2)];
		break;
	case POL_TYPE_STRINGS:
		value = subset(roll(dice, 4));
		break;
	case POL_TYPE_WORD:
		value.text = all_states[roll(dice, 2)];
		break;
	case POL_TYPE_ADDRESS:
		value.address = addresses[roll(dice, 2) * 2];
		break;
	case POL_TYPE_NETWORK:
		value.network = PICK(dice, networks);
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_BOOL:
	case POL_TYPE_DURATION:
		value.number = roll(dice, 2);
		break;
	}
	return (struct pol_operand){ .kind = POL_OPERAND_VALUE, .value = value };
}

/* Another operand of that type: a fact of the list, a segment or a constant. */
static struct pol_operand other(
	struct dice *dice, const uint32_t *facts, uint32_t count, enum pol_type type, bool second)
{
	uint32_t fact = facts[roll(dice, count)];

	if (type_of(fact) == type && roll(dice, 2) == 0) {
		return fact_operand(fact, second);
	}
	return constant(dice, type);
}

static enum pol_comparison comparison_of(struct dice *dice, enum pol_type type)
{
	static const enum pol_comparison of_numbers[] = { POL_COMPARE_IS, POL_COMPARE_LESS,
		POL_COMPARE_LESS_OR_EQUAL };
	static const enum pol_comparison of_sets[] = { POL_COMPARE_HAS, POL_COMPARE_HAS_ANY,
		POL_COMPARE_HAS_ALL };

	switch (type) {
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
		return PICK(dice, of_numbers);
	case POL_TYPE_STRINGS:
		return PICK(dice, of_sets);
	case POL_TYPE_ADDRESS:
		return roll(dice, 3) == 0 ? POL_COMPARE_IS : POL_COMPARE_WITHIN;
	case POL_TYPE_BOOL:
		return roll(dice, 2) == 0 ? POL_COMPARE_IS : POL_COMPARE_TRUE;
	case POL_TYPE_ABSENT:
	case POL_TYPE_STRING:
	case POL_TYPE_DURATION:
	case POL_TYPE_WORD:
	case POL_TYPE_NETWORK:
		break;
	}
	return POL_COMPARE_IS;
}

static struct pol_predicate *predicate(struct pol_arena *arena, struct dice *dice,
	const uint32_t *facts, uint32_t count, bool second)
{
	struct pol_predicate *out = pol_arena_alloc(arena, 1, sizeof *out);
	uint32_t fact = facts[roll(dice, count)];
	enum pol_type type = type_of(fact), right = type;

	out->comparison = comparison_of(dice, type);
	out->left = fact_operand(fact, second);
	if (out->comparison == POL_COMPARE_HAS) {
		right = POL_TYPE_STRING;
	} else if (out->comparison == POL_COMPARE_WITHIN) {
		right = POL_TYPE_NETWORK;
	}
	if (out->comparison != POL_COMPARE_TRUE) {
		out->right = other(dice, facts, count, right, second);
	}
	/* A constant on the left, as `3 < a` is written. */
	if (out->comparison != POL_COMPARE_TRUE && out->comparison != POL_COMPARE_WITHIN &&
		out->comparison != POL_COMPARE_HAS && roll(dice, 3) == 0) {
		struct pol_operand left = out->left;

		out->left = out->right;
		out->right = left;
	}
	return out;
}

const struct pol_condition *random_condition(struct pol_arena *arena, struct dice *dice,
	const uint32_t *facts, uint32_t count, unsigned most, bool second)
{
	struct pol_condition *out = pol_arena_alloc(arena, 1, sizeof *out);
	const struct pol_condition **parts;

	if (most < 2 || roll(dice, 4) == 0) {
		out->predicate = predicate(arena, dice, facts, count, second);
		out->negated = roll(dice, 2) == 0;
		return out;
	}
	out->kind = roll(dice, 2) == 0 ? POL_CONDITION_AND : POL_CONDITION_OR;
	out->part_count = 2 + roll(dice, most > 2 ? 2 : 1);
	parts = pol_arena_alloc(arena, out->part_count, sizeof *parts);
	for (uint32_t i = 0; i < out->part_count; i++) {
		parts[i] =
			random_condition(arena, dice, facts, count, most / out->part_count, second);
	}
	out->parts = parts;
	return out;
}
