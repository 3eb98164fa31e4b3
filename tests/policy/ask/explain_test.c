/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/explain.h"

#include "policy/decide/subject.h"
#include "policy/snapshot/stored.h"
#include "policy/snapshot/tree.h"
#include "policy/text/terms.h"
#include "tests/policy/compiled_text.h"

static const char text[] = "tree api {\n" /* 1 */
			   "  /loans { list GET, create POST\n"
			   "    /{loan} { read GET, update PUT PATCH, delete DELETE } }\n"
			   "}\n"
			   "role reader { allow GET on api:/** }\n" /* 5 */
			   "role writer inherits reader {\n"
			   "  allow PUT on api:/loans/{loan}   # one by one\n"
			   "  allow PATCH on api:/loans/{loan}\n"
			   "}\n"
			   "role boss inherits writer { allow all on api:/** }\n" /* 10 */
			   "role careful { deny DELETE on api:/loans/{loan} }\n"
			   "role anyone { allow GET on api:/loans }\n"
			   "scope reading { allow GET on api:/** }\n"
			   "scope all includes reading { allow all on api:/** }\n"
			   "stack other {\n" /* 15 */
			   "  authenticate sufficient key\n"
			   "  authenticate required principal\n"
			   "  account optional network allow=10.0.0.0/8,192.0.2.1\n"
			   "  account substack sub\n"
			   "  account required permit\n" /* 20 */
			   "  authorize required role\n"
			   "  authorize required scope\n"
			   "  record optional warn\n"
			   "}\n"
			   "stack sub {\n" /* 25 */
			   "  account sufficient permit\n"
			   "  account required deny\n"
			   "}\n";

struct story {
	char said[8192];
	size_t used;
};

static struct pol_arena arena;
static struct pol_snapshot *snapshot;

static void begin(void)
{
	pol_arena_init(&arena, 1 << 20);
	snapshot = compiled_text_good(text);
}

static void end(void)
{
	pol_snapshot_unref(snapshot);
	pol_arena_finish(&arena);
}

TestSuite(explain, .init = begin, .fini = end);

__attribute__((format(printf, 2, 3))) static void say(struct story *story, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	story->used += (size_t)vsnprintf(
		story->said + story->used, sizeof story->said - story->used, format, args);
	va_end(args);
	cr_assert_lt(story->used, sizeof story->said);
}

static void say_list(struct story *story, const struct pol_str *items, uint32_t count,
	const char *before, const char *between)
{
	for (uint32_t i = 0; i < count; i++) {
		say(story, "%s%.*s", i > 0 ? between : before, POL_STR_ARGS(items[i]));
	}
}

/* "role boss<-writer 7 allow PUT on … at api:/loans/7 until 9 (PUT PATCH)" */
static void say_rule(struct story *story, const struct pol_explained_rule *rule)
{
	say(story, "%s%s", rule->deny ? "denied by " : "", rule->scope ? "scope" : "role");
	say_list(story, rule->chain, rule->chain_count, " ", "<-");
	say(story, " %u %.*s", rule->position.line, POL_STR_ARGS(rule->text));
	say(story, "%s", rule->held ? " held" : "");
	say_list(story, rule->at, rule->at_count, " at ", ",");
	if (rule->until != 0) {
		say(story, " until %d", (int)rule->until);
	}
	say_list(story, rule->verbs, rule->verb_count, " of ", ",");
	say(story, "\n");
}

static void say_explanation(
	struct story *story, const struct pol_explanation *explanation, bool lines)
{
	say(story, "%s", pol_terms_stage(explanation->stage));
	if (explanation->has_stack) {
		say(story, " of %.*s:%u", POL_STR_ARGS(explanation->stack),
			explanation->position.line);
	}
	say(story, "\n");
	for (int g = 0; lines && g < POL_GROUP_COUNT; g++) {
		const struct pol_explained_group *group = &explanation->groups[g];

		say(story, "%s: %s%s%.*s\n", pol_terms_group((enum pol_group)g),
			!group->asked   ? "not asked"
			: group->passed ? "passed"
					: "failed",
			group->reason.len > 0 ? " " : "", POL_STR_ARGS(group->reason));
		for (uint32_t i = 0; i < group->line_count; i++) {
			const struct pol_explained_line *line = &group->lines[i];

			say(story, "  %u %.*s %s %.*s", line->position.line,
				POL_STR_ARGS(line->stack), pol_terms_control(line->control),
				POL_STR_ARGS(line->module));
			say_list(story, line->arguments, line->argument_count, " ", " ");
			say(story, ": %s%s%.*s%s\n",
				line->asked ? pol_terms_verdict(line->verdict) : "-",
				line->reason.len > 0 ? " " : "", POL_STR_ARGS(line->reason),
				line->ends == POL_ENDS_GROUP      ? " ends"
				: line->ends == POL_ENDS_SUBSTACK ? " ends substack"
								  : "");
		}
	}
	if (explanation->resource.len > 0) {
		say(story, "%.*s %.*s\n", POL_STR_ARGS(explanation->action),
			POL_STR_ARGS(explanation->resource));
	}
	say_list(story, explanation->has, explanation->has_count, "it has ", ",");
	for (uint32_t i = 0; i < explanation->rule_count; i++) {
		say_rule(story, &explanation->rules[i]);
	}
	if (explanation->missing.role && explanation->missing.scope) {
		say(story, "a role and a scope are missing\n");
	}
	if (explanation->none.role || explanation->none.scope) {
		say(story, "none would do:%s%s\n", explanation->none.role ? " role" : "",
			explanation->none.scope ? " scope" : "");
	}
	say_list(story, explanation->key_at, explanation->key_at_count, "key at ", ",");
	for (uint32_t i = 0; i < explanation->need_count; i++) {
		say(story, "needs ");
		say_rule(story, &explanation->needs[i]);
	}
	if (explanation->more_needs > 0) {
		say(story, "and %u more\n", explanation->more_needs);
	}
}

static const char *explain(const struct pol_snapshot *of, const struct pol_facts *facts,
	struct story *story, bool lines)
{
	struct pol_decision plain = { .allow = true };
	struct pol_decision decision = { .allow = true };
	struct pol_explanation explanation = { 0 };

	story->used = 0;
	pol_eval(of, facts, &plain);
	cr_assert_eq(pol_explain(of, facts, &arena, &decision, &explanation), POL_OK);
	cr_assert_eq(plain.allow, decision.allow);
	cr_assert(pol_str_equal(plain.reason, decision.reason));
	say_explanation(story, &explanation, lines);
	return story->said;
}

static struct pol_facts somebody(const struct pol_held *held, uint32_t count)
{
	return (struct pol_facts){ .key_state = POL_KEY_MISSING,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("p"),
		.held = held,
		.held_count = count,
		.tree = POL_STR("api"),
		.path = POL_STR("/loans/7"),
		.verb = POL_STR("GET") };
}

static uint32_t role(const char *name)
{
	return pol_snapshot_role(snapshot, pol_str_of(name));
}

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

Test(explain, the_nearest_roles_that_would_do_are_named)
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

Test(explain, a_role_that_is_exclusive_with_one_that_is_held_is_not_needed)
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

Test(explain, a_role_and_a_scope_that_are_both_missing_are_named_together_or_not_at_all)
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

Test(explain, no_role_is_needed_where_none_would_do)
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

Test(explain, of_many_roles_that_would_do_the_narrowest_are_named_and_the_rest_counted)
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

Test(explain, roles_that_cannot_be_given_are_not_named)
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
