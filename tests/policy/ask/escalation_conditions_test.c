/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/ask/escalation.h"
#include "policy/snapshot/given.h"
#include "tests/policy/compiled_text.h"

/*
 * A grantor with conditions gives roles with others. In each case the first role is what the
 * grantor has, the second what is given.
 */

static const char policy[] =
	"facts {\n"
	"  principal.branch string\n"
	"  principal.limit int\n"
	"  principal.level int default 1\n"
	"  resource.branch string\n"
	"  resource.owner string\n"
	"  resource.status draft | active | archived default active\n"
	"  resource.a bool\n"
	"  context.amount int\n"
	"  context.urgent bool default false\n"
	"}\n"
	"tree api { /loans/{loan} { read GET, approve POST } }\n"
	"tree api2 { /x { GET } }\n"
	"role always { allow approve on api:/loans/{loan} }\n"
	"role to_500 { allow approve on api:/loans/{loan} when context.amount <= 500 }\n"
	"role to_501 { allow approve on api:/loans/{loan} when context.amount <= 501 }\n"
	"role below_501 { allow approve on api:/loans/{loan} when context.amount < 501 }\n"
	"role to_100 { allow approve on api:/loans/{loan} when context.amount <= 100 }\n"
	"role to_500_or_draft { allow approve on api:/loans/{loan}\n"
	"  when context.amount <= 500 or resource.status is draft }\n"
	"role to_500_and_draft { allow approve on api:/loans/{loan}\n"
	"  when context.amount <= 500 and resource.status is draft }\n"
	"role two { allow approve on api:/loans/{loan} when context.amount <= 500\n"
	"  allow approve on api:/loans/{loan} when context.amount > 500 }\n"
	"role not_archived { allow approve on api:/loans/{loan}\n"
	"  deny approve on api:/loans/{loan} when resource.status is archived }\n"
	"role unless_archived { allow approve on api:/loans/{loan}\n"
	"  when resource.status is not archived }\n"
	"role listed { allow approve on api:/loans/{loan}\n"
	"  when resource.status in draft, active }\n"
	"role denies { deny approve on api:/loans/{loan} when resource.status is archived }\n"
	"role denies_more { deny approve on api:/loans/{loan}\n"
	"  when resource.status in archived, draft }\n"
	"role calm { allow approve on api:/loans/{loan} when not context.urgent }\n"
	"role said_calm { allow approve on api:/loans/{loan} when context.urgent is false }\n"
	"role urgent { allow approve on api:/loans/{loan} when context.urgent }\n"
	"role any_urgency { allow approve on api:/loans/{loan}\n"
	"  when context.urgent or not context.urgent }\n"
	"role branch { allow approve on api:/loans/{loan}\n"
	"  when principal.branch is resource.branch }\n"
	"role north { allow approve on api:/loans/{loan} when resource.branch is \"north\" }\n"
	"role limit { allow approve on api:/loans/{loan}\n"
	"  when context.amount <= principal.limit }\n"
	"role level { allow approve on api:/loans/{loan}\n"
	"  when context.amount <= principal.level }\n"
	"role own { allow approve on api:/loans/{loan} when resource.owner is principal.id }\n"
	"role of_bob { allow approve on api:/loans/{loan} when resource.owner is \"bob\" }\n"
	"role path { allow approve on api:/loans/{loan} when {loan} is principal.id }\n"
	"role seven { allow approve on api:/loans/{loan} when {loan} is \"7\" }\n"
	"role owner_7 { allow approve on api:/loans/{loan} when resource.owner is \"7%\" }\n"
	"role owner_is_loan { allow approve on api:/loans/{loan} when resource.owner is {loan} }\n"
	"role user { allow approve on api:/loans/{loan} when principal.kind is user }\n"
	"role with_500 { allow approve on api:/loans/{loan} when principal.roles has \"to_500\" }\n"
	"scope to_500_scope { allow approve on api:/loans/{loan} when context.amount <= 500 }\n";

/* Who: roles with commas, what the record says of branch and limit, and a place of the first. */
struct who {
	const char *id;
	const char *roles;
	const char *branch;
	int64_t limit; /* 0: not said */
	const char *place;
};

struct made {
	struct pol_facts facts;
	struct pol_held held[3];
	struct pol_str place;
	struct pol_given_fact attributes[2];
	struct pol_given given;
};

static const struct pol_facts *make(
	const struct pol_snapshot *snapshot, const struct who *who, struct made *out)
{
	const char *at = who->roles;

	*out = (struct made){ .facts = { .principal_state = POL_PRINCIPAL_ACTIVE,
				      .principal = pol_str_of(who->id),
				      .principal_kind = POL_KIND_USER } };
	if (who->id == NULL) {
		return NULL;
	}
	while (at != NULL && *at != '\0') {
		size_t len = strcspn(at, ",");
		uint32_t role = pol_snapshot_role(snapshot, (struct pol_str){ at, len });

		cr_assert_neq(role, POL_NONE, "%s", at);
		out->held[out->facts.held_count++].role = role;
		at += len + (at[len] == ',');
	}
	out->facts.held = out->held;
	if (who->place != NULL) {
		out->place = pol_str_of(who->place);
		out->held[0].places = &out->place;
		out->held[0].place_count = 1;
	}
	out->given.items = out->attributes;
	if (who->branch != NULL) {
		out->attributes[out->given.count++] = (struct pol_given_fact){
			pol_condition_fact(snapshot, POL_STR("principal.branch")),
			{ .type = POL_TYPE_STRING, .text = pol_str_of(who->branch) }
		};
	}
	if (who->limit != 0) {
		out->attributes[out->given.count++] = (struct pol_given_fact){
			pol_condition_fact(snapshot, POL_STR("principal.limit")),
			{ .type = POL_TYPE_INT, .number = who->limit }
		};
	}
	out->facts.attributes = &out->given;
	return &out->facts;
}

static bool gives_too_much(const struct pol_snapshot *snapshot, const struct who *before,
	const struct who *after, const struct who *own, struct pol_grantor grantor)
{
	static const struct pol_escalation_time now = { .when = INT64_MIN };
	struct made made[3];
	struct pol_escalation_search *search;
	struct pol_escalation out = { .found = false };

	grantor.facts = make(snapshot, own, &made[2]);
	cr_assert_eq(pol_escalation_open(snapshot, make(snapshot, before, &made[0]),
			     make(snapshot, after, &made[1]), grantor.facts, &search),
		POL_OK);
	pol_escalation_find_at(search, &now, &grantor, &out);
	pol_escalation_close(search);
	return out.found;
}

Test(escalation_conditions, nobody_gives_more_than_the_own_conditions_allow)
{
	static const struct {
		const char *own, *given;
		bool refused;
	} cases[] = {
		{ "to_500", "to_500", false },
		{ "to_500", "below_501", false },
		{ "to_500", "to_100", false },
		{ "to_500", "to_500_and_draft", false },
		{ "to_500", "to_501", true },
		{ "to_500", "to_500_or_draft", true },
		{ "to_500", "always", true },
		{ "to_500", "two", true },
		{ "to_500", "not_archived", true },
		{ "always", "to_501", false },
		{ "to_501,to_100", "to_500", false },
		/* Together they allow what is not absent. */
		{ "two", "to_501", false },
		{ "two", "always", true },
		/* A denial that holds back the grantor, and not the other. */
		{ "not_archived", "always", true },
		{ "not_archived", "unless_archived", false },
		{ "unless_archived", "not_archived", false },
		{ "not_archived", "listed", false },
		{ "listed", "not_archived", false },
		{ "always,denies", "listed", false },
		{ "always,denies_more", "listed", true },
		/* A missing fact's default. */
		{ "calm", "said_calm", false },
		{ "said_calm", "calm", false },
		{ "calm", "urgent", true },
		{ "urgent", "any_urgency", true },
		{ "calm,urgent", "any_urgency", false },
		/* An ill-typed fact is neither. */
		{ "any_urgency", "always", true },
		/* Of the path. */
		{ "seven", "always", true },
		{ "always", "seven", false },
	};
	struct pol_snapshot *snapshot = compiled_text_good(policy);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct who bare = { .id = "ann" };
		const struct who after = { .id = "ann", .roles = cases[i].given };
		const struct who own = { .id = "bob", .roles = cases[i].own };

		cr_expect_eq(gives_too_much(snapshot, &bare, &after, &own,
				     (struct pol_grantor){ .facts = NULL }),
			cases[i].refused, "%s gives %s", cases[i].own, cases[i].given);
	}
	pol_snapshot_unref(snapshot);
}

Test(escalation_conditions, a_role_may_not_be_made_that_allows_more_than_its_maker_has)
{
	static const struct {
		const char *own, *before, *after;
		bool refused;
	} cases[] = {
		{ "to_500", NULL, "to_500", false },
		{ "to_500", NULL, "to_100", false },
		{ "to_500", NULL, "to_501", true },
		{ "to_500", NULL, "to_500_or_draft", true },
		{ "to_500", NULL, "always", true },
		{ "not_archived", NULL, "not_archived", false },
		{ "not_archived", NULL, "always", true },
		/* A role that was there before. */
		{ "to_500", "to_501", "to_501", false },
		{ "to_100", "to_501", "to_500", false },
		{ "to_100", "to_500", "to_501", true },
		{ "to_500", "to_500_and_draft", "to_500", false },
		/* Its denial is dropped, or denies less. */
		{ "to_500", "not_archived", "always", true },
		{ "to_500", "denies_more", "denies", true },
		{ "to_500", "denies", "denies_more", false },
		{ "always", "denies_more", "denies", false },
		{ "listed", "denies_more", "denies", false },
		/* Its holder is not known, and its maker is. */
		{ "own", NULL, "of_bob", false },
		{ "own", NULL, "own", true },
		{ "path", NULL, "path", true },
		{ "branch", NULL, "north", false },
		{ "branch", NULL, "branch", true },
		{ "always", NULL, "own", false },
		{ "user", NULL, "user", false },
		{ "user", NULL, "always", false },
		{ "with_500,to_500", NULL, "with_500", false },
		{ "with_500", NULL, "with_500", true },
	};
	struct pol_snapshot *snapshot = compiled_text_good(policy);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct who own = { .id = "bob", .roles = cases[i].own, .branch = "north" };
		struct made made;
		const struct pol_grantor grantor = { .facts = make(snapshot, &own, &made) };
		struct pol_escalation out = { .found = false };
		uint32_t before = cases[i].before != NULL
					  ? pol_snapshot_role(snapshot, pol_str_of(cases[i].before))
					  : POL_NONE;

		cr_assert_eq(pol_escalation_of_role(snapshot, before, snapshot,
				     pol_snapshot_role(snapshot, pol_str_of(cases[i].after)),
				     &grantor, &out),
			POL_OK);
		cr_expect_eq(out.found, cases[i].refused, "%s makes %s of %s", cases[i].own,
			cases[i].after, cases[i].before != NULL ? cases[i].before : "nothing");
	}
	pol_snapshot_unref(snapshot);
}

Test(escalation_conditions, each_one_has_the_facts_of_the_own_record)
{
	static const struct {
		struct who own, after;
		bool refused;
	} cases[] = {
		{ { "bob", "branch", "north", 0, NULL }, { "ann", "branch", "north", 0, NULL },
			false },
		{ { "bob", "branch", "north", 0, NULL }, { "ann", "north", NULL, 0, NULL }, false },
		{ { "bob", "branch", "north", 0, NULL }, { "ann", "branch", "south", 0, NULL },
			true },
		/* A peer may state any branch for ann, and none counts as bob's. */
		{ { "bob", "branch", "north", 0, NULL }, { "ann", "branch", NULL, 0, NULL }, true },
		{ { "bob", "branch", NULL, 0, NULL }, { "ann", "branch", "north", 0, NULL }, true },
		{ { "bob", "limit", NULL, 500, NULL }, { "ann", "limit", NULL, 500, NULL }, false },
		{ { "bob", "limit", NULL, 500, NULL }, { "ann", "limit", NULL, 499, NULL }, false },
		{ { "bob", "limit", NULL, 500, NULL }, { "ann", "limit", NULL, 501, NULL }, true },
		{ { "bob", "to_500", NULL, 0, NULL }, { "ann", "limit", NULL, 500, NULL }, false },
		{ { "bob", "limit", NULL, 500, NULL }, { "ann", "to_500", NULL, 0, NULL }, false },
		{ { "bob", "level", NULL, 0, NULL }, { "ann", "level", NULL, 0, NULL }, true },
		{ { "bob", "own", NULL, 0, NULL }, { "ann", "own", NULL, 0, NULL }, true },
		{ { "bob", "own", NULL, 0, NULL }, { "ann", "of_bob", NULL, 0, NULL }, false },
		{ { "ann", "of_bob", NULL, 0, NULL }, { "bob", "own", NULL, 0, NULL }, false },
		{ { "bob", "path", NULL, 0, NULL }, { "ann", "path", NULL, 0, NULL }, true },
		{ { "7", "path", NULL, 0, NULL }, { "ann", "seven", NULL, 0, NULL }, false },
		/* At a place its values are known. */
		{ { "bob", "path", NULL, 0, NULL }, { "ann", "always", NULL, 0, "api:/loans/bob" },
			false },
		{ { "bob", "path", NULL, 0, NULL }, { "ann", "always", NULL, 0, "api:/loans/7" },
			true },
		{ { "bob", "to_500", NULL, 0, "api:/loans/7" },
			{ "ann", "to_500", NULL, 0, "api:/loans/7" }, false },
		{ { "bob", "to_500", NULL, 0, "api:/loans/7" },
			{ "ann", "to_500", NULL, 0, "api:/loans/8" }, true },
		/* What principal.roles has is what is held here. */
		{ { "bob", "with_500,to_500", NULL, 0, NULL },
			{ "ann", "with_500,to_500", NULL, 0, NULL }, false },
		{ { "bob", "with_500", NULL, 0, NULL }, { "ann", "with_500,to_500", NULL, 0, NULL },
			true },
		{ { "bob", "to_500", NULL, 0, NULL }, { "ann", "with_500", NULL, 0, NULL }, false },
	};
	struct pol_snapshot *snapshot = compiled_text_good(policy);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct who bare = cases[i].after;

		bare.roles = NULL;
		bare.place = NULL;
		cr_expect_eq(gives_too_much(snapshot, &bare, &cases[i].after, &cases[i].own,
				     (struct pol_grantor){ .facts = NULL }),
			cases[i].refused, "case %zu: %s gives %s", i, cases[i].own.roles,
			cases[i].after.roles);
	}
	pol_snapshot_unref(snapshot);
}

Test(escalation_conditions, what_was_allowed_before_is_no_gain)
{
	static const struct {
		struct who before, after;
		bool refused;
	} cases[] = {
		{ { "ann", "to_500", NULL, 0, NULL }, { "ann", "to_100", NULL, 0, NULL }, false },
		{ { "ann", "to_100", NULL, 0, NULL }, { "ann", "to_500", NULL, 0, NULL }, true },
		{ { "ann", "branch", NULL, 0, NULL }, { "ann", "branch", NULL, 0, NULL }, false },
		{ { "ann", "branch", "north", 0, NULL }, { "ann", "branch", "south", 0, NULL },
			true },
		{ { "ann", "limit", NULL, 500, NULL }, { "ann", "limit", NULL, 100, NULL }, false },
		{ { "ann", "limit", NULL, 100, NULL }, { "ann", "limit", NULL, 500, NULL }, true },
		{ { "ann", "always,denies", NULL, 0, NULL }, { "ann", "always", NULL, 0, NULL },
			true },
		{ { "ann", "always,denies", NULL, 0, NULL },
			{ "ann", "unless_archived", NULL, 0, NULL }, false },
		{ { NULL, NULL, NULL, 0, NULL }, { "ann", "to_100", NULL, 0, NULL }, true },
	};
	struct pol_snapshot *snapshot = compiled_text_good(policy);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct who own = { .id = "bob" };

		cr_expect_eq(gives_too_much(snapshot, &cases[i].before, &cases[i].after, &own,
				     (struct pol_grantor){ .facts = NULL }),
			cases[i].refused, "case %zu", i);
	}
	pol_snapshot_unref(snapshot);
}

Test(escalation_conditions, what_may_be_granted_is_granted_with_its_conditions)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	const uint32_t roles[] = { pol_snapshot_role(snapshot, POL_STR("branch")) };
	const uint32_t scopes[] = { pol_snapshot_scope(snapshot, POL_STR("to_500_scope")) };
	const struct pol_grantor grantor = { .roles = roles, .role_count = 1 };
	const struct pol_grantor by_scope = { .scopes = scopes, .scope_count = 1 };
	const struct who own = { .id = "bob" }, bare = { .id = "ann" };
	const struct who branch = { .id = "ann", .roles = "branch" };
	const struct who always = { .id = "ann", .roles = "always" };
	const struct who to_500 = { .id = "ann", .roles = "to_500" };

	cr_expect(!gives_too_much(snapshot, &bare, &branch, &own, grantor));
	cr_expect(gives_too_much(snapshot, &bare, &always, &own, grantor));
	cr_expect(!gives_too_much(snapshot, &bare, &to_500, &own, by_scope));
	cr_expect(gives_too_much(snapshot, &bare, &always, &own, by_scope));
	pol_snapshot_unref(snapshot);
}

/* Their texts are decoded in one buffer. */
Test(escalation_conditions, each_place_has_values_of_its_own)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	const struct who bare = { .id = "ann" };
	const struct who own = { .id = "bob", .roles = "owner_7" };
	const struct who after = {
		.id = "ann", .roles = "owner_is_loan,owner_is_loan", .place = "api:/loans/7%25"
	};
	struct pol_escalation_search *search;
	struct pol_str places[] = { POL_STR("api:/loans/7%25"), POL_STR("api:/loans/8%25") };
	struct pol_escalation_time now = { .when = INT64_MIN };
	struct made made[3];
	const struct pol_grantor grantor = { .facts = make(snapshot, &own, &made[2]) };

	for (size_t i = 0; i < 2; i++) {
		struct pol_escalation out = { .found = false };
		const struct pol_facts *was = make(snapshot, &bare, &made[0]);
		const struct pol_facts *is = make(snapshot, &after, &made[1]);

		made[1].held[1].places = &places[i];
		made[1].held[1].place_count = 1;
		cr_assert_eq(
			pol_escalation_open(snapshot, was, is, grantor.facts, &search), POL_OK);
		pol_escalation_find_at(search, &now, &grantor, &out);
		pol_escalation_close(search);
		cr_expect_eq(out.found, i == 1);
	}
	pol_snapshot_unref(snapshot);
}

/* A grantor whose condition has `count` facts gives one that has one more. With `otherwise` the
 * first fact is written in another way. */
static bool refuses_narrower(int count, bool otherwise)
{
	char text[4096] = "facts { resource.n int\n", rest[1024] = "", *end = text + strlen(text);
	const struct who bare = { .id = "ann" }, after = { .id = "ann", .roles = "given" };
	const struct who bob = { .id = "bob", .roles = "own" };
	struct pol_snapshot *snapshot;
	bool refused;

	for (int i = 1; i <= count; i++) {
		end += sprintf(end, " resource.b%d bool\n", i);
		if (i < count) {
			sprintf(rest + strlen(rest), " and resource.b%d", i);
		}
	}
	sprintf(end,
		"}\ntree api { /x { GET } }\nrole own { allow GET on api:/x when resource.n < 5%s "
		"}\n"
		"role given { allow GET on api:/x when resource.n <%s%s and resource.b%d }\n",
		rest, otherwise ? "= 4" : " 5", rest, count);
	snapshot = compiled_text_good(text);
	refused = gives_too_much(
		snapshot, &bare, &after, &bob, (struct pol_grantor){ .facts = NULL });
	pol_snapshot_unref(snapshot);
	return refused;
}

Test(escalation_conditions, what_is_not_decided_is_refused)
{
	cr_expect(!refuses_narrower(14, true));
	cr_expect(refuses_narrower(15, true));
}

Test(escalation_conditions, further_conditions_are_given_however_many_facts_there_are)
{
	cr_expect(!refuses_narrower(20, false));
	cr_expect(!refuses_narrower(40, false));
}

/* Roles of which each comparison takes half of the steps that one change may, and some more. */
Test(escalation_conditions, one_change_takes_a_bounded_number_of_steps)
{
	char text[8192] = "facts { resource.n int\n", *end = text + strlen(text);
	struct pol_escalation out = { .found = false };
	struct pol_snapshot *snapshot;
	struct made made;
	struct pol_grantor grantor = { .facts = NULL };
	const struct who bob = { .id = "bob", .roles = "own" };
	uint32_t role;

	for (int i = 1; i < 15; i++) {
		end += sprintf(end, " resource.b%d bool\n", i);
	}
	end += sprintf(end, "}\ntree api { /x { GET, PUT } }\n");
	for (int r = 0; r < 2; r++) {
		end += sprintf(end, "role %s {\n", r == 0 ? "own" : "given");
		for (int v = 0; v < 2; v++) {
			end += sprintf(end, "  allow %s on api:/x when resource.n <%s",
				v > 0 ? "PUT" : "GET", r > 0 ? "= 4" : " 5");
			for (int i = 1; i < 15; i++) {
				end += sprintf(
					end, " %s resource.b%d", v > 0 && i == 1 ? "and" : "or", i);
			}
			end += sprintf(end, "\n");
		}
		end += sprintf(end, "}\n");
	}
	snapshot = compiled_text_good(text);
	grantor.facts = make(snapshot, &bob, &made);
	role = pol_snapshot_role(snapshot, POL_STR("given"));
	cr_assert_eq(
		pol_escalation_of_role(snapshot, POL_NONE, snapshot, role, &grantor, &out), POL_OK);
	/* The first permission was decided, and the second was not. */
	cr_expect(out.found);
	cr_expect_str_eq(out.action, "PUT");
	cr_expect_gt(out.steps, POL_ESCALATION_STEPS / 2);
	cr_expect_leq(out.steps, POL_ESCALATION_STEPS);
	/* Another change has its own count. */
	out = (struct pol_escalation){ .found = false };
	cr_assert_eq(
		pol_escalation_of_role(snapshot, role, snapshot, role, &grantor, &out), POL_OK);
	cr_expect(!out.found);
	pol_snapshot_unref(snapshot);
}

Test(escalation_conditions, after_its_steps_a_change_is_not_decided)
{
	struct pol_snapshot *snapshot =
		compiled_text_good("facts { resource.n int }\ntree api { /x { GET } }\n"
				   "role own { allow GET on api:/x when resource.n < 5 }\n"
				   "role given { allow GET on api:/x when resource.n < 5 }\n");
	const struct who bob = { .id = "bob", .roles = "own" };
	struct made made;
	const struct pol_grantor grantor = { .facts = make(snapshot, &bob, &made) };
	uint32_t role = pol_snapshot_role(snapshot, POL_STR("given"));

	for (uint64_t more = 0; more < 2; more++) {
		struct pol_escalation out = { .steps = POL_ESCALATION_STEPS - 1 + more };

		cr_assert_eq(
			pol_escalation_of_role(snapshot, POL_NONE, snapshot, role, &grantor, &out),
			POL_OK);
		cr_expect_eq(out.found, more == 1);
		cr_expect_geq(out.steps, POL_ESCALATION_STEPS);
	}
	pol_snapshot_unref(snapshot);
}
