/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random conditions about random facts mean what a second evaluator says, which is written apart:
 * it keeps sets as bits, addresses as numbers and truths as 0, 1 and 2, and remembers nothing.
 *
 * AUTHZ_TEST_CONDITIONS: how many, by default 100,000; AUTHZ_TEST_SEED: the seed of the first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "by_hand.h"
#include "tests/policy/dice.h"

enum { LETTERS = 5, KINDS = 6, EACH = 3, FACTS = KINDS * EACH, SEGMENTS = 3, ITEMS = 64 };

/* What the second evaluator knows of a value. */
enum kind { TEXT, SET, NUMBER, FLAG, PLACE, WORD };
struct plain {
	bool present;
	enum kind kind;
	bool network; /* a PLACE: the upper 32 - `rest` bits of `number` count */
	unsigned rest;
	int64_t number; /* TEXT, WORD: a letter; SET: its letters as bits */
};

struct side {
	enum { FACT, SEGMENT, VALUE } of;
	unsigned number;
	struct plain value;
};

struct item {
	enum { PREDICATE, AND, OR } is;
	bool negated;
	enum pol_comparison comparison;
	struct side left, right;
	unsigned parts[3], part_count;
	struct pol_predicate predicate;
	struct pol_condition condition;
	const struct pol_condition *views[3];
};

/* One case. */
struct one {
	struct dice dice;
	struct plain facts[FACTS], presets[FACTS], stated[FACTS], segments[SEGMENTS];
	bool recorded[FACTS]; /* it is an attribute of the principal */
	bool doubtful[FACTS]; /* it is listed as unknown */
	struct item items[ITEMS];
	unsigned count;
};

static struct one one;
static const char letters[] = "abcde";

/* --- the second evaluator --------------------------------------------------------------------- */

static bool is_principal(unsigned fact)
{
	return fact % EACH == 0;
}

static struct plain look_up(const struct side *side)
{
	static const struct plain none;

	if (side->of == VALUE) {
		return side->value;
	}
	if (side->of == SEGMENT) {
		return one.segments[side->number];
	}
	if (one.doubtful[side->number]) {
		return none;
	}
	if (one.facts[side->number].present) {
		return one.facts[side->number];
	}
	return one.presets[side->number];
}

static unsigned compare(enum pol_comparison comparison, struct plain a, struct plain b)
{
	bool yes = false;

	if (!a.present || (comparison != POL_COMPARE_TRUE && !b.present)) {
		return 1;
	}
	switch (comparison) {
	case POL_COMPARE_TRUE:
		yes = a.number == 1;
		break;
	case POL_COMPARE_IS:
		yes = a.number == b.number;
		break;
	case POL_COMPARE_LESS:
		yes = a.number < b.number;
		break;
	case POL_COMPARE_LESS_OR_EQUAL:
		yes = a.number <= b.number;
		break;
	case POL_COMPARE_HAS:
		yes = (a.number >> b.number & 1) != 0;
		break;
	case POL_COMPARE_HAS_ANY:
		yes = (a.number & b.number) != 0;
		break;
	case POL_COMPARE_HAS_ALL:
		yes = (b.number & ~a.number) == 0;
		break;
	case POL_COMPARE_WITHIN:
		yes = a.number >> b.rest == b.number >> b.rest;
		break;
	}
	return yes ? 2 : 0;
}

static unsigned judge(unsigned number)
{
	const struct item *item = &one.items[number];
	unsigned all[3] = { 0 };

	if (item->is == PREDICATE) {
		unsigned truth =
			compare(item->comparison, look_up(&item->left), look_up(&item->right));

		return item->negated ? 2 - truth : truth;
	}
	for (unsigned i = 0; i < item->part_count; i++) {
		all[judge(item->parts[i])]++;
	}
	if (item->is == AND) {
		return all[0] > 0 ? 0 : all[1] > 0 ? 1 : 2;
	}
	return all[2] > 0 ? 2 : all[1] > 0 ? 1 : 0;
}

/* --- random cases ----------------------------------------------------------------------------- */

static struct plain random_plain(enum kind kind)
{
	struct plain out = { .present = true, .kind = kind };

	switch (kind) {
	case TEXT:
	case WORD:
		out.number = roll(&one.dice, LETTERS);
		break;
	case SET:
		out.number = roll(&one.dice, 1U << LETTERS);
		break;
	case NUMBER:
		out.number = (int64_t)roll(&one.dice, 5) - 2;
		break;
	case FLAG:
		out.number = roll(&one.dice, 2);
		break;
	case PLACE:
		out.number = INT64_C(0x0a000000) + INT64_C(0x00010000) * roll(&one.dice, 4) +
			     roll(&one.dice, 2);
		break;
	}
	return out;
}

static enum kind kind_of(unsigned fact)
{
	return (enum kind)(fact / EACH);
}

static void roll_facts(void)
{
	static const struct plain none;

	for (unsigned i = 0; i < FACTS; i++) {
		one.facts[i] = roll(&one.dice, 3) > 0 ? random_plain(kind_of(i)) : none;
		one.presets[i] = roll(&one.dice, 4) == 0 ? random_plain(kind_of(i)) : none;
		one.doubtful[i] = roll(&one.dice, 12) == 0;
		one.recorded[i] = is_principal(i) && roll(&one.dice, 2) == 0 &&
				  (one.facts[i].present || one.doubtful[i]);
		one.stated[i] = one.recorded[i] && roll(&one.dice, 2) == 0
					? random_plain(kind_of(i))
					: none;
	}
	for (unsigned i = 0; i < SEGMENTS; i++) {
		one.segments[i] = i + 1 < SEGMENTS ? random_plain(TEXT) : none;
	}
}

/* An operand of that kind; one that is not a list may be a segment. */
static struct side random_side(enum kind kind, bool value)
{
	struct side side = { .of = FACT, .number = kind * EACH + roll(&one.dice, EACH) };

	if (value || roll(&one.dice, 3) == 0) {
		side.of = VALUE;
		side.value = random_plain(kind);
	} else if (kind == TEXT && roll(&one.dice, 3) == 0) {
		side.of = SEGMENT;
		side.number = roll(&one.dice, SEGMENTS);
	}
	return side;
}

static void roll_predicate(struct item *item)
{
	enum kind kind = (enum kind)roll(&one.dice, KINDS);

	item->is = PREDICATE;
	item->negated = roll(&one.dice, 2) == 0;
	item->left = random_side(kind, false);
	item->comparison = POL_COMPARE_IS;
	item->right = random_side(kind, false);
	if (kind == FLAG && roll(&one.dice, 2) == 0) {
		item->comparison = POL_COMPARE_TRUE;
	} else if (kind == NUMBER && roll(&one.dice, 3) > 0) {
		item->comparison =
			roll(&one.dice, 2) == 0 ? POL_COMPARE_LESS : POL_COMPARE_LESS_OR_EQUAL;
	} else if (kind == SET) {
		item->comparison =
			roll(&one.dice, 2) == 0 ? POL_COMPARE_HAS_ANY : POL_COMPARE_HAS_ALL;
		if (roll(&one.dice, 2) == 0) {
			item->comparison = POL_COMPARE_HAS;
			item->right = random_side(TEXT, false);
		}
	} else if (kind == PLACE && roll(&one.dice, 2) == 0) {
		item->comparison = POL_COMPARE_WITHIN;
		item->right = random_side(PLACE, true);
		item->right.value.network = true;
		item->right.value.rest = 8 + 8 * roll(&one.dice, 2) + roll(&one.dice, 2);
		item->right.value.number = item->right.value.number >>
					   item->right.value.rest << item->right.value.rest;
	}
}

/* Makes an item and what is below it; returns its number. */
static unsigned roll_item(unsigned depth)
{
	unsigned number = one.count++;
	struct item *item = &one.items[number];

	*item = (struct item){ .is = PREDICATE };
	if (depth == 0 || one.count + 8 > ITEMS || roll(&one.dice, 3) == 0) {
		roll_predicate(item);
		return number;
	}
	item->is = roll(&one.dice, 2) == 0 ? AND : OR;
	item->part_count = 2 + roll(&one.dice, 2);
	for (unsigned i = 0; i < item->part_count; i++) {
		item->parts[i] = roll_item(depth - 1);
	}
	return number;
}

/* --- the same for the evaluator under test ---------------------------------------------------- */

static const enum pol_type types[] = { POL_TYPE_STRING, POL_TYPE_STRINGS, POL_TYPE_INT,
	POL_TYPE_BOOL, POL_TYPE_ADDRESS, POL_TYPE_WORD };

/* All sets of letters, sorted. */
static struct pol_str set_items[1U << LETTERS][LETTERS];

static struct pol_value real_value(const struct plain *plain)
{
	struct pol_value value = { .type = types[plain->kind] };
	unsigned char bytes[16] = { [10] = 0xff, [11] = 0xff };

	if (!plain->present) {
		return (struct pol_value){ 0 };
	}
	for (int i = 0; i < 4; i++) {
		bytes[12 + i] = (unsigned char)(plain->number >> (24 - 8 * i) & 0xff);
	}
	switch (plain->kind) {
	case TEXT:
	case WORD:
		value.text = (struct pol_str){ letters + plain->number, 1 };
		break;
	case SET:
		value.strings.items = set_items[plain->number];
		value.strings.count = (uint32_t)__builtin_popcountll((uint64_t)plain->number);
		break;
	case NUMBER:
	case FLAG:
		value.number = plain->number;
		break;
	case PLACE:
		if (plain->network) {
			value.type = POL_TYPE_NETWORK;
			memcpy(value.network.bytes, bytes, sizeof bytes);
			value.network.bits = (uint8_t)(128 - plain->rest);
			break;
		}
		value.address.known = true;
		memcpy(value.address.bytes, bytes, sizeof bytes);
		break;
	}
	return value;
}

static struct pol_operand real_operand(const struct side *side)
{
	if (side->of == VALUE) {
		return value_operand(real_value(&side->value));
	}
	return side->of == SEGMENT ? segment_operand(side->number)
				   : fact_operand(POL_FACT_KNOWN + side->number);
}

static void make_real(void)
{
	for (unsigned i = 0; i < one.count; i++) {
		struct item *item = &one.items[i];

		item->predicate = (struct pol_predicate){ .comparison = item->comparison,
			.left = real_operand(&item->left),
			.right = real_operand(&item->right) };
		item->condition =
			(struct pol_condition){ .kind = item->is == PREDICATE
								? POL_CONDITION_PREDICATE
							: item->is == AND ? POL_CONDITION_AND
									  : POL_CONDITION_OR,
				.negated = item->negated,
				.predicate = item->is == PREDICATE ? &item->predicate : NULL,
				.parts = item->views,
				.part_count = item->part_count };
		for (unsigned k = 0; k < item->part_count; k++) {
			item->views[k] = &one.items[item->parts[k]].condition;
		}
	}
}

static struct pol_snapshot snapshot;
static struct pol_path path;
static struct pol_given_fact stated_items[FACTS], recorded_items[FACTS];
static struct pol_given stated = { stated_items, 0 }, recorded = { recorded_items, 0 };
static struct pol_facts facts = { .given = &stated, .attributes = &recorded };

static void give(unsigned fact)
{
	struct pol_given_fact item = { POL_FACT_KNOWN + fact, { 0 } };

	if (!one.doubtful[fact]) {
		item.value = real_value(&one.facts[fact]);
	}
	if (one.recorded[fact]) {
		recorded_items[recorded.count++] = item;
		item.value = real_value(&one.stated[fact]);
		if (one.stated[fact].present) {
			stated_items[stated.count++] = item;
		}
	} else if (one.facts[fact].present || one.doubtful[fact]) {
		stated_items[stated.count++] = item;
	}
}

static void make_facts(void)
{
	stated.count = 0;
	recorded.count = 0;
	for (unsigned i = 0; i < FACTS; i++) {
		snapshot.facts[POL_FACT_KNOWN + i].preset = real_value(&one.presets[i]);
		give(i);
	}
	pol_path_begin(&path);
	for (unsigned i = 0; one.segments[i].present; i++) {
		path.segments[path.count++] =
			(struct pol_str){ letters + one.segments[i].number, 1 };
	}
}

static void declare(void)
{
	struct pol_declared_fact all[FACTS];

	for (unsigned i = 0; i < FACTS; i++) {
		all[i] = (struct pol_declared_fact){ .name = POL_STR_INIT("a.fact"),
			.space = is_principal(i) ? POL_SPACE_PRINCIPAL : POL_SPACE_RESOURCE,
			.type = types[kind_of(i)] };
	}
	declare_facts(&snapshot, all, FACTS);
	for (unsigned set = 0; set < 1U << LETTERS; set++) {
		unsigned count = 0;

		for (unsigned i = 0; i < LETTERS; i++) {
			if ((set >> i & 1) != 0) {
				set_items[set][count++] = (struct pol_str){ letters + i, 1 };
			}
		}
	}
}

/* --- the test --------------------------------------------------------------------------------- */

static enum pol_truth ask(struct pol_fact_set *missing)
{
	static struct pol_truth_table table;
	enum pol_truth truth;

	make_facts();
	pol_truth_begin(&table, &snapshot, &facts, (struct pol_str){ 0 }, &path);
	truth = pol_truth_of(&table, &one.items[0].condition);
	cr_assert_eq(pol_truth_of(&table, &one.items[0].condition), truth);
	*missing = (struct pol_fact_set){ 0 };
	pol_truth_missing(&table, &one.items[0].condition, missing);
	return truth;
}

static bool has_fact(const struct pol_fact_set *set, unsigned fact)
{
	uint32_t number = POL_FACT_KNOWN + fact;

	return (set->words[number / 64] >> number % 64 & 1) != 0;
}

/* Only absent facts are missing, and without those no other fact makes it known. */
static void check_missing(const struct pol_fact_set *missing, enum pol_truth truth, uint64_t seed)
{
	static struct one before;
	struct pol_fact_set ignored;
	unsigned count = 0;

	for (unsigned i = 0; i < FACTS; i++) {
		struct side side = { .of = FACT, .number = i };

		count += has_fact(missing, i);
		cr_assert(!has_fact(missing, i) || !look_up(&side).present, "seed %llu",
			(unsigned long long)seed);
	}
	cr_assert(truth == POL_UNKNOWN || count == 0, "seed %llu", (unsigned long long)seed);
	before = one;
	for (unsigned i = 0; i < FACTS; i++) {
		struct side side = { .of = FACT, .number = i };

		if (!look_up(&side).present && !has_fact(missing, i)) {
			one.facts[i] = random_plain(kind_of(i));
			one.doubtful[i] = false;
		}
	}
	cr_assert_eq(ask(&ignored), truth, "seed %llu", (unsigned long long)seed);
	one = before;
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? strtoul(value, NULL, 10) : otherwise;
}

Test(truth_random, a_condition_means_what_the_second_evaluator_says)
{
	unsigned long cases = from_environment("AUTHZ_TEST_CONDITIONS", 100000);
	uint64_t first = from_environment("AUTHZ_TEST_SEED", 1);
	unsigned long met[3] = { 0 };

	declare();
	for (uint64_t seed = first; seed < first + cases; seed++) {
		struct pol_fact_set missing;
		enum pol_truth truth;
		unsigned want;

		one.dice = (struct dice){ seed };
		one.count = 0;
		roll_facts();
		(void)roll_item(4);
		make_real();
		want = judge(0);
		truth = ask(&missing);
		cr_assert_eq((unsigned)truth, want, "seed %llu", (unsigned long long)seed);
		met[want]++;
		check_missing(&missing, truth, seed);
	}
	for (int i = 0; i < 3; i++) {
		cr_assert(cases < 1000 || met[i] > cases / 10, "%d: %lu", i, met[i]);
	}
}
