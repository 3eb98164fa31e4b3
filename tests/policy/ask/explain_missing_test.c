/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an explanation of a denial names: the roles and scopes that would allow the request.
 */

#include "policy/snapshot/stored.h"
#include "tests/policy/ask/explain_story.h"

TestSuite(explain_missing, .init = begin, .fini = end);

Test(explain_missing, the_nearest_roles_that_would_do_are_named)
{
	static const struct pol_str place = POL_STR_INIT("api:/loans/8");
	struct pol_held held[] = { { .role = role("reader") },
		{ .role = role("boss"), .places = &place, .place_count = 1, .until = 9 } };
	struct pol_facts facts = somebody(held, 1);
	struct story story;

	facts.verb = POL_STR("PATCH");
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"authorize of other:15\nupdate api:/loans/{loan}\n"
		"needs role writer 8 allow PATCH on api:/loans/{loan}\n"
		"needs role boss 10 allow all on api:/**\n");
	facts = somebody(held, 2);
	facts.verb = POL_STR("PATCH");
	cr_expect_str_eq(explain(snapshot, &facts, &story, false),
		"authorize of other:15\nupdate api:/loans/{loan}\n"
		"needs role boss 10 allow all on api:/** held at api:/loans/8 until 9\n"
		"needs role writer 8 allow PATCH on api:/loans/{loan}\n");
}

/* Explains POST on api:/a to a viewer, whose key has scope `reading` when there is one. */
static void expect_post(const char *policy, struct pol_facts facts, const char *expected)
{
	struct pol_snapshot *other = compiled_text_good(policy);
	struct pol_held held = { .role = pol_snapshot_role(other, POL_STR("viewer")) };
	uint32_t scope = pol_snapshot_scope(other, POL_STR("reading"));
	struct story story;
	const char *said;

	facts.held = &held;
	facts.held_count = facts.principal_state == POL_PRINCIPAL_ACTIVE;
	facts.scopes = &scope;
	facts.scope_count = facts.key_state == POL_KEY_ACTIVE;
	facts.narrowed = facts.narrowed_by_scopes = facts.scope_count > 0;
	facts.path = POL_STR("/a");
	facts.verb = POL_STR("POST");
	said = explain(other, &facts, &story, false);
	cr_expect_str_eq(strstr(said, "POST api:/a\n") + strlen("POST api:/a\n"), expected);
	pol_snapshot_unref(other);
}

static const char post_tree[] = "tree api { /a { GET, POST } }\n"
				"role viewer { allow GET on api:/a }\n"
				"role maker { allow POST on api:/a }\n"
				"role senior inherits maker { allow GET on api:/a }\n"
				"scope reading { allow GET on api:/a }\n";

#define POST_POLICY(more) (snprintf(policy, sizeof policy, "%s%s", post_tree, (more)), policy)

Test(explain_missing, a_role_that_is_exclusive_with_one_that_is_held_is_not_needed)
{
	char policy[1024];
	struct pol_facts facts = somebody(NULL, 0);

	expect_post(POST_POLICY(""), facts,
		"needs role maker 3 allow POST on api:/a\n"
		"needs role senior<-maker 3 allow POST on api:/a\n");
	/* senior inherits maker. */
	expect_post(POST_POLICY("exclusive viewer, maker\n"), facts, "none would do: role\n");
	expect_post(POST_POLICY("exclusive viewer, senior\n"), facts,
		"needs role maker 3 allow POST on api:/a\n");
	facts.declared = true;
	expect_post(POST_POLICY("role past {}\nexclusive past, maker\n"
				"principal p {\n  role viewer\n"
				"  role past until 2001-01-01T00:00:00Z\n}\n"),
		facts, "none would do: role\n");
}

Test(explain_missing, a_role_and_a_scope_that_are_both_missing_are_named_together_or_not_at_all)
{
	char policy[1024];
	struct pol_facts facts = somebody(NULL, 0);

	facts.key_state = POL_KEY_ACTIVE;
	facts.binding = POL_BOUND_TO_PRINCIPAL;
	expect_post(POST_POLICY("scope making { allow POST on api:/a }\n"), facts,
		"a role and a scope are missing\n"
		"needs role maker 3 allow POST on api:/a\n"
		"needs role senior<-maker 3 allow POST on api:/a\n"
		"needs scope making 6 allow POST on api:/a\n");
	expect_post(
		POST_POLICY(""), facts, "a role and a scope are missing\nnone would do: scope\n");
	expect_post(POST_POLICY("scope making { allow POST on api:/a }\nexclusive viewer, maker\n"),
		facts, "a role and a scope are missing\nnone would do: role\n");
	/* The stack needs no role. */
	expect_post(POST_POLICY("scope making { allow POST on api:/a }\n"
				"stack other {\n  authenticate required key\n"
				"  authorize required permit\n}\n"),
		facts, "needs scope making 6 allow POST on api:/a\n");
}

Test(explain_missing, no_role_is_needed_where_none_would_do)
{
	char policy[1024];
	struct pol_facts facts = somebody(NULL, 0);

	expect_post(POST_POLICY("stack other {\n  authenticate required principal\n"
				"  authorize required role\n  authorize required deny\n}\n"),
		facts, "none would do: role scope\n");
	facts.principal_state = POL_PRINCIPAL_NONE;
	expect_post(POST_POLICY("stack other {\n  authenticate required key anonymous=allow\n"
				"  authorize required role\n}\n"),
		facts, "none would do: role\n");
}

Test(explain_missing, of_many_roles_that_would_do_the_narrowest_are_named_and_the_rest_counted)
{
	char policy[4096] = "tree api { /a { GET, POST, PUT, DELETE, PATCH } }\n";
	struct pol_snapshot *many;
	struct pol_facts facts = somebody(NULL, 0);
	struct story story;

	for (int i = 0; i < 9; i++) {
		size_t used = strlen(policy);

		snprintf(policy + used, sizeof policy - used, "role r%d { allow %s on api:/a }\n",
			i, i == 8 ? "GET" : "all");
	}
	many = compiled_text_good(policy);
	facts.path = POL_STR("/a");
	(void)explain(many, &facts, &story, false);
	cr_expect_eq(
		strncmp(strstr(story.said, "needs"), "needs role r8 10 ", 17), 0, "%s", story.said);
	cr_expect_not_null(strstr(story.said, "and 4 more\n"), "%s", story.said);
	pol_snapshot_unref(many);
}

Test(explain_missing, roles_that_cannot_be_given_are_not_named)
{
	static const struct pol_str grant = POL_STR_INIT("allow DELETE on api:/loans/{loan}");
	struct pol_stored_fault fault;
	struct pol_stored *own = NULL;
	struct pol_snapshot *extended = NULL;
	struct pol_facts facts = somebody(NULL, 0);
	struct pol_held held;
	struct story story;
	size_t wrong = 0;

	cr_assert_eq(
		pol_stored_text_parse(snapshot, &grant, 1, &fault, &own), POL_OK, "%s", fault.why);
	cr_assert_eq(
		pol_stored_extend(snapshot,
			(const struct pol_stored_role[]){
				{ .number = 1, .tenant = 4, .name = POL_STR("mine"), .own = own },
				{ .number = 2,
					.tenant = 5,
					.name = POL_STR("theirs"),
					.own = own } },
			2, &wrong, &extended),
		POL_OK);
	facts.verb = POL_STR("DELETE");
	facts.tenant = 4;
	cr_expect_str_eq(explain(extended, &facts, &story, false),
		"authorize of other:15\ndelete api:/loans/{loan}\n"
		"needs role mine 0 \n"
		"needs role boss 10 allow all on api:/**\n");
	/* The files cannot assign a stored role. */
	facts.declared = true;
	cr_expect_str_eq(explain(extended, &facts, &story, false),
		"authorize of other:15\ndelete api:/loans/{loan}\n"
		"needs role boss 10 allow all on api:/**\n");
	facts.declared = false;
	held = (struct pol_held){ .role = pol_stored_find(extended, 1, 4) };
	facts.held = &held;
	facts.held_count = 1;
	cr_expect_str_eq(explain(extended, &facts, &story, false),
		"end of other:15\ndelete api:/loans/{loan}\nrole mine 0 \n");
	pol_snapshot_unref(extended);
	pol_stored_unref(own);
}
