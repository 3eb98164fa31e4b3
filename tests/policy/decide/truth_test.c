/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "by_hand.h"
#include "policy/decide/truth.h"
#include "tests/policy/load.h"

/* Two facts of each type that a policy may declare, in resource, and two of principal. */
enum {
	TEXT_A = POL_FACT_KNOWN,
	TEXT_B,
	SET_A,
	SET_B,
	INT_A,
	INT_B,
	BOOL_A,
	BOOL_B,
	TIME_A,
	TIME_B,
	DURATION_A,
	DURATION_B,
	ADDRESS_A,
	ADDRESS_B,
	WORD_A,
	WORD_B,
	BRANCH,
	LIMIT, /* has a default */
	DECLARED
};

static const struct pol_declared_fact declared[] = {
	{ .name = POL_STR_INIT("resource.text_a"), POL_SPACE_RESOURCE, POL_TYPE_STRING },
	{ .name = POL_STR_INIT("resource.text_b"), POL_SPACE_RESOURCE, POL_TYPE_STRING },
	{ .name = POL_STR_INIT("resource.set_a"), POL_SPACE_RESOURCE, POL_TYPE_STRINGS },
	{ .name = POL_STR_INIT("resource.set_b"), POL_SPACE_RESOURCE, POL_TYPE_STRINGS },
	{ .name = POL_STR_INIT("resource.int_a"), POL_SPACE_RESOURCE, POL_TYPE_INT },
	{ .name = POL_STR_INIT("resource.int_b"), POL_SPACE_RESOURCE, POL_TYPE_INT },
	{ .name = POL_STR_INIT("resource.bool_a"), POL_SPACE_RESOURCE, POL_TYPE_BOOL },
	{ .name = POL_STR_INIT("resource.bool_b"), POL_SPACE_RESOURCE, POL_TYPE_BOOL },
	{ .name = POL_STR_INIT("resource.time_a"), POL_SPACE_RESOURCE, POL_TYPE_TIME },
	{ .name = POL_STR_INIT("resource.time_b"), POL_SPACE_RESOURCE, POL_TYPE_TIME },
	{ .name = POL_STR_INIT("resource.duration_a"), POL_SPACE_RESOURCE, POL_TYPE_DURATION },
	{ .name = POL_STR_INIT("resource.duration_b"), POL_SPACE_RESOURCE, POL_TYPE_DURATION },
	{ .name = POL_STR_INIT("resource.address_a"), POL_SPACE_RESOURCE, POL_TYPE_ADDRESS },
	{ .name = POL_STR_INIT("resource.address_b"), POL_SPACE_RESOURCE, POL_TYPE_ADDRESS },
	{ .name = POL_STR_INIT("resource.word_a"), POL_SPACE_RESOURCE, POL_TYPE_WORD },
	{ .name = POL_STR_INIT("resource.word_b"), POL_SPACE_RESOURCE, POL_TYPE_WORD },
	{ .name = POL_STR_INIT("principal.branch"), POL_SPACE_PRINCIPAL, POL_TYPE_STRING },
	{ .name = POL_STR_INIT("principal.limit"),
		POL_SPACE_PRINCIPAL,
		POL_TYPE_INT,
		.preset = { .type = POL_TYPE_INT, .number = 5 } },
};

static struct pol_snapshot snapshot;
static struct pol_facts facts;
static struct pol_path path;
static struct pol_truth_table table;

static void begin(void)
{
	declare_facts(&snapshot, declared, DECLARED - POL_FACT_KNOWN);
	pol_truth_begin(&table, &snapshot, &facts, (struct pol_str){ 0 }, NULL);
}

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

static enum pol_truth of_operands(
	struct pol_operand left, enum pol_comparison comparison, struct pol_operand right)
{
	return pol_truth_of_predicate(&table, predicate_of(left, comparison, right));
}

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

/* --- facts ------------------------------------------------------------------------------------ */

static void expect_value(uint32_t fact, struct pol_value want)
{
	struct pol_value got = pol_truth_value(&table, fact);

	cr_expect_eq(got.type, want.type, "fact %u", fact);
	cr_expect(want.type == POL_TYPE_ABSENT || pol_value_equal(&got, &want), "fact %u", fact);
}

static const struct pol_value nothing;

Test(truth, known_facts_come_from_the_request_alone)
{
	struct pol_given_fact items[POL_FACT_KNOWN];
	struct pol_given given = { items, POL_FACT_KNOWN };

	for (uint32_t i = 0; i < POL_FACT_KNOWN; i++) {
		items[i] = (struct pol_given_fact){ .fact = i, .value = string_of("x") };
	}
	facts.given = &given;
	facts.attributes = &given;
	for (uint32_t i = 0; i < POL_FACT_KNOWN; i++) {
		expect_value(i, i == POL_FACT_PRINCIPAL_KIND ? word_of("none") : nothing);
	}
	facts = (struct pol_facts){ .principal = POL_STR("ann"),
		.tenant_name = POL_STR("acme"),
		.principal_kind = POL_KIND_SERVICE,
		.environment = POL_STR("live"),
		.service = POL_STR("web"),
		.now = 1000,
		.mfa_at = 900 };
	cr_assert_eq(pol_cidr_parse_ip(POL_STR("10.0.0.1"), &facts.ip), POL_OK);
	expect_value(POL_FACT_PRINCIPAL_ID, string_of("ann"));
	expect_value(POL_FACT_PRINCIPAL_TENANT, string_of("acme"));
	expect_value(POL_FACT_PRINCIPAL_KIND, word_of("service"));
	expect_value(POL_FACT_PRINCIPAL_ROLES, nothing);
	expect_value(POL_FACT_ENVIRONMENT, string_of("live"));
	expect_value(POL_FACT_SERVICE, string_of("web"));
	expect_value(POL_FACT_IP, address_of("10.0.0.1"));
	expect_value(POL_FACT_TIME, number_of(POL_TYPE_TIME, 1000));
	expect_value(POL_FACT_MFA_AGE, number_of(POL_TYPE_DURATION, 100));
	facts.principal_kind = POL_KIND_USER;
	expect_value(POL_FACT_PRINCIPAL_KIND, word_of("user"));
	expect_value(DECLARED, nothing);
	expect_value(UINT32_MAX, nothing);
}

Test(truth, a_time_that_is_stated_counts_and_one_that_nobody_set_is_absent)
{
	facts.now = POL_NO_TIME;
	expect_value(POL_FACT_TIME, nothing);
	facts.now = POL_NO_TIME + 1;
	expect_value(POL_FACT_TIME, number_of(POL_TYPE_TIME, POL_NO_TIME + 1));
	facts.time = 50;
	expect_value(POL_FACT_TIME, number_of(POL_TYPE_TIME, 50));
}

Test(truth, a_second_factor_that_is_to_come_has_no_age)
{
	facts.now = 1000;
	expect_value(POL_FACT_MFA_AGE, nothing);
	facts.mfa_at = 1000;
	expect_value(POL_FACT_MFA_AGE, number_of(POL_TYPE_DURATION, 0));
	facts.mfa_at = 1001;
	expect_value(POL_FACT_MFA_AGE, nothing);
	facts.mfa_at = -1;
	expect_value(POL_FACT_MFA_AGE, nothing);
}

Test(truth, a_given_fact_counts_before_its_default)
{
	const struct pol_given_fact items[] = { { TEXT_A, string_of("x") },
		{ LIMIT, number_of(POL_TYPE_INT, 7) } };
	const struct pol_given given = { items, 2 };

	expect_value(TEXT_A, nothing);
	expect_value(LIMIT, number_of(POL_TYPE_INT, 5));
	facts.given = &given;
	expect_value(TEXT_A, string_of("x"));
	expect_value(LIMIT, number_of(POL_TYPE_INT, 7));
}

Test(truth, an_attribute_counts_before_what_a_request_states)
{
	const struct pol_given_fact stated[] = { { BRANCH, string_of("south") },
		{ LIMIT, number_of(POL_TYPE_INT, 7) } };
	const struct pol_given_fact recorded[] = { { BRANCH, string_of("north") } };
	const struct pol_given given = { stated, 2 };
	const struct pol_given attributes = { recorded, 1 };

	facts.given = &given;
	facts.attributes = &attributes;
	expect_value(BRANCH, string_of("north"));
	expect_value(LIMIT, number_of(POL_TYPE_INT, 7));
}

Test(truth, an_attribute_of_another_space_is_not_read)
{
	const struct pol_given_fact recorded[] = { { TEXT_A, string_of("x") } };
	const struct pol_given attributes = { recorded, 1 };

	facts.attributes = &attributes;
	expect_value(TEXT_A, nothing);
}

Test(truth, what_is_listed_as_unknown_has_no_default_and_is_not_stated)
{
	const struct pol_given_fact unknown[] = { { LIMIT, { 0 } } };
	const struct pol_given_fact stated[] = { { LIMIT, number_of(POL_TYPE_INT, 7) } };
	const struct pol_given nobody = { unknown, 1 };
	const struct pol_given given = { stated, 1 };

	facts.given = &nobody;
	expect_value(LIMIT, nothing);
	facts.given = &given;
	facts.attributes = &nobody;
	expect_value(LIMIT, nothing);
}

Test(truth, a_segment_is_the_decoded_one_of_the_path)
{
	cr_assert_eq(pol_path_read(POL_STR("/users/a%20b"), &path), POL_OK);
	cr_expect_eq(
		of_operands(segment_operand(1), POL_COMPARE_IS, value_operand(string_of("a b"))),
		POL_UNKNOWN, "without a path");
	table.path = &path;
	cr_expect_eq(
		of_operands(segment_operand(1), POL_COMPARE_IS, value_operand(string_of("a b"))),
		POL_TRUE);
	cr_expect_eq(
		of_operands(segment_operand(1), POL_COMPARE_IS, value_operand(string_of("a%20b"))),
		POL_FALSE);
	cr_expect_eq(of_operands(segment_operand(2), POL_COMPARE_IS, value_operand(string_of(""))),
		POL_UNKNOWN, "past the end");
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

/* --- principal.roles -------------------------------------------------------------------------- */

static const char roles_policy[] = "tree api { /a { GET }, /b { GET } }\n"
				   "role base { allow all on api:/a }\n"
				   "role middle inherits base { }\n"
				   "role top inherits middle { }\n"
				   "role other { allow all on api:/b }\n"
				   "role anyone { allow all on api:/b }\n";

static enum pol_truth has_role(const char *name)
{
	return of_operands(fact_operand(POL_FACT_PRINCIPAL_ROLES), POL_COMPARE_HAS,
		value_operand(string_of(name)));
}

Test(truth, roles_are_those_held_here_and_what_they_inherit)
{
	static const struct pol_str place = POL_STR_INIT("api:/a");
	struct loaded loaded = load_good(roles_policy);
	struct pol_held held = { .role = pol_snapshot_role(loaded.snapshot, POL_STR("top")) };

	declare_facts(loaded.snapshot, declared, DECLARED - POL_FACT_KNOWN);
	facts = (struct pol_facts){
		.principal_state = POL_PRINCIPAL_ACTIVE, .held = &held, .held_count = 1
	};
	cr_assert_eq(pol_path_read(POL_STR("/b"), &path), POL_OK);
	pol_truth_begin(&table, loaded.snapshot, &facts, POL_STR("api"), &path);
	cr_expect_eq(has_role("top"), POL_TRUE);
	cr_expect_eq(has_role("middle"), POL_TRUE);
	cr_expect_eq(has_role("base"), POL_TRUE);
	cr_expect_eq(has_role("anyone"), POL_TRUE);
	cr_expect_eq(has_role("other"), POL_FALSE);
	cr_expect_eq(has_role("nosuch"), POL_UNKNOWN);
	held.places = &place;
	held.place_count = 1;
	cr_expect_eq(has_role("base"), POL_FALSE, "it is held elsewhere");
	cr_assert_eq(pol_path_read(POL_STR("/a"), &path), POL_OK);
	cr_expect_eq(has_role("base"), POL_TRUE);
	table.path = NULL;
	cr_expect_eq(has_role("base"), POL_FALSE);
	held.place_count = 0;
	cr_expect_eq(has_role("base"), POL_TRUE);
	facts.principal_state = POL_PRINCIPAL_INACTIVE;
	cr_expect_eq(has_role("base"), POL_FALSE);
	facts = (struct pol_facts){ .key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_SCOPES,
		.held = &held,
		.held_count = 1 };
	cr_expect_eq(has_role("base"), POL_FALSE, "the key has scopes alone");
	unload(&loaded);
}

Test(truth, roles_are_asked_for_names_alone)
{
	struct pol_operand roles = fact_operand(POL_FACT_PRINCIPAL_ROLES);

	cr_expect_eq(of_operands(roles, POL_COMPARE_HAS, fact_operand(TEXT_A)), POL_UNKNOWN);
	cr_expect_eq(
		of_operands(roles, POL_COMPARE_HAS_ANY, value_operand(set_of("a"))), POL_UNKNOWN);
	cr_expect_eq(of_operands(roles, POL_COMPARE_TRUE, roles), POL_UNKNOWN);
}

/* A chain of roles, each of which inherits the one before. */
static struct loaded load_chain(uint32_t count)
{
	size_t room = (size_t)count * 64 + 256;
	char *text = made(room);
	size_t len = (size_t)snprintf(text, room,
		"tree api { /a { GET } }\nrole r0 { allow all on api:/a }\n"
		"role apart { allow all on api:/a }\n");
	struct loaded loaded;

	for (uint32_t i = 1; i < count; i++) {
		len += (size_t)snprintf(
			text + len, room - len, "role r%u inherits r%u\n", i, i - 1);
	}
	loaded = load_good(text);
	declare_facts(loaded.snapshot, declared, DECLARED - POL_FACT_KNOWN);
	return loaded;
}

Test(truth, at_most_256_roles_are_read_and_beyond_that_it_is_unknown)
{
	for (uint32_t count = POL_TRUTH_ROLES; count <= POL_TRUTH_ROLES + 1; count++) {
		struct loaded loaded = load_chain(count);
		bool all = count == POL_TRUTH_ROLES;
		struct pol_held held;
		char top[16];

		snprintf(top, sizeof top, "r%u", count - 1);
		held = (struct pol_held){ .role = pol_snapshot_role(
						  loaded.snapshot, pol_str_of(top)) };
		facts = (struct pol_facts){
			.principal_state = POL_PRINCIPAL_ACTIVE, .held = &held, .held_count = 1
		};
		pol_truth_begin(&table, loaded.snapshot, &facts, POL_STR("api"), NULL);
		cr_expect_eq(has_role("r1"), POL_TRUE);
		cr_expect_eq(has_role("r0"), all ? POL_TRUE : POL_UNKNOWN);
		cr_expect_eq(has_role("apart"), all ? POL_FALSE : POL_UNKNOWN);
		table.steps = 4; /* the held one, and two of those it leads to */
		cr_expect_eq(has_role("r1"), POL_UNKNOWN);
		unload(&loaded);
	}
}
