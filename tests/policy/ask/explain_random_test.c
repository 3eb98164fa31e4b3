/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/explain.h"

#include "policy/decide/subject.h"
#include "policy/snapshot/tree.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/dice.h"

/*
 * Random policies and requests: explaining a decision never changes it, and the rules shown agree
 * with the sets. A role that is named as needed must be enough when it is held.
 */

#define POLICIES 60
#define REQUESTS 60
#define ROLES    6
#define HELD     3

static const char *const patterns[] = { "api:/**", "api:/a", "api:/a/{x}", "api:/a/**", "api:/*",
	"api:/a/{x}/c" };
static const char *const verbs[] = { "all", "GET", "PUT, GET", "update", "POST" };
static const char *const groups[] = { "account", "authorize" };
static const char *const controls[] = { "required", "requisite", "sufficient", "optional" };
static const char *const modules[] = { "permit", "deny", "warn", "network allow=10.0.0.0/8" };

static void write_policy(struct dice *dice, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size,
		"tree api { /a { GET, POST\n update PUT PATCH\n"
		"/{x} { GET, POST\n update PUT PATCH\n /c { GET, POST\n update PUT PATCH } } } "
		"}\n");

	for (int i = 0; i < 2 * ROLES; i++) {
		bool scope = i >= ROLES;
		int number = i % ROLES;

		used += (size_t)snprintf(out + used, size - used, "%s %s", scope ? "scope" : "role",
			!scope && number == 0 ? "anyone" : "");
		if (scope || number != 0) {
			used += (size_t)snprintf(out + used, size - used, "r%d", number);
		}
		if (number > 1 && roll(dice, 2) == 0) {
			used += (size_t)snprintf(out + used, size - used, " %s r%u",
				scope ? "includes" : "inherits",
				1 + roll(dice, (uint32_t)number - 1));
		}
		used += (size_t)snprintf(out + used, size - used, " {\n");
		for (uint32_t k = roll(dice, 3) + (number == 0 ? 0 : 1); k > 0; k--) {
			used += (size_t)snprintf(out + used, size - used, "%s %s on %s\n",
				roll(dice, 5) == 0 ? "deny" : "allow", PICK(dice, verbs),
				PICK(dice, patterns));
		}
		used += (size_t)snprintf(out + used, size - used, "}\n");
	}
	used += (size_t)snprintf(out + used, size - used,
		"stack other {\nauthenticate sufficient key anonymous=allow\n"
		"authenticate required principal\nauthorize required role\n"
		"authorize required scope\naccount substack sub\n");
	for (uint32_t k = roll(dice, 4); k > 0; k--) {
		const char *module = PICK(dice, modules);

		used += (size_t)snprintf(out + used, size - used, "%s %s %s\n",
			module[0] == 'n' ? "account" : PICK(dice, groups), PICK(dice, controls),
			module);
	}
	(void)snprintf(out + used, size - used,
		"}\nstack sub {\naccount %s permit\naccount %s permit\n}\n", PICK(dice, controls),
		PICK(dice, controls));
}

struct subject {
	struct pol_held held[HELD];
	uint32_t scopes[2];
	struct pol_str places[2];
	struct pol_facts facts;
};

static const struct pol_str paths[] = { POL_STR_INIT("/a"), POL_STR_INIT("/a/1"),
	POL_STR_INIT("/a/2/c"), POL_STR_INIT("/b"), POL_STR_INIT("/a/..") };
static const struct pol_str asked[] = { POL_STR_INIT("GET"), POL_STR_INIT("POST"),
	POL_STR_INIT("update"), POL_STR_INIT("PATCH"), POL_STR_INIT("nope") };
static const struct pol_str places[] = { POL_STR_INIT("api:/a/1"), POL_STR_INIT("api:/a") };

static void make_subject(struct dice *dice, struct subject *out)
{
	*out = (struct subject){ 0 };
	for (int i = 0; i < HELD; i++) {
		out->held[i] = (struct pol_held){ .role = 1 + roll(dice, ROLES - 1),
			.places = &places[roll(dice, 2)],
			.place_count = roll(dice, 2) };
	}
	out->places[0] = PICK(dice, places);
	out->scopes[0] = roll(dice, ROLES);
	out->facts = (struct pol_facts){
		.key_state = roll(dice, 2) == 0 ? POL_KEY_MISSING : POL_KEY_ACTIVE,
		.principal_state = roll(dice, 8) == 0 ? POL_PRINCIPAL_NONE : POL_PRINCIPAL_ACTIVE,
		.held = out->held,
		.held_count = roll(dice, HELD + 1),
		.scopes = out->scopes,
		.key_places = out->places,
		.tree = POL_STR("api"),
		.path = PICK(dice, paths),
		.verb = PICK(dice, asked),
	};
	if (out->facts.key_state == POL_KEY_ACTIVE) {
		out->facts.binding = (enum pol_binding)(1 + roll(dice, 3));
		out->facts.scope_count = roll(dice, 2);
		out->facts.key_place_count = roll(dice, 3) == 0;
		out->facts.narrowed_by_scopes =
			out->facts.scope_count > 0 || out->facts.binding == POL_BOUND_TO_SCOPES;
		out->facts.narrowed =
			out->facts.narrowed_by_scopes || out->facts.key_place_count > 0;
	}
}

/* Reads the sets for the request. */
static struct pol_subject_bits ask(
	const struct pol_snapshot *snapshot, const struct pol_facts *facts, struct pol_run_word *at)
{
	static struct pol_path path;
	struct pol_run run;
	uint32_t node;

	cr_assert_eq(pol_path_read(facts->path, &path), POL_OK);
	cr_assert_eq(pol_tree_find(snapshot, pol_tree_number(snapshot, facts->tree), &path, &node),
		POL_OK);
	cr_assert_eq(pol_tree_node_verb(snapshot, node, facts->verb, false, &run), POL_OK);
	cr_assert(pol_run_next(&run, at));
	cr_assert_eq(run.count, 0, "a small tree has one word a verb");
	return pol_subject_eval(snapshot, facts, facts->tree, &path, at);
}

static void check_rules(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct pol_explanation *explanation)
{
	struct pol_run_word at;
	struct pol_subject_bits said = ask(snapshot, facts, &at);
	bool allows = false;
	bool denies = false;

	for (uint32_t i = 0; i < explanation->rule_count; i++) {
		const struct pol_explained_rule *rule = &explanation->rules[i];

		cr_assert_gt(rule->position.line, 0);
		cr_assert_gt(rule->chain_count, 0);
		cr_assert(pol_str_starts(
			rule->text, rule->deny ? POL_STR("deny") : POL_STR("allow")));
		denies = denies || rule->deny;
		allows = allows || (!rule->deny && !rule->scope);
	}
	cr_assert_eq(denies, said.denied.sure != 0);
	cr_assert_eq(allows, (said.roles.sure | said.anyone.sure) != 0);
}

/* With the role held in addition, the roles allow the request. */
static void check_need(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct pol_explained_rule *need)
{
	struct pol_held held[HELD + 1] = { { 0 } };
	struct pol_facts more = *facts;
	struct pol_run_word at;
	struct pol_subject_bits said;

	memcpy(held, facts->held, facts->held_count * sizeof *held);
	held[facts->held_count].role = pol_snapshot_role(snapshot, need->chain[0]);
	more.held = held;
	more.held_count++;
	said = ask(snapshot, &more, &at);
	cr_assert_eq(said.denied.sure, 0);
	if (pol_subject_roles_count(&more)) {
		cr_assert_eq((said.roles.sure | said.anyone.sure) & at.mask, at.mask);
	}
}

/* All roles that would do are named or counted, and no others; none when the stack would refuse the
 * request with any role. */
static void check_needs(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct pol_explanation *explanation)
{
	uint32_t would_do = 0;

	for (uint32_t role = 1; role < ROLES; role++) {
		struct pol_held held[HELD + 1] = { { 0 } };
		struct pol_facts more = *facts;
		struct pol_run_word at;
		struct pol_subject_bits said;
		char name[8];

		memcpy(held, facts->held, facts->held_count * sizeof *held);
		snprintf(name, sizeof name, "r%u", role);
		held[facts->held_count].role = pol_snapshot_role(snapshot, pol_str_of(name));
		more.held = held;
		more.held_count++;
		said = ask(snapshot, &more, &at);
		would_do += said.denied.sure == 0 &&
			    ((said.roles.sure | said.anyone.sure) & at.mask) == at.mask;
	}
	cr_assert_eq(explanation->need_count + explanation->more_needs,
		explanation->missing.role ? would_do : 0);
	cr_assert_eq(explanation->none.role, explanation->need_count == 0);
}

static void try(const struct pol_snapshot *snapshot, struct dice *dice)
{
	struct subject subject;
	struct pol_decision plain, decision;
	struct pol_explanation explanation;
	struct pol_arena arena;

	make_subject(dice, &subject);
	pol_arena_init(&arena, 1 << 20);
	pol_eval(snapshot, &subject.facts, &plain);
	cr_assert_eq(
		pol_explain(snapshot, &subject.facts, &arena, &decision, &explanation), POL_OK);
	cr_assert_eq(plain.allow, decision.allow);
	cr_assert_eq(plain.status, decision.status);
	cr_assert_eq(plain.node, decision.node);
	cr_assert_eq(plain.marks, decision.marks);
	cr_assert(pol_str_equal(plain.reason, decision.reason));
	cr_assert_eq(explanation.stage == POL_STAGE_END, plain.allow);
	if (explanation.stage >= POL_STAGE_SUBJECT) {
		check_rules(snapshot, &subject.facts, &explanation);
	} else {
		cr_assert_eq(explanation.rule_count + explanation.need_count, 0);
	}
	if (explanation.stage == POL_STAGE_AUTHORIZE && pol_subject_roles_count(&subject.facts) &&
		pol_str_equal(decision.reason, POL_STR("role"))) {
		check_needs(snapshot, &subject.facts, &explanation);
	}
	for (uint32_t i = 0; i < explanation.need_count; i++) {
		if (!explanation.needs[i].scope) {
			check_need(snapshot, &subject.facts, &explanation.needs[i]);
		}
	}
	pol_arena_finish(&arena);
}

Test(explain_random, to_explain_a_decision_changes_nothing_and_agrees_with_the_sets)
{
	struct dice dice = { 20261122 };

	for (int i = 0; i < POLICIES; i++) {
		char policy[8192];
		struct compiled_text compiled;
		const char *one = policy;

		write_policy(&dice, policy, sizeof policy);
		compiled_text_of(&compiled, &one, 1);
		cr_assert_not_null(compiled.snapshot, "%s\n%s", policy, compiled.said);
		for (int k = 0; k < REQUESTS; k++) {
			try(compiled.snapshot, &dice);
		}
		pol_snapshot_unref(compiled.snapshot);
	}
}
