/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/explain.h"

#include "policy/decide/subject.h"
#include "policy/snapshot/tree.h"
#include "tests/policy/ask/explain_story.h"

TestSuite(explain, .init = begin, .fini = end);

/* --- the walk --------------------------------------------------------------------------------- */

Test(explain, each_line_of_the_stack_has_its_position_and_what_it_did)
{
	struct pol_held held = { .role = role("reader") };
	struct pol_facts facts = somebody(&held, 1);
	struct story story;

	cr_expect_str_eq(explain(snapshot, &facts, &story, true),
		"end of other:15\n"
		"authenticate: passed\n"
		"  16 other sufficient key: deny missing_token\n"
		"  17 other required principal: allow\n"
		"account: passed\n"
		"  18 other optional network allow=10.0.0.0/8,192.0.2.1: deny network\n"
		"  26 sub sufficient permit: allow ends substack\n"
		"  27 sub required deny: -\n"
		"  20 other required permit: allow\n"
		"authorize: passed\n"
		"  21 other required role: allow\n"
		"  22 other required scope: ignore\n"
		"record: failed no_decision\n"
		"  23 other optional warn: ignore\n"
		"read api:/loans/{loan}\n"
		"role reader 5 allow GET on api:/**\n");
}

Test(explain, a_group_that_is_not_reached_has_its_lines_all_the_same)
{
	struct pol_facts facts = somebody(NULL, 0);
	struct story story;

	facts.principal_state = POL_PRINCIPAL_NONE;
	cr_expect_str_eq(explain(snapshot, &facts, &story, true),
		"authenticate of other:15\n"
		"authenticate: failed missing_token\n"
		"  16 other sufficient key: deny missing_token\n"
		"  17 other required principal: deny missing_token\n"
		"account: not asked\n"
		"  18 other optional network allow=10.0.0.0/8,192.0.2.1: -\n"
		"  26 sub sufficient permit: -\n"
		"  27 sub required deny: -\n"
		"  20 other required permit: -\n"
		"authorize: not asked\n"
		"  21 other required role: -\n"
		"  22 other required scope: -\n"
		"record: failed no_decision\n"
		"  23 other optional warn: ignore\n");
}

Test(explain, the_built_in_stack_stands_nowhere)
{
	struct pol_snapshot *plain = compiled_text_good("tree api { /a { GET } }\n");
	struct pol_facts facts = somebody(NULL, 0);
	struct story story;

	facts.path = POL_STR("/a");
	cr_expect_str_eq(explain(plain, &facts, &story, true),
		"authorize of :0\n"
		"authenticate: passed\n"
		"  0  sufficient key: deny missing_token\n"
		"  0  required principal: allow\n"
		"account: not asked\n"
		"authorize: failed role\n"
		"  0  required role: deny role\n"
		"  0  required scope: ignore\n"
		"record: not asked\n"
		"GET api:/a\nnone would do: role\n");
	pol_snapshot_unref(plain);
}

/* One line with each control and verdict, and what it ends. */
Test(explain, every_control_shows_what_it_made_of_every_verdict)
{
	static const struct {
		const char *line;
		const char *first;
		const char *second;
	} rows[] = {
		{ "required permit", "passed", "allow|allow" },
		{ "requisite permit", "passed", "allow|allow" },
		{ "sufficient permit", "passed", "allow ends|-" },
		{ "optional permit", "passed", "allow|allow" },
		{ "required deny", "failed deny", "deny deny|allow" },
		{ "requisite deny", "failed deny", "deny deny ends|-" },
		{ "sufficient deny", "passed", "deny deny|allow" },
		{ "optional deny", "passed", "deny deny|allow" },
		{ "required warn", "passed", "ignore|allow" },
		{ "requisite warn", "passed", "ignore|allow" },
		{ "sufficient warn", "passed", "ignore|allow" },
		{ "optional warn", "passed", "ignore|allow" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char policy[512], expected[256];
		struct pol_snapshot *one;
		struct pol_facts facts = somebody(NULL, 0);
		struct story story;
		char first[64] = "", second[64] = "";

		(void)sscanf(rows[i].second, "%63[^|]|%63[^\n]", first, second);
		snprintf(policy, sizeof policy,
			"tree api { /loans/{loan} { GET } }\nstack other {\n"
			"authenticate required principal\naccount %s\naccount required permit\n"
			"authorize required permit\n}\n",
			rows[i].line);
		snprintf(expected, sizeof expected,
			"account: %s\n  4 other %s: %s\n  5 other required permit: %s\n",
			rows[i].first, rows[i].line, first, second);
		one = compiled_text_good(policy);
		cr_expect_not_null(
			strstr(explain(one, &facts, &story, true), expected), "%s", story.said);
		pol_snapshot_unref(one);
	}
}

/* --- the rules -------------------------------------------------------------------------------- */

Test(explain, a_rule_has_its_chain_its_position_and_its_permissions)
{
	static const struct pol_str places[] = { POL_STR_INIT("api:/loans/8"),
		POL_STR_INIT("api:/loans/7") };
	struct pol_held writer = { .role = role("writer"), .until = 9 };
	struct pol_held boss = { .role = role("boss"), .places = places, .place_count = 2 };
	struct pol_held both[] = { { .role = role("careful") }, boss };
	struct pol_facts facts = somebody(&writer, 1);
	struct story story;

	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"end of other:15\nread api:/loans/{loan}\n"
		"role writer<-reader 5 allow GET on api:/** until 9\n");
	facts.verb = POL_STR("update");
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"end of other:15\nupdate api:/loans/{loan}\n"
		"role writer 7 allow PUT on api:/loans/{loan} until 9 of PUT\n"
		"role writer 8 allow PATCH on api:/loans/{loan} until 9 of PATCH\n");
	facts = somebody(both, 2);
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"end of other:15\nread api:/loans/{loan}\n"
		"role boss 10 allow all on api:/** at api:/loans/7\n");
	facts.verb = POL_STR("DELETE");
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"subject of other:15\ndelete api:/loans/{loan}\n"
		"denied by role careful 11 deny DELETE on api:/loans/{loan}\n"
		"role boss 10 allow all on api:/** at api:/loans/7\n"
		"none would do: role scope\n");
	facts = somebody(NULL, 0);
	facts.path = POL_STR("/loans");
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"end of other:15\nlist api:/loans\n"
		"role anyone 12 allow GET on api:/loans\n");
}

Test(explain, a_key_is_explained_with_its_scopes_and_its_places)
{
	static const struct pol_str place = POL_STR_INIT("api:/loans/8");
	uint32_t scope = pol_snapshot_scope(snapshot, POL_STR("all"));
	struct pol_facts facts = somebody(NULL, 0);
	struct story story;

	facts.key_state = POL_KEY_ACTIVE;
	facts.binding = POL_BOUND_TO_SCOPES;
	facts.principal_state = POL_PRINCIPAL_NONE;
	facts.narrowed = facts.narrowed_by_scopes = true;
	facts.scopes = &scope;
	facts.scope_count = 1;
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"end of other:15\nread api:/loans/{loan}\n"
		"scope all 14 allow all on api:/**\n");
	scope = pol_snapshot_scope(snapshot, POL_STR("reading"));
	facts.verb = POL_STR("DELETE");
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"subject of other:15\ndelete api:/loans/{loan}\n"
		"needs scope all 14 allow all on api:/**\n");
	facts.verb = POL_STR("GET");
	facts.key_places = &place;
	facts.key_place_count = 1;
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"subject of other:15\nread api:/loans/{loan}\n"
		"scope reading 13 allow GET on api:/**\nnone would do: scope\nkey at "
		"api:/loans/8");
}

Test(explain, a_long_line_is_cut_to_whole_characters)
{
	char policy[4096];
	size_t used = (size_t)snprintf(policy, sizeof policy, "%s",
		"tree api { /é { GET } }\nrole r { allow GET on api:/é");
	struct pol_snapshot *wide;
	struct pol_held held = { 0 };
	struct pol_facts facts = somebody(&held, 1);
	struct pol_decision decision = { .allow = false };
	struct pol_explanation explanation = { 0 };

	for (int i = 0; i < 300; i++) {
		used += (size_t)snprintf(policy + used, sizeof policy - used, ", api:/é");
	}
	snprintf(policy + used, sizeof policy - used, " }\n");
	wide = compiled_text_good(policy);
	held.role = pol_snapshot_role(wide, POL_STR("r"));
	facts.path = POL_STR("/é");
	cr_assert_eq(pol_explain(wide, &facts, &arena, &decision, &explanation), POL_OK);
	cr_assert(decision.allow);
	/* The limit is in the middle of an é. */
	cr_expect_eq(explanation.rules[0].text.len, POL_EXPLAIN_TEXT - 1);
	cr_expect(pol_str_is_utf8(explanation.rules[0].text));
	pol_snapshot_unref(wide);
}

Test(explain, a_resource_without_the_action_is_shown_with_what_it_has)
{
	struct pol_facts facts = somebody(NULL, 0);
	struct story story;

	facts.verb = POL_STR("POST");
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"resource of other:15\n api:/loans/{loan}\nit has read,update,delete");
	facts.path = POL_STR("/nowhere");
	cr_expect_str_eq(explain(snapshot, &facts, &story, false), "resource of other:15\n");
}

/* --- what is not shown ------------------------------------------------------------------------ */

Test(explain, no_rule_is_shown_before_the_decision_reached_it)
{
	struct pol_held held = { .role = role("boss") };
	struct story story;

	for (int i = 0; i < 6; i++) {
		static const char *const stages[] = { "token", "principal", "principal",
			"environment", "environment", "resource of other:15" };
		struct pol_facts facts = somebody(&held, 1);
		char expected[64];

		facts.key_state = i == 0 ? POL_KEY_REVOKED : POL_KEY_MISSING;
		facts.principal_state = i == 1 ? POL_PRINCIPAL_INACTIVE : POL_PRINCIPAL_ACTIVE;
		facts.tenant_inactive = i == 2;
		facts.wrong_environment = i == 3;
		facts.wrong_tenant = i == 4;
		facts.path = i == 5 ? POL_STR("/loans/..") : facts.path;
		snprintf(expected, sizeof expected, "%s\n", stages[i]);
		cr_expect_str_eq(explain(snapshot, &facts, &story, false), expected);
	}
}
