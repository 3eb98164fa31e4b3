/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/plan.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decide/eval.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/host.h"
#include "tests/often.h"
#include "tests/policy/ask/random_grants.h"
#include "tests/policy/compiled_text.h"

/*
 * Random policies, stacks, subjects, facts and nodes: of the node's paths, and of random facts of
 * the resource, the plan is true exactly where the decision allows.
 */

#define SUBJECTS 4
#define PLANS    8
#define ROWS     12

#define POLICIES OFTEN(120)

static const char *const stacks[] = { "",
	"stack other {\n  authenticate required permit\n  authorize required permit\n}\n",
	"stack other {\n  authenticate sufficient key\n  authenticate required permit\n"
	"  authorize sufficient role\n  authorize required scope\n}\n",
	"stack other {\n  authenticate optional permit\n  account requisite network "
	"allow=10.0.0.0/8\n  authorize required role\n  authorize required scope\n}\n",
	"stack other {\n  authenticate required permit\n  authorize required role\n"
	"  authorize required deny\n}\n" };

/* A node as declared, or in part, and paths of it: `*` is a value for a parameter that is open. */
static const struct {
	const char *node, *row;
} nodes[] = { { "/loans", "/loans" }, { "/loans/{loan}", "/loans/*" }, { "/loans/7", "/loans/7" },
	{ "/loans/{loan}/notes/{note}", "/loans/*/notes/*" },
	{ "/loans/7/notes/{note}", "/loans/7/notes/*" },
	{ "/loans/{loan}/notes/1", "/loans/*/notes/1" }, { "/files/{path...}", "/files/*" },
	{ "/files/a/b", "/files/a/b" }, { "/loans/%7Bloan%7D", "/loans/%7Bloan%7D" },
	{ "/nowhere/7", "/nowhere/7" } };

static const char *const verbs[] = { "PUT", "approve", "read", "PATCH", "HEAD", "update" };

/* Two thirds are the node with the most actions. */
static size_t some_node(struct dice *dice, const char **out_verb)
{
	size_t node = roll(dice, 3) != 0 ? 1 : roll(dice, sizeof nodes / sizeof nodes[0]);

	*out_verb = node == 1 || roll(dice, 8) == 0 ? PICK(dice, verbs) : "GET";
	return node;
}

struct counts {
	unsigned plans, always, never, when, refused, allowed, denied;
};

/* A path of the node. */
static void fill(struct dice *dice, const char *row, char *out)
{
	static const char *const values[] = { "7", "ann", "north", "1", "%7Bx%7D" };

	for (; *row != '\0'; row++) {
		if (*row == '*') {
			out += sprintf(out, "%s", PICK(dice, values));
		} else {
			*out++ = *row;
		}
	}
	*out = '\0';
}

/* The facts of the plan, and others of the resource. */
static void add_row(struct dice *dice, const struct pol_snapshot *snapshot,
	const struct pol_given *given, struct pol_given_fact items[16], struct pol_given *out)
{
	struct pol_given_fact all[16];
	struct pol_given row;
	uint32_t twice;

	random_grants_give(dice, snapshot, false, all, &row);
	memcpy(items, given->items, given->count * sizeof *items);
	*out = (struct pol_given){ items, given->count };
	for (uint32_t i = 0; i < row.count; i++) {
		if (snapshot->facts[all[i].fact].space == POL_SPACE_RESOURCE &&
			pol_given_find(given, all[i].fact) == NULL) {
			items[out->count++] = all[i];
		}
	}
	cr_assert(pol_given_sort(items, out->count, &twice));
}

/* Gives the plan only a few of the resource's facts that were drawn. */
static void give_some(struct dice *dice, const struct pol_snapshot *snapshot,
	struct random_grants_who *who, struct pol_given *out)
{
	uint32_t kept = 0;

	random_grants_give(dice, snapshot, false, who->given, &who->request);
	for (uint32_t i = 0; i < who->request.count; i++) {
		if (snapshot->facts[who->given[i].fact].space != POL_SPACE_RESOURCE ||
			roll(dice, 6) == 0) {
			who->given[kept++] = who->given[i];
		}
	}
	*out = (struct pol_given){ who->given, kept };
}

static bool is_true(const struct pol_snapshot *snapshot, const struct pol_plan *plan,
	const struct pol_facts *facts)
{
	static struct pol_path path;
	struct pol_truth_table table;

	if (plan->kind != POL_PLAN_WHEN) {
		return plan->kind == POL_PLAN_ALWAYS;
	}
	cr_assert_eq(pol_path_read(facts->path, &path), POL_OK);
	pol_truth_begin(&table, snapshot, facts, facts->tree, &path);
	return random_grants_holds(&table, plan->when);
}

static void check_rows(struct dice *dice, const struct pol_snapshot *snapshot,
	const struct pol_facts *asked, const struct pol_plan *plan, size_t node,
	struct counts *counts)
{
	for (int i = 0; i < ROWS; i++) {
		struct pol_facts facts = *asked;
		struct pol_given_fact items[16];
		struct pol_given given;
		struct pol_decision decision;
		char path[128], text[2048] = "";
		bool is;

		fill(dice, nodes[node].row, path);
		add_row(dice, snapshot, asked->given, items, &given);
		facts.given = &given;
		facts.path = pol_str_of(path);
		pol_eval(snapshot, &facts, &decision);
		is = is_true(snapshot, plan, &facts);
		counts->allowed += decision.allow;
		counts->denied += !decision.allow;
		if (plan->kind == POL_PLAN_WHEN) {
			pol_formula_format(snapshot, plan->when, text, sizeof text);
		}
		cr_assert_eq(is, decision.allow, "%s %s for %s: %s%.*s: %s", path,
			decision.allow ? "allowed" : "denied", nodes[node].node,
			plan->kind == POL_PLAN_NEVER ? "never " : "", POL_STR_ARGS(plan->reason),
			text);
	}
}

static void check_plan(struct dice *dice, const struct pol_snapshot *snapshot,
	struct random_grants_who *who, struct counts *counts)
{
	const char *verb;
	size_t node = some_node(dice, &verb);
	struct pol_arena arena;
	struct pol_given given;
	struct pol_plan plan;
	struct pol_facts *facts = &who->facts;
	enum pol_plan_fault fault;

	give_some(dice, snapshot, who, &given);
	facts->given = &given;
	facts->tree = POL_STR("api");
	facts->path = pol_str_of(nodes[node].node);
	facts->verb = pol_str_of(verb);
	facts->ip = (struct pol_ip){ .bytes = { [10] = 255, 255, 10, 1, 1, 1 },
		.known = roll(dice, 4) != 0 };
	pol_arena_init(&arena, 1 << 22);
	fault = pol_plan_make(snapshot, facts, &arena, &plan);
	counts->plans++;
	if (fault == POL_PLAN_MADE) {
		counts->always += plan.kind == POL_PLAN_ALWAYS;
		counts->never += plan.kind == POL_PLAN_NEVER;
		counts->when += plan.kind == POL_PLAN_WHEN;
		check_rows(dice, snapshot, facts, &plan, node, counts);
	} else {
		counts->refused++;
		cr_assert_eq(plan.kind, POL_PLAN_NEVER);
	}
	pol_arena_finish(&arena);
}

Test(plan, it_is_true_of_exactly_the_resources_that_a_decision_allows)
{
	static struct random_grants_text text;
	static struct random_grants_who who;
	struct dice dice = { dice_setting("AUTHZ_TEST_SEED", 20261201) };
	struct counts counts = { 0 };
	unsigned long count = dice_setting("AUTHZ_TEST_GRANTS", POLICIES);

	for (unsigned long i = 0; i < count; i++) {
		struct pol_snapshot *snapshot;

		random_grants_policy(&dice, &text);
		random_grants_put(&text, roll(&dice, 2) == 0 ? stacks[0] : PICK(&dice, stacks));
		snapshot = compiled_text_good(text.bytes);
		for (int k = 0; k < SUBJECTS; k++) {
			random_grants_who(&dice, snapshot, &who);
			for (int n = 0; n < PLANS; n++) {
				check_plan(&dice, snapshot, &who, &counts);
			}
		}
		pol_snapshot_unref(snapshot);
	}
	if (count != POLICIES) {
		cr_log_warn("%u plans: %u always, %u never, %u when, %u refused; "
			    "%u allowed and %u denied",
			counts.plans, counts.always, counts.never, counts.when, counts.refused,
			counts.allowed, counts.denied);
	}
	cr_expect_gt(counts.always, OFTEN(100));
	cr_expect_gt(counts.never, OFTEN(100));
	cr_expect_gt(counts.when, OFTEN(200));
	cr_expect_gt(counts.allowed, OFTEN(1000));
	cr_expect_gt(counts.denied, OFTEN(1000));
}

/* --- by hand ---------------------------------------------------------------------------------- */

static const char declared[] =
	"facts {\n  resource.owner string\n  principal.limit int\n"
	"  context.amount int\n}\n"
	"tree api { /loans/{loan} { GET }, /files/{path...} { GET }, /pay/{to} "
	"{ POST } }\n"
	"role reader {\n  allow GET on api:/**\n}\n"
	"role payer {\n  allow POST on api:/pay/{to} when context.amount <= "
	"principal.limit and {to} is not principal.id\n}\n";

struct asked {
	struct pol_facts facts;
	struct pol_held held;
	struct pol_str place;
	struct pol_arena arena;
	struct pol_plan plan;
	char text[1024];
};

static enum pol_plan_fault ask(struct asked *asked, const struct pol_snapshot *snapshot,
	const char *role, const char *verb, const char *path)
{
	enum pol_plan_fault fault;

	asked->held.role = pol_snapshot_role(snapshot, pol_str_of(role));
	asked->facts = (struct pol_facts){ .principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("ann"),
		.held = &asked->held,
		.held_count = 1,
		.tree = POL_STR("api"),
		.verb = pol_str_of(verb),
		.path = pol_str_of(path) };
	pol_arena_init(&asked->arena, 1 << 16);
	fault = pol_plan_make(snapshot, &asked->facts, &asked->arena, &asked->plan);
	asked->text[0] = '\0';
	if (asked->plan.kind == POL_PLAN_WHEN) {
		pol_formula_format(snapshot, asked->plan.when, asked->text, sizeof asked->text);
	}
	pol_arena_finish(&asked->arena);
	return fault;
}

Test(plan, a_place_is_a_comparison_of_the_parameter)
{
	struct pol_snapshot *snapshot = compiled_text_good(declared);
	struct asked asked = { .place = POL_STR("api:/loans/7%25"), .held.place_count = 1 };

	asked.held.places = &asked.place;
	cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/loans/{loan}"), POL_PLAN_MADE);
	cr_expect_str_eq(asked.text, "{loan} is \"7%\"");
	asked.place = POL_STR("api:/loans");
	cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/loans/{loan}"), POL_PLAN_MADE);
	cr_expect_eq(asked.plan.kind, POL_PLAN_ALWAYS);
	asked.place = POL_STR("api:/loans/7/notes");
	cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/loans/{loan}"), POL_PLAN_MADE);
	cr_expect_eq(asked.plan.kind, POL_PLAN_NEVER);
	cr_expect(pol_str_equal(asked.plan.reason, POL_STR("role")));
	pol_snapshot_unref(snapshot);
}

Test(plan, a_place_below_an_open_rest_is_refused)
{
	struct pol_snapshot *snapshot = compiled_text_good(declared);
	struct asked asked = { .place = POL_STR("api:/files/a"), .held.place_count = 1 };

	asked.held.places = &asked.place;
	cr_expect_eq(
		ask(&asked, snapshot, "reader", "GET", "/files/{path...}"), POL_PLAN_BELOW_REST);
	cr_expect_eq(asked.plan.kind, POL_PLAN_NEVER);
	cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/files/a/b"), POL_PLAN_MADE);
	cr_expect_eq(asked.plan.kind, POL_PLAN_ALWAYS);
	/* The role says nothing of this node: its places do not matter. */
	cr_expect_eq(ask(&asked, snapshot, "payer", "GET", "/files/{path...}"), POL_PLAN_MADE);
	asked.place = POL_STR("api:/files");
	cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/files/{path...}"), POL_PLAN_MADE);
	cr_expect_eq(asked.plan.kind, POL_PLAN_ALWAYS);
	pol_snapshot_unref(snapshot);
}

Test(plan, a_segment_in_braces_has_to_be_the_parameter)
{
	static const char *const wrong[] = { "/loans/{lone}", "/loans/{loan...}", "/files/{path}",
		"/files/{path...}/x", "/files/x/{path...}" };
	struct pol_snapshot *snapshot = compiled_text_good(declared);
	struct asked asked = { 0 };

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		cr_expect_eq(ask(&asked, snapshot, "reader", "GET", wrong[i]), POL_PLAN_MISNAMED,
			"%s", wrong[i]);
		cr_expect_eq(asked.plan.kind, POL_PLAN_NEVER);
	}
	cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/loans/%7Blone%7D"), POL_PLAN_MADE);
	pol_snapshot_unref(snapshot);
}

Test(plan, facts_that_nobody_gave_are_named)
{
	struct pol_snapshot *snapshot = compiled_text_good(declared);
	struct asked asked = { 0 };
	uint32_t amount = pol_condition_fact(snapshot, POL_STR("context.amount"));
	uint32_t limit = pol_condition_fact(snapshot, POL_STR("principal.limit"));

	cr_expect_eq(ask(&asked, snapshot, "payer", "POST", "/pay/{to}"), POL_PLAN_MADE);
	cr_expect_eq(asked.plan.kind, POL_PLAN_NEVER);
	cr_expect(pol_str_equal(asked.plan.reason, POL_STR("missing_fact")));
	cr_expect_eq(asked.plan.status, 403);
	cr_expect_eq(asked.plan.missing.words[0], UINT64_C(1) << amount | UINT64_C(1) << limit);
	pol_snapshot_unref(snapshot);
}

Test(plan, one_that_is_too_large_is_refused)
{
	struct pol_snapshot *snapshot = compiled_text_good(declared);
	struct asked asked = { .place = POL_STR("api:/loans/7"), .held.place_count = 1 };

	asked.held.places = &asked.place;
	(void)ask(&asked, snapshot, "reader", "GET", "/loans/{loan}");
	pol_arena_init(&asked.arena, 64);
	cr_expect_eq(pol_plan_make(snapshot, &asked.facts, &asked.arena, &asked.plan),
		POL_PLAN_TOO_LARGE);
	cr_expect_eq(asked.plan.kind, POL_PLAN_NEVER);
	pol_arena_finish(&asked.arena);
	pol_snapshot_unref(snapshot);
}

/* --- modules ---------------------------------------------------------------------------------- */

/* Allows all but the loan 13. */
static struct pol_answer decide_unlucky(const void *state, const struct pol_request *request)
{
	struct pol_str loan;

	(void)state;
	if (request->parameter(request, POL_STR("loan"), 0, &loan) &&
		pol_str_equal(loan, POL_STR("13"))) {
		return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("unlucky") };
	}
	return (struct pol_answer){ .verdict = POL_ALLOW };
}

/* Denies whom roles allow. */
static struct pol_answer decide_reversed(const void *state, const struct pol_request *request)
{
	(void)state;
	if (request->roles_allow) {
		return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("reversed") };
	}
	return (struct pol_answer){ .verdict = POL_ALLOW };
}

static enum pol_status find_module(
	void *context, struct pol_str name, struct pol_host_module *out, char why[POL_HOST_WHY])
{
	static const struct pol_module unlucky = { .abi = POL_MODULE_ABI,
		.size = sizeof(struct pol_module),
		.name = "unlucky",
		.version = "1",
		.groups = POL_GROUPS_ALL,
		.decide = decide_unlucky };
	static const struct pol_module reversed = { .abi = POL_MODULE_ABI,
		.size = sizeof(struct pol_module),
		.name = "reversed",
		.version = "1",
		.groups = POL_GROUPS_ALL,
		.decide = decide_reversed };

	(void)context;
	*out = (struct pol_host_module){ .table = NULL };
	if (pol_str_equal(name, POL_STR("unlucky"))) {
		out->table = &unlucky;
	} else if (pol_str_equal(name, POL_STR("reversed"))) {
		out->table = &reversed;
	}
	snprintf(why, POL_HOST_WHY, "there is none");
	return out->table != NULL ? POL_OK : POL_ENOTFOUND;
}

/* The policy above with lines of a stack. */
static struct pol_snapshot *with_stack(const char *lines)
{
	static char text[2048];
	const struct pol_host host = { .module = find_module };
	struct pol_snapshot *snapshot = NULL;
	struct pol_source source;
	struct pol_diags diags;

	snprintf(text, sizeof text, "%sstack other {\n  authenticate required permit\n%s}\n",
		declared, lines);
	source = (struct pol_source){ POL_STR("folder/0.policy"), pol_str_of(text) };
	pol_diags_init(&diags, &source, 1);
	cr_assert_eq(pol_compile(&source, 1, &host, &diags, &snapshot), POL_OK);
	pol_diags_finish(&diags);
	return snapshot;
}

Test(plan, a_module_that_reads_an_open_parameter_is_refused)
{
	static const char *const lines[] = {
		"  account required unlucky\n  authorize required role\n",
		"  authorize required role\n  authorize required unlucky\n"
	};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct pol_snapshot *snapshot = with_stack(lines[i]);
		struct asked asked = { 0 };

		cr_expect_eq(
			ask(&asked, snapshot, "reader", "GET", "/loans/{loan}"), POL_PLAN_SEGMENTS);
		cr_expect_eq(asked.plan.kind, POL_PLAN_NEVER);
		cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/loans/12"), POL_PLAN_MADE);
		cr_expect_eq(asked.plan.kind, POL_PLAN_ALWAYS);
		cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/loans/13"), POL_PLAN_MADE);
		cr_expect(pol_str_equal(asked.plan.reason, POL_STR("unlucky")));
		pol_snapshot_unref(snapshot);
	}
}

Test(plan, a_stack_that_refuses_whom_roles_allow_has_none)
{
	struct pol_snapshot *snapshot = with_stack("  authorize required reversed\n");
	struct asked asked = { 0 };

	cr_expect_eq(ask(&asked, snapshot, "reader", "GET", "/loans/{loan}"), POL_PLAN_REVERSED);
	cr_expect_eq(asked.plan.kind, POL_PLAN_NEVER);
	pol_snapshot_unref(snapshot);
}

/* A decision reads at most POL_TRUTH_ROLES roles. With more, such a condition is unknown. */
Test(plan, conditions_about_too_many_roles_are_refused)
{
	static char text[64 * 1024];
	static struct pol_held held[POL_TRUTH_ROLES + 1];
	size_t used = (size_t)snprintf(text, sizeof text,
		"tree api { /loans/{loan} { GET } }\n"
		"role reader {\n  allow GET on api:/** when not principal.roles has \"r1\"\n}\n");
	struct pol_snapshot *snapshot;

	for (uint32_t i = 0; i <= POL_TRUTH_ROLES; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used,
			"role r%u {\n  allow GET on api:/loans/{loan} when {loan} is \"%u\"\n}\n",
			i, i);
	}
	snapshot = compiled_text_good(text);
	for (uint32_t count = POL_TRUTH_ROLES; count <= POL_TRUTH_ROLES + 1; count++) {
		struct asked asked = { 0 };
		struct pol_arena arena;

		(void)ask(&asked, snapshot, "reader", "GET", "/loans/{loan}");
		held[0].role = asked.held.role;
		for (uint32_t i = 1; i < count; i++) {
			char name[16];

			snprintf(name, sizeof name, "r%u", i);
			held[i].role = pol_snapshot_role(snapshot, pol_str_of(name));
		}
		asked.facts.held = held;
		asked.facts.held_count = count;
		pol_arena_init(&arena, 1 << 20);
		cr_expect_eq(pol_plan_make(snapshot, &asked.facts, &arena, &asked.plan),
			count == POL_TRUTH_ROLES ? POL_PLAN_MADE : POL_PLAN_ROLES);
		pol_arena_finish(&arena);
	}
	pol_snapshot_unref(snapshot);
}
