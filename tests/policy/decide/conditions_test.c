/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions with conditions, which are put into a compiled policy by hand. Each condition is a bool
 * fact of its own: given as true or false, or absent.
 */
#include <stdio.h>

#include "by_hand.h"
#include "policy/decide/eval.h"
#include "policy/decide/subject.h"
#include "policy/decide/trace.h"
#include "policy/snapshot/tree.h"
#include "tests/policy/load.h"

static const char policy[] =
	"tree api { /loans/{loan} { read GET, edit PATCH POST, drop DELETE } }\n"
	"role clerk { allow drop on api:/loans/{loan} }\n"
	"role second { allow drop on api:/loans/{loan} }\n"
	"role anyone { allow drop on api:/loans/{loan} }\n"
	"scope loans { allow drop on api:/loans/{loan} }\n"
	"stack roles {\nauthenticate required permit\n"
	"authorize required role\n}\n"
	"stack open {\nauthenticate required permit\n"
	"authorize required permit\n}\n"
	"stack counted {\nauthenticate required permit\n"
	"account required quota name=a limit=9 period=1h per=ip\n"
	"authorize required role\n}\n";

/* The conditions, and the facts that they are. */
enum { ALLOW = 0, DENY, SCOPE, ANYONE, CONDITIONS };
#define FACT_OF(condition) ((uint32_t)(POL_FACT_KNOWN + (condition)))

/* How a permission is allowed or denied: not at all, always, or by its condition. */
enum how { NEVER = 0, ALWAYS, IF_FALSE, IF_UNKNOWN, IF_TRUE, HOWS };
static const char *const how_texts[] = { "never", "always", "false", "unknown", "true" };

static const struct pol_declared_fact declared[] = {
	{ .name = POL_STR_INIT("resource.allow"), POL_SPACE_RESOURCE, POL_TYPE_BOOL },
	{ .name = POL_STR_INIT("resource.deny"), POL_SPACE_RESOURCE, POL_TYPE_BOOL },
	{ .name = POL_STR_INIT("context.scope"), POL_SPACE_CONTEXT, POL_TYPE_BOOL },
	{ .name = POL_STR_INIT("principal.anyone"), POL_SPACE_PRINCIPAL, POL_TYPE_BOOL },
};

static struct loaded loaded;
static struct pol_permset_pool *pool;
static struct pol_held held[2];
static uint32_t scope;
static struct pol_given_fact items[CONDITIONS];
static struct pol_given given = { items, 0 };
static struct pol_facts facts;
static struct pol_decision decision;

static void begin(void)
{
	loaded = load_good(policy);
	declare_facts(loaded.snapshot, declared, CONDITIONS);
	pool = pol_permset_pool_create(&loaded.snapshot->arena);
	cr_assert_not_null(pool);
	held[0].role = pol_snapshot_role(loaded.snapshot, POL_STR("clerk"));
	held[1].role = pol_snapshot_role(loaded.snapshot, POL_STR("second"));
	scope = pol_snapshot_scope(loaded.snapshot, POL_STR("loans"));
	facts = (struct pol_facts){ .key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_PRINCIPAL,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("ann"),
		.held = held,
		.held_count = 1,
		.service = POL_STR("roles"),
		.path = POL_STR("api:/loans/7"),
		.verb = POL_STR("read"),
		.given = &given,
		.now = 1000 };
}

static void end(void)
{
	pol_permset_pool_destroy(pool);
	unload(&loaded);
}

TestSuite(conditions, .init = begin, .fini = end);

/* --- grants ----------------------------------------------------------------------------------- */

static struct pol_run run_of(const char *verb)
{
	uint32_t tree = pol_tree_number(loaded.snapshot, POL_STR("api"));
	static struct pol_path path;
	struct pol_run run;
	uint32_t node;

	cr_assert_eq(pol_path_read(POL_STR("/loans/7"), &path), POL_OK);
	cr_assert_eq(pol_tree_find(loaded.snapshot, tree, &path, &node), POL_OK);
	cr_assert_eq(
		pol_tree_node_verb(loaded.snapshot, node, pol_str_of(verb), false, &run), POL_OK);
	return run;
}

static void add_runs(struct pol_permset *set, struct pol_run run)
{
	struct pol_permset one;

	cr_assert_eq(pol_permset_pool_of_runs(pool, &run, 1, &one), POL_OK);
	cr_assert_eq(pol_permset_pool_union(pool, set, &one, set), POL_OK);
}

/* Adds a grant about the permissions. */
static void grant_run(struct pol_grantee *grantee, bool deny, struct pol_run run,
	const struct pol_condition *condition)
{
	struct pol_conditional *all = made((grantee->conditional_count + 1) * sizeof *all);
	struct pol_conditional *added = &all[grantee->conditional_count];

	if (condition == NULL) {
		add_runs(deny ? &grantee->deny : &grantee->allow, run);
		return;
	}
	if (grantee->conditional_count > 0) {
		memcpy(all, grantee->conditionals, grantee->conditional_count * sizeof *all);
	}
	*added = (struct pol_conditional){ .condition = condition, .deny = deny };
	add_runs(&added->set, run);
	add_runs(&grantee->sometimes, run);
	grantee->conditionals = all;
	grantee->conditional_count++;
}

static const struct pol_condition *if_fact(int condition)
{
	return condition_of(predicate_of(fact_operand(FACT_OF(condition)), POL_COMPARE_TRUE,
				    (struct pol_operand){ 0 }),
		false);
}

static struct pol_grantee *grantee_of(int condition)
{
	struct pol_snapshot *snapshot = loaded.snapshot;

	return condition == SCOPE    ? &snapshot->scopes[scope]
	       : condition == ANYONE ? &snapshot->roles[snapshot->anyone]
				     : &snapshot->roles[held[0].role];
}

/* Grants in that way, and gives the fact. */
static void grant(int condition, enum how how)
{
	if (how != NEVER) {
		grant_run(grantee_of(condition), condition == DENY, run_of("read"),
			how == ALWAYS ? NULL : if_fact(condition));
	}
	if (how == IF_TRUE || how == IF_FALSE) {
		items[given.count++] = (struct pol_given_fact){ FACT_OF(condition),
			number_of(POL_TYPE_BOOL, how == IF_TRUE) };
	}
}

static void take_back(void)
{
	struct pol_grantee *all[] = { grantee_of(ALLOW), grantee_of(SCOPE), grantee_of(ANYONE),
		&loaded.snapshot->roles[held[1].role] };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		all[i]->allow = (struct pol_permset){ 0 };
		all[i]->deny = (struct pol_permset){ 0 };
		all[i]->sometimes = (struct pol_permset){ 0 };
		all[i]->conditional_count = 0;
	}
	given.count = 0;
}

/* --- decisions -------------------------------------------------------------------------------- */

static const char *decide(void)
{
	static char reason[64];

	memset(&decision, 0xff, sizeof decision);
	pol_eval(loaded.snapshot, &facts, &decision);
	snprintf(reason, sizeof reason, "%.*s", POL_STR_ARGS(decision.reason));
	cr_assert_eq(decision.allow, strcmp(reason, "ok") == 0);
	return reason;
}

static bool is_missing(int condition)
{
	uint32_t fact = FACT_OF(condition);

	return (decision.missing.words[fact / 64] >> fact % 64 & 1) != 0;
}

static bool misses_nothing(void)
{
	static const struct pol_fact_set none;

	return memcmp(&decision.missing, &none, sizeof none) == 0;
}

static bool holds(enum how how)
{
	return how == ALWAYS || how == IF_TRUE;
}

/* The order of the steps, said once more. */
static const char *expected(const enum how hows[CONDITIONS], bool narrowed, bool by_roles)
{
	bool scoped = !narrowed || holds(hows[SCOPE]) || holds(hows[ANYONE]);
	bool maybe_scoped = scoped || hows[SCOPE] == IF_UNKNOWN || hows[ANYONE] == IF_UNKNOWN;
	bool allowed = !by_roles || holds(hows[ALLOW]) || holds(hows[ANYONE]);
	bool maybe_allowed = allowed || hows[ALLOW] == IF_UNKNOWN || hows[ANYONE] == IF_UNKNOWN;

	if (holds(hows[DENY])) {
		return "denied";
	}
	if (!maybe_scoped) {
		return "scope";
	}
	if (!maybe_allowed) {
		return "role";
	}
	return hows[DENY] == IF_UNKNOWN || !scoped || !allowed ? "missing_fact" : "ok";
}

static void try_one(const enum how hows[CONDITIONS], bool narrowed, bool by_roles)
{
	bool allowed = holds(hows[ALLOW]) || holds(hows[ANYONE]);
	bool scoped = holds(hows[SCOPE]) || holds(hows[ANYONE]);
	const char *want = expected(hows, narrowed, by_roles);
	bool missing = strcmp(want, "missing_fact") == 0;
	char text[128];

	take_back();
	for (int i = 0; i < CONDITIONS; i++) {
		grant(i, hows[i]);
	}
	facts.narrowed = narrowed;
	facts.narrowed_by_scopes = narrowed;
	facts.scopes = &scope;
	facts.scope_count = narrowed ? 1 : 0;
	facts.service = by_roles ? POL_STR("roles") : POL_STR("open");
	snprintf(text, sizeof text, "allow %s deny %s scope %s anyone %s%s%s",
		how_texts[hows[ALLOW]], how_texts[hows[DENY]], how_texts[hows[SCOPE]],
		how_texts[hows[ANYONE]], narrowed ? " narrowed" : "", by_roles ? " by roles" : "");
	cr_assert_str_eq(decide(), want, "%s", text);
	cr_assert_eq(is_missing(DENY), missing && hows[DENY] == IF_UNKNOWN, "%s", text);
	cr_assert_eq(is_missing(ALLOW),
		missing && by_roles && !allowed && hows[ALLOW] == IF_UNKNOWN, "%s", text);
	cr_assert_eq(is_missing(SCOPE), missing && narrowed && !scoped && hows[SCOPE] == IF_UNKNOWN,
		"%s", text);
	cr_assert_eq(is_missing(ANYONE),
		missing && hows[ANYONE] == IF_UNKNOWN &&
			((by_roles && !allowed) || (narrowed && !scoped)),
		"%s", text);
	cr_assert(missing || misses_nothing(), "%s", text);
}

Test(conditions, a_decision_is_some_allow_and_no_deny_and_what_is_unknown_comes_last)
{
	enum how hows[CONDITIONS];
	int tried = 0;

	for (int i = 0; i < HOWS * HOWS * HOWS * HOWS * 4; i++) {
		hows[ALLOW] = (enum how)(i % HOWS);
		hows[DENY] = (enum how)(i / HOWS % HOWS);
		hows[SCOPE] = (enum how)(i / (HOWS * HOWS) % HOWS);
		hows[ANYONE] = (enum how)(i / (HOWS * HOWS * HOWS) % HOWS);
		try_one(hows, i / (HOWS * HOWS * HOWS * HOWS) % 2 == 1,
			i / (HOWS * HOWS * HOWS * HOWS) / 2 == 1);
		tried++;
	}
	cr_assert_eq(tried, 2500);
}

Test(conditions, a_condition_that_another_grant_makes_needless_misses_nothing)
{
	grant(ALLOW, IF_UNKNOWN);
	cr_expect_str_eq(decide(), "missing_fact");
	facts.held_count = 2;
	grant_run(&loaded.snapshot->roles[held[1].role], false, run_of("read"), NULL);
	cr_expect_str_eq(decide(), "ok");
	grant(DENY, IF_UNKNOWN);
	cr_expect_str_eq(decide(), "missing_fact");
	cr_expect(is_missing(DENY));
	cr_expect_not(is_missing(ALLOW));
}

Test(conditions, of_several_conditions_one_that_holds_allows_and_one_that_may_hold_denies)
{
	grant(ALLOW, IF_UNKNOWN);
	grant_run(grantee_of(ALLOW), false, run_of("read"), if_fact(SCOPE));
	items[given.count++] =
		(struct pol_given_fact){ FACT_OF(SCOPE), number_of(POL_TYPE_BOOL, 1) };
	cr_expect_str_eq(decide(), "ok");
	grant_run(grantee_of(ALLOW), true, run_of("read"), if_fact(DENY));
	cr_expect_str_eq(decide(), "missing_fact");
	items[given.count++] =
		(struct pol_given_fact){ FACT_OF(ANYONE), number_of(POL_TYPE_BOOL, 1) };
	grant_run(grantee_of(ALLOW), true, run_of("read"), if_fact(ANYONE));
	cr_expect_str_eq(decide(), "denied");
}

Test(conditions, an_action_with_several_methods_needs_all_of_them)
{
	struct pol_run run = run_of("edit");
	struct pol_run one = { run.first, 1 }, other = { run.first + 1, 1 };

	cr_assert_eq(run.count, 2u);
	facts.verb = POL_STR("edit");
	grant_run(grantee_of(ALLOW), false, one, NULL);
	grant_run(grantee_of(ALLOW), false, other, if_fact(ALLOW));
	facts.held_count = 2;
	grant_run(&loaded.snapshot->roles[held[1].role], false, one, if_fact(SCOPE));
	cr_expect_str_eq(decide(), "missing_fact");
	cr_expect(is_missing(ALLOW));
	cr_expect_not(is_missing(SCOPE), "its method is allowed already");
	items[0] = (struct pol_given_fact){ FACT_OF(ALLOW), number_of(POL_TYPE_BOOL, 0) };
	given.count = 1;
	cr_expect_str_eq(decide(), "role");
	items[0].value.number = 1;
	cr_expect_str_eq(decide(), "ok");
	grant_run(grantee_of(ALLOW), true, one, if_fact(DENY));
	cr_expect_str_eq(decide(), "missing_fact");
	facts.verb = POL_STR("POST");
	cr_expect_str_eq(decide(), "ok");
}

Test(conditions, a_condition_about_another_permission_is_not_read)
{
	grant_run(grantee_of(ALLOW), true, run_of("drop"), if_fact(DENY));
	grant(ALLOW, ALWAYS);
	cr_expect_str_eq(decide(), "ok");
}

Test(conditions, outside_of_its_place_a_role_neither_allows_nor_denies)
{
	static const struct pol_str elsewhere = POL_STR_INIT("api:/loans/8");
	static const struct pol_str other_tree = POL_STR_INIT("authz:/keys");

	grant(ALLOW, IF_TRUE);
	grant_run(grantee_of(ALLOW), true, run_of("read"), if_fact(DENY));
	cr_expect_str_eq(decide(), "missing_fact");
	held[0].places = &elsewhere;
	held[0].place_count = 1;
	cr_expect_str_eq(decide(), "role");
	cr_expect(misses_nothing());
	/* In a tree where none of its places is, a role denies. */
	held[0].places = &other_tree;
	facts.held_count = 2;
	given.count = 0;
	grant_run(&loaded.snapshot->roles[held[1].role], false, run_of("read"), if_fact(ANYONE));
	cr_expect_str_eq(decide(), "missing_fact");
	cr_expect(is_missing(DENY));
	cr_expect(is_missing(ANYONE));
	cr_expect_not(is_missing(ALLOW));
}

Test(conditions, a_key_outside_of_its_places_has_no_scope_whatever_is_unknown)
{
	static const struct pol_str elsewhere = POL_STR_INIT("api:/loans/8");

	grant(ALLOW, ALWAYS);
	grant(SCOPE, IF_UNKNOWN);
	facts.narrowed = true;
	facts.narrowed_by_scopes = true;
	facts.scopes = &scope;
	facts.scope_count = 1;
	cr_expect_str_eq(decide(), "missing_fact");
	facts.key_places = &elsewhere;
	facts.key_place_count = 1;
	cr_expect_str_eq(decide(), "scope");
}

Test(conditions, attributes_of_a_peer_that_is_not_accepted_are_not_read)
{
	const struct pol_given_fact recorded[] = { { FACT_OF(ANYONE),
		number_of(POL_TYPE_BOOL, 1) } };
	const struct pol_given attributes = { recorded, 1 };

	grant(ANYONE, IF_UNKNOWN);
	facts.attributes = &attributes;
	cr_expect_str_eq(decide(), "ok");
	facts.key_state = POL_KEY_MISSING;
	facts.by_peer = true;
	cr_expect_str_eq(decide(), "missing_fact");
}

/* --- charges, traces and texts ---------------------------------------------------------------- */

static uint32_t taken;

static struct pol_str take(const struct pol_counter *counter, const struct pol_facts *of,
	const struct pol_charge *const *charges, uint32_t count)
{
	(void)counter;
	(void)of;
	(void)charges;
	taken += count;
	return (struct pol_str){ 0 };
}

Test(conditions, a_missing_fact_is_not_charged_and_an_allowed_request_once)
{
	static const struct pol_counter counter = { .take = take };

	facts.counter = &counter;
	facts.service = POL_STR("counted");
	facts.ip = (struct pol_ip){ .known = true };
	grant(ALLOW, IF_UNKNOWN);
	cr_expect_str_eq(decide(), "missing_fact");
	cr_expect_eq(taken, 0u);
	grant(ANYONE, IF_UNKNOWN);
	grant(ALLOW, ALWAYS);
	cr_expect_str_eq(decide(), "ok");
	cr_expect_eq(taken, 1u);
}

Test(conditions, a_trace_has_the_same_decision_and_each_line_once)
{
	static const char *const services[] = { "roles", "open" };
	static struct pol_trace trace;
	enum how hows[CONDITIONS] = { NEVER, NEVER, NEVER, NEVER };

	for (int i = 0; i < HOWS * HOWS * 2; i++) {
		struct pol_decision traced;

		hows[ALLOW] = (enum how)(i % HOWS);
		hows[DENY] = (enum how)(i / HOWS % HOWS);
		take_back();
		grant(ALLOW, hows[ALLOW]);
		grant(DENY, hows[DENY]);
		facts.service = pol_str_of(services[i / (HOWS * HOWS)]);
		(void)decide();
		pol_eval_traced(loaded.snapshot, &facts, &trace, &traced);
		cr_assert(pol_str_equal(traced.reason, decision.reason));
		cr_assert_eq(memcmp(&traced.missing, &decision.missing, sizeof traced.missing), 0);
		cr_assert_eq(trace.stage == POL_STAGE_FACTS,
			pol_str_equal(traced.reason, POL_STR("missing_fact")));
		cr_assert_leq(trace.groups[POL_GROUP_AUTHORIZE].count, 1u);
		cr_assert_eq(trace.line_count, 1u + trace.groups[POL_GROUP_AUTHORIZE].count);
		cr_assert_eq(trace.groups[POL_GROUP_AUTHORIZE].passed,
			decision.allow || trace.stage == POL_STAGE_FACTS);
		cr_assert_not(traced.allow && !trace.request.roles_allow && i / (HOWS * HOWS) == 0);
	}
}

static void expect_fact(const char *want)
{
	char text[POL_FACT_TEXT];

	cr_expect_str_eq(decide(), "missing_fact");
	cr_expect_eq(decision.status, 403);
	cr_expect_null(decision.by);
	pol_eval_fact(loaded.snapshot, &decision, &facts, text);
	cr_expect_str_eq(text, want);
}

Test(conditions, the_text_of_a_denial_names_the_facts)
{
	struct pol_declared_fact *known = loaded.snapshot->facts + POL_FACT_KNOWN;
	static char name[200];

	grant(ALLOW, IF_UNKNOWN);
	expect_fact("resource.allow is not known");
	grant(DENY, IF_UNKNOWN);
	expect_fact("resource.allow, resource.deny are not known");
	memset(name, 'x', sizeof name);
	known[DENY].name = (struct pol_str){ name, sizeof name };
	expect_fact("resource.allow and 1 more are not known");
	known[ALLOW].name = known[DENY].name;
	expect_fact("several facts are not known");
}

Test(conditions, without_a_request_what_depends_on_a_condition_is_unknown)
{
	struct pol_path path;
	struct pol_run run = run_of("read");
	struct pol_run_word at;
	struct pol_subject_bits bits;

	grant(ALLOW, IF_TRUE);
	cr_assert(pol_run_next(&run, &at));
	cr_assert_eq(pol_path_read(POL_STR("/loans/7"), &path), POL_OK);
	bits = pol_subject_eval(loaded.snapshot, &facts, POL_STR("api"), &path, &at);
	cr_expect_eq(bits.roles.sure, 0u);
	cr_expect_eq(bits.roles.maybe, at.mask);
	cr_expect_eq(pol_subject_allows(&facts, bits), 0u);
	cr_expect_eq(pol_subject_may(&facts, bits), at.mask);
	grant(ALLOW, ALWAYS);
	bits = pol_subject_eval(loaded.snapshot, &facts, POL_STR("api"), &path, &at);
	cr_expect_eq(pol_subject_allows(&facts, bits), at.mask);
	grant(DENY, IF_FALSE);
	bits = pol_subject_eval(loaded.snapshot, &facts, POL_STR("api"), &path, &at);
	cr_expect_eq(pol_subject_allows(&facts, bits), 0u);
	cr_expect_eq(pol_subject_may(&facts, bits), at.mask);
	grant(DENY, ALWAYS);
	bits = pol_subject_eval(loaded.snapshot, &facts, POL_STR("api"), &path, &at);
	cr_expect_eq(pol_subject_may(&facts, bits), 0u);
}

/* Denied when one of them is true, and none is. */
static void deny_if_any(uint32_t count)
{
	const struct pol_condition **parts = made(count * sizeof *parts);
	struct pol_condition *any = made(sizeof *any);
	const struct pol_condition *no = if_fact(DENY);

	for (uint32_t i = 0; i < count; i++) {
		parts[i] = no;
	}
	*any = (struct pol_condition){
		.kind = POL_CONDITION_OR, .parts = parts, .part_count = count
	};
	take_back();
	grant(ALLOW, ALWAYS);
	grant_run(grantee_of(DENY), true, run_of("read"), any);
	items[given.count++] =
		(struct pol_given_fact){ FACT_OF(DENY), number_of(POL_TYPE_BOOL, false) };
}

Test(conditions, a_denial_that_takes_more_steps_than_a_decision_has_is_unknown)
{
	deny_if_any(POL_TRUTH_STEPS - 1);
	cr_expect_str_eq(decide(), "ok");
	deny_if_any(POL_TRUTH_STEPS);
	cr_expect_str_eq(decide(), "missing_fact");
	cr_expect_not(decision.allow);
}
