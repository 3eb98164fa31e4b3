/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations of decisions in which conditions count. */
#include "policy/ask/explain.h"

#include "policy/snapshot/given.h"
#include "policy/snapshot/stored.h"
#include "tests/policy/ask/explain_story.h"

static const char policy[] =
	"tree api { /loans/{loan} { read GET, update PUT PATCH, drop DELETE } }\n" /* 1 */
	"facts {\n"
	"  principal.limit int\n"
	"  resource.owner  string\n"
	"  resource.status draft | archived default draft\n" /* 5 */
	"  context.amount  int\n"
	"}\n"
	"role base {\n"
	"  allow read on api:/loans/{loan} when resource.owner is principal.id or {loan} is \"7\"\n"
	"  allow update on api:/loans/{loan}\n" /* 10 */
	"    when context.amount <= principal.limit and resource.owner is not principal.id\n"
	"  deny all on api:/loans/{loan} when resource.status is archived\n"
	"}\n"
	"role clerk inherits base { }\n"
	"role boss { allow read on api:/loans/{loan} }\n" /* 15 */
	"role roaming { allow drop on api:/loans/{loan} when principal.roles has \"boss\" }\n"
	"role keeper { allow drop on api:/loans/{loan} when context.amount < 10 }\n"
	"scope some { allow read on api:/loans/{loan} when context.amount is 1 }\n"
	"scope most { allow read on api:/loans/{loan} when context.amount is not 1 }\n";

static struct pol_given_fact items[8];
static struct pol_given given;
static struct pol_held held[2];

static void begin_conditions(void)
{
	pol_arena_init(&arena, 1 << 20);
	snapshot = compiled_text_good(policy);
	given = (struct pol_given){ items, 0 };
}

TestSuite(explain_condition, .init = begin_conditions, .fini = end);

static uint32_t number_of(const char *fact)
{
	uint32_t number = pol_condition_fact(snapshot, pol_str_of(fact));

	cr_assert_neq(number, POL_NONE, "%s", fact);
	return number;
}

static void give(const char *fact, struct pol_value value)
{
	uint32_t twice;

	items[given.count++] = (struct pol_given_fact){ number_of(fact), value };
	cr_assert(pol_given_sort(items, given.count, &twice));
}

static void give_text(const char *fact, const char *value)
{
	give(fact, (struct pol_value){ .type = POL_TYPE_STRING, .text = pol_str_of(value) });
}

static void give_int(const char *fact, int64_t value)
{
	give(fact, (struct pol_value){ .type = POL_TYPE_INT, .number = value });
}

static struct pol_facts somebody_with(const char *role_name, const char *verb)
{
	held[0] = (struct pol_held){ .role = role(role_name) };
	return (struct pol_facts){ .principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("ann"),
		.held = held,
		.held_count = 1,
		.path = POL_STR("api:/loans/8"),
		.verb = pol_str_of(verb),
		.given = &given,
		.now = 1000 };
}

static void expect(const struct pol_facts *facts, const char *want)
{
	static struct story story;

	cr_expect_str_eq(explain(snapshot, facts, &story, false), want);
}

#define UPDATE "  when context.amount <= principal.limit and resource.owner is not principal.id: "
#define ARCHIVED                                                                                   \
	"denied by role clerk<-base 12 deny all on api:/loans/{loan} when resource.status is "     \
	"archived\n"

Test(explain_condition, each_predicate_is_shown_with_what_it_compared)
{
	struct pol_facts facts = somebody_with("clerk", "update");

	give_int("context.amount", 600);
	give_int("principal.limit", 500);
	give_text("resource.owner", "bob");
	expect(&facts,
		"authorize of :0\n"
		"update api:/loans/{loan}\n"
		"role clerk<-base 10 allow update on api:/loans/{loan}\n" UPDATE "false\n"
		"    context.amount <= principal.limit: 600 <= 500, false\n"
		"    resource.owner is not principal.id: \"bob\" is not \"ann\", true\n" ARCHIVED
		"  when resource.status is archived: false\n"
		"    resource.status is archived: draft is archived, false\n"
		"none would do: role\n");
}

Test(explain_condition, one_that_holds_is_shown_as_true)
{
	struct pol_facts facts = somebody_with("clerk", "update");

	give_int("context.amount", 5);
	give_int("principal.limit", 5);
	give_text("resource.owner", "bob");
	expect(&facts,
		"end of :0\n"
		"update api:/loans/{loan}\n"
		"role clerk<-base 10 allow update on api:/loans/{loan}\n" UPDATE "true\n"
		"    context.amount <= principal.limit: 5 <= 5, true\n"
		"    resource.owner is not principal.id: \"bob\" is not \"ann\", true\n" ARCHIVED
		"  when resource.status is archived: false\n"
		"    resource.status is archived: draft is archived, false\n");
}

Test(explain_condition, what_is_not_known_is_absent)
{
	struct pol_facts facts = somebody_with("clerk", "update");

	give_int("context.amount", 5);
	expect(&facts,
		"facts of :0\n"
		"update api:/loans/{loan}\n"
		"role clerk<-base 10 allow update on api:/loans/{loan}\n" UPDATE "unknown\n"
		"    context.amount <= principal.limit: 5 <= absent, unknown\n"
		"    resource.owner is not principal.id: absent is not \"ann\", unknown\n" ARCHIVED
		"  when resource.status is archived: false\n"
		"    resource.status is archived: draft is archived, false\n");
}

Test(explain_condition, a_rule_that_always_allows_leaves_the_conditional_ones_out)
{
	struct pol_facts facts = somebody_with("clerk", "read");

	held[1] = (struct pol_held){ .role = role("boss") };
	facts.held_count = 2;
	expect(&facts,
		"end of :0\n"
		"read api:/loans/{loan}\n" ARCHIVED "  when resource.status is archived: false\n"
		"    resource.status is archived: draft is archived, false\n"
		"role boss 15 allow read on api:/loans/{loan}\n");
}

Test(explain_condition, a_denial_that_holds_ends_it)
{
	struct pol_facts facts = somebody_with("boss", "read");

	held[1] = (struct pol_held){ .role = role("clerk") };
	facts.held_count = 2;
	give("resource.status",
		(struct pol_value){ .type = POL_TYPE_WORD, .text = POL_STR("archived") });
	expect(&facts, "subject of :0\n"
		       "read api:/loans/{loan}\n"
		       "role boss 15 allow read on api:/loans/{loan}\n" ARCHIVED
		       "  when resource.status is archived: true\n"
		       "    resource.status is archived: archived is archived, true\n"
		       "none would do: role scope\n");
}

Test(explain_condition, needed_is_what_has_a_condition_that_is_not_false)
{
	struct pol_facts facts = somebody_with("boss", "drop");

	expect(&facts,
		"authorize of :0\n"
		"drop api:/loans/{loan}\n"
		"needs role roaming 16 allow drop on api:/loans/{loan} when principal.roles has "
		"\"boss\"\n"
		"  when principal.roles has \"boss\": true\n"
		"    principal.roles has \"boss\": , true\n"
		"needs role keeper 17 allow drop on api:/loans/{loan} when context.amount < 10\n"
		"  when context.amount < 10: unknown\n"
		"    context.amount < 10: absent < 10, unknown\n");
	give_int("context.amount", 10);
	expect(&facts, "authorize of :0\n"
		       "drop api:/loans/{loan}\n"
		       "needs role roaming 16 allow drop on api:/loans/{loan} when principal.roles "
		       "has \"boss\"\n"
		       "  when principal.roles has \"boss\": true\n"
		       "    principal.roles has \"boss\": , true\n");
}

Test(explain_condition, a_role_that_would_deny_it_is_not_needed)
{
	struct pol_facts facts = somebody_with("keeper", "read");

	facts.path = POL_STR("api:/loans/7");
	expect(&facts,
		"authorize of :0\n"
		"read api:/loans/{loan}\n"
		"needs role boss 15 allow read on api:/loans/{loan}\n"
		"needs role base 9 allow read on api:/loans/{loan} when resource.owner is "
		"principal.id or {loan} is \"7\"\n"
		"  when resource.owner is principal.id or {loan} is \"7\": true\n"
		"    resource.owner is principal.id: absent is \"ann\", unknown\n"
		"    {loan} is \"7\": \"7\" is \"7\", true\n"
		"needs role clerk<-base 9 allow read on api:/loans/{loan} when resource.owner "
		"is principal.id or {loan} is \"7\"\n"
		"  when resource.owner is principal.id or {loan} is \"7\": true\n"
		"    resource.owner is principal.id: absent is \"ann\", unknown\n"
		"    {loan} is \"7\": \"7\" is \"7\", true\n");
	give("resource.status",
		(struct pol_value){ .type = POL_TYPE_WORD, .text = POL_STR("archived") });
	expect(&facts, "authorize of :0\n"
		       "read api:/loans/{loan}\n"
		       "needs role boss 15 allow read on api:/loans/{loan}\n");
}

Test(explain_condition, scopes_have_conditions_too)
{
	uint32_t scope = pol_snapshot_scope(snapshot, POL_STR("some"));
	struct pol_facts facts = somebody_with("boss", "read");

	facts.key_state = POL_KEY_ACTIVE;
	facts.binding = POL_BOUND_TO_PRINCIPAL;
	facts.narrowed = true;
	facts.narrowed_by_scopes = true;
	facts.scopes = &scope;
	facts.scope_count = 1;
	give_int("context.amount", 2);
	expect(&facts,
		"subject of :0\n"
		"read api:/loans/{loan}\n"
		"role boss 15 allow read on api:/loans/{loan}\n"
		"scope some 18 allow read on api:/loans/{loan} when context.amount is 1\n"
		"  when context.amount is 1: false\n"
		"    context.amount is 1: 2 is 1, false\n"
		"needs scope most 19 allow read on api:/loans/{loan} when context.amount is not 1\n"
		"  when context.amount is not 1: true\n"
		"    context.amount is not 1: 2 is not 1, true\n");
}

Test(explain_condition, values_are_shown_without_control_characters)
{
	struct pol_facts facts = somebody_with("clerk", "update");
	struct pol_explanation explanation;
	struct pol_decision decision;

	give_text("resource.owner", "b\x1b[31m\x7f");
	cr_assert_eq(pol_explain(snapshot, &facts, &arena, &decision, &explanation), POL_OK);
	for (size_t i = 0; i < explanation.rules[0].predicates[1].values.len; i++) {
		unsigned char c = (unsigned char)explanation.rules[0].predicates[1].values.ptr[i];

		cr_expect(c >= ' ' && c != 0x7f);
	}
}

Test(explain_condition, a_role_of_the_store_has_conditions_of_its_own_and_of_what_it_inherits)
{
	const struct pol_str grants[] = { POL_STR(
		"allow drop on api:/loans/{loan} when context.amount < 10") };
	const struct pol_stored_parent parent = { .name = POL_STR("keeper") };
	struct pol_stored_role made = { .number = 5,
		.tenant = 1,
		.name = POL_STR("kept"),
		.parents = &parent,
		.parent_count = 1 };
	struct pol_facts facts = somebody_with("boss", "drop");
	struct pol_stored_fault fault;
	struct pol_snapshot *with;
	struct pol_snapshot *without = snapshot;
	size_t wrong;

	cr_assert_eq(pol_stored_text_parse(snapshot, grants, 1, &fault, &made.own), POL_OK);
	cr_assert_eq(pol_stored_extend(snapshot, &made, 1, &wrong, &with), POL_OK);
	pol_stored_unref(made.own);
	held[0].role = pol_stored_find(with, 5, 1);
	snapshot = with;
	give_int("context.amount", 10);
	expect(&facts,
		"authorize of :0\n"
		"drop api:/loans/{loan}\n"
		"role kept 0 \n"
		"  when context.amount < 10: false\n"
		"    context.amount < 10: 10 < 10, false\n"
		"role kept<-keeper 17 allow drop on api:/loans/{loan} when context.amount < 10\n"
		"  when context.amount < 10: false\n"
		"    context.amount < 10: 10 < 10, false\n"
		"none would do: role\n");
	snapshot = without;
	pol_snapshot_unref(with);
}

/* Two rules with 32 predicates each, and perhaps a third with one. */
static uint32_t count_predicates(const char *third, struct pol_explanation *out)
{
	char rules[4096] = "tree api { /loans/{loan} { read GET } }\n"
			   "facts { context.amount int\n resource.owner string }\nrole many {\n";
	size_t len = strlen(rules);
	struct pol_facts facts;
	struct pol_decision decision;
	uint32_t count = 0;

	for (int i = 0; i < 64; i++) {
		len += (size_t)snprintf(rules + len, sizeof rules - len, "%s%d",
			i % 32 == 0 ? "\nallow read on api:/loans/{loan} when context.amount in "
				    : ", ",
			i);
	}
	(void)snprintf(rules + len, sizeof rules - len, "\n%s\n}\n", third);
	pol_snapshot_unref(snapshot);
	snapshot = compiled_text_good(rules);
	facts = somebody_with("many", "read");
	cr_assert_eq(pol_explain(snapshot, &facts, &arena, &decision, out), POL_OK);
	for (uint32_t i = 0; i < out->rule_count; i++) {
		count += out->rules[i].predicate_count;
	}
	return count;
}

Test(explain_condition, at_most_64_predicates_are_shown)
{
	struct pol_explanation explanation;

	cr_expect_eq(count_predicates("", &explanation), POL_EXPLAIN_PREDICATES);
	cr_expect_eq(explanation.rule_count, 2u);
	cr_expect_eq(explanation.rules[1].predicate_count, 32u);
	cr_expect_eq(explanation.rules[1].position.line, explanation.rules[0].position.line + 1);
	cr_expect_eq(count_predicates("allow read on api:/loans/{loan} when context.amount > 99",
			     &explanation),
		POL_EXPLAIN_PREDICATES);
	cr_expect_eq(explanation.rule_count, 3u);
	cr_expect_eq(explanation.rules[2].predicate_count, 0u);
	cr_expect_gt(explanation.rules[2].when.len, 0u);
}

Test(explain_condition, long_texts_are_cut_between_characters)
{
	struct pol_facts facts = somebody_with("clerk", "update");
	const struct pol_explained_predicate *predicate;
	struct pol_explanation explanation;
	struct pol_decision decision;
	char long_name[2 * POL_EXPLAIN_PREDICATE + 1];

	for (size_t i = 0; i < sizeof long_name - 1; i += 2) {
		memcpy(long_name + i, "\xc3\xa4", 3);
	}
	give_text("resource.owner", long_name);
	cr_assert_eq(pol_explain(snapshot, &facts, &arena, &decision, &explanation), POL_OK);
	predicate = &explanation.rules[0].predicates[1];
	cr_expect_eq(predicate->values.len, POL_EXPLAIN_PREDICATE - 1);
	cr_expect(pol_str_is_utf8(predicate->values));
}
