/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/policy/decide/truth_begin.h"
#include "tests/policy/load.h"

/* Where the values of facts come from, and principal.roles. */

static struct pol_path path;

TestSuite(truth_facts, .init = begin);

static void expect_value(uint32_t fact, struct pol_value want)
{
	struct pol_value got = pol_truth_value(&table, fact);

	cr_expect_eq(got.type, want.type, "fact %u", fact);
	cr_expect(want.type == POL_TYPE_ABSENT || pol_value_equal(&got, &want), "fact %u", fact);
}

static const struct pol_value nothing;

Test(truth_facts, known_facts_come_from_the_request_alone)
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

Test(truth_facts, a_time_that_is_stated_counts_and_one_that_nobody_set_is_absent)
{
	facts.now = POL_NO_TIME;
	expect_value(POL_FACT_TIME, nothing);
	facts.now = POL_NO_TIME + 1;
	expect_value(POL_FACT_TIME, number_of(POL_TYPE_TIME, POL_NO_TIME + 1));
	facts.time = 50;
	expect_value(POL_FACT_TIME, number_of(POL_TYPE_TIME, 50));
}

Test(truth_facts, a_second_factor_that_is_to_come_has_no_age)
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

Test(truth_facts, a_given_fact_counts_before_its_default)
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

Test(truth_facts, an_attribute_counts_before_what_a_request_states)
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

Test(truth_facts, an_attribute_of_another_space_is_not_read)
{
	const struct pol_given_fact recorded[] = { { TEXT_A, string_of("x") } };
	const struct pol_given attributes = { recorded, 1 };

	facts.attributes = &attributes;
	expect_value(TEXT_A, nothing);
}

Test(truth_facts, what_is_listed_as_unknown_has_no_default_and_is_not_stated)
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

Test(truth_facts, a_segment_is_the_decoded_one_of_the_path)
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

Test(truth_facts, roles_are_those_held_here_and_what_they_inherit)
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

Test(truth_facts, roles_are_asked_for_names_alone)
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

Test(truth_facts, at_most_256_roles_are_read_and_beyond_that_it_is_unknown)
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
