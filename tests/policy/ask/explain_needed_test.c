/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/explain.h"

#include <stdlib.h>

#include "policy/snapshot/stored.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/dice.h"

/*
 * Random policies with exclusive roles, and random questions: a subject that gets a role or scope
 * named as needed must be allowed. The roles and scopes that would do are found by trying each, and
 * each pair; which roles may be assigned is computed here from what was written into the policy.
 */

#define POLICIES  400
#define QUESTIONS 60
#define ROLES     6 /* in the files, `anyone` apart: r1 to r6 */
#define STORED    4 /* after them, as s7 to s10 */
#define ALL       (1 + ROLES + STORED)
/* The first stored role: of another tenant, allowing everything, without parents. */
#define EVERYTHING (1 + ROLES)
#define SCOPES     5
#define SETS       3
#define HELD       3
#define TENANT     4

/* The policy as written; sets of roles have a bit for each. */
struct model {
	char text[8192];
	size_t used;
	uint32_t above[ALL]; /* itself and what it inherits */
	uint32_t sets[SETS];
	uint32_t tenants[ALL]; /* of a stored role; 0: a role of the files */
	uint32_t principal[2]; /* roles of principal p: one that holds, one that has ended */
	uint32_t numbers[ALL]; /* in the snapshot */
	uint32_t scopes[SCOPES];
};

/* How many questions of each kind were asked. */
static struct {
	unsigned allowed, role, scope, both, none, refused, exclusive;
} seen;

static const char *const patterns[] = { "api:/**", "api:/a", "api:/a/{x}", "api:/a/**" };
static const char *const verbs[] = { "all", "GET", "PUT, GET", "update", "POST" };
static const char *const lines[] = { "authorize sufficient permit", "authorize required deny",
	"authorize optional permit", "account required permit" };

__attribute__((format(printf, 2, 3))) static void put(struct model *model, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	model->used += (size_t)vsnprintf(
		model->text + model->used, sizeof model->text - model->used, format, args);
	va_end(args);
	cr_assert_lt(model->used, sizeof model->text);
}

static void put_grants(struct model *model, struct dice *dice)
{
	put(model, " {\n");
	for (uint32_t k = 1 + roll(dice, 2); k > 0; k--) {
		put(model, "%s %s on %s\n", roll(dice, 7) == 0 ? "deny" : "allow",
			PICK(dice, verbs), PICK(dice, patterns));
	}
	put(model, "}\n");
}

static void write_roles(struct model *model, struct dice *dice)
{
	if (roll(dice, 3) == 0) {
		put(model, "role anyone { %s GET on %s }\n", roll(dice, 6) == 0 ? "deny" : "allow",
			PICK(dice, patterns));
	}
	for (uint32_t i = 1; i <= ROLES; i++) {
		model->above[i] = 1U << i;
		put(model, "role r%u", i);
		if (i > 1 && roll(dice, 2) == 0) {
			uint32_t parent = 1 + roll(dice, i - 1);

			model->above[i] |= model->above[parent];
			put(model, " inherits r%u", parent);
		}
		put_grants(model, dice);
	}
	for (uint32_t i = 0; i < SETS; i++) {
		uint32_t a = 1 + roll(dice, ROLES - 2), b = a + 1 + roll(dice, ROLES - 1 - a);
		bool third = b < ROLES && roll(dice, 3) == 0;

		model->sets[i] = 1U << a | 1U << b | (third ? 1U << ROLES : 0);
		put(model, "exclusive r%u, r%u%s\n", a, b, third ? ", r6" : "");
	}
}

static void write_policy(struct model *model, struct dice *dice)
{
	*model = (struct model){ 0 };
	put(model, "tree api { /a { GET, POST\n update PUT PATCH\n"
		   "/{x} { GET, POST\n update PUT PATCH } } }\n");
	write_roles(model, dice);
	for (uint32_t i = 0; i < SCOPES; i++) {
		put(model, "scope c%u", i);
		put_grants(model, dice);
	}
	for (int i = 0; i < 2; i++) {
		model->principal[i] = 1 + roll(dice, ROLES);
	}
	put(model, "principal p {\n  role r%u\n  role r%u until 2001-01-01T00:00:00Z\n}\n",
		model->principal[0], model->principal[1]);
	if (roll(dice, 2) == 0) {
		put(model,
			"stack other {\nauthenticate sufficient key anonymous=allow\n"
			"authenticate required principal\n%s\nauthorize required role\n"
			"authorize required scope\n}\n",
			PICK(dice, lines));
	}
}

/* Adds stored roles, of this tenant and of another. */
static struct pol_snapshot *extend(
	struct model *model, struct dice *dice, const struct pol_snapshot *base)
{
	static const struct pol_str grant = POL_STR_INIT("allow all on api:/**");
	struct pol_stored_role roles[STORED];
	struct pol_stored_parent parents[STORED][2];
	char names[STORED][3][8];
	struct pol_stored_fault fault;
	struct pol_stored *own;
	struct pol_snapshot *out = NULL;
	size_t wrong = 0;

	cr_assert_eq(pol_stored_text_parse(base, &grant, 1, &fault, &own), POL_OK, "%s", fault.why);
	for (uint32_t i = 0; i < STORED; i++) {
		uint32_t role = 1 + ROLES + i;

		model->tenants[role] = TENANT + (role == EVERYTHING);
		model->above[role] = 1U << role;
		for (uint32_t k = 0; k < 2; k++) {
			uint32_t parent = 1 + roll(dice, ROLES);

			model->above[role] |= role == EVERYTHING ? 0 : model->above[parent];
			snprintf(names[i][k], sizeof names[i][k], "r%u", parent);
			parents[i][k] =
				(struct pol_stored_parent){ .name = pol_str_of(names[i][k]) };
		}
		snprintf(names[i][2], sizeof names[i][2], "s%u", role);
		roles[i] = (struct pol_stored_role){ .number = role,
			.tenant = model->tenants[role],
			.name = pol_str_of(names[i][2]),
			.own = own,
			.parents = parents[i],
			.parent_count = role == EVERYTHING ? 0 : 2 };
	}
	cr_assert_eq(pol_stored_extend(base, roles, STORED, &wrong, &out), POL_OK);
	pol_stored_unref(own);
	return out;
}

static void find_numbers(struct model *model, const struct pol_snapshot *snapshot)
{
	char name[8];

	for (uint32_t i = 1; i < ALL; i++) {
		snprintf(name, sizeof name, "r%u", i);
		model->numbers[i] = i <= ROLES ? pol_snapshot_role(snapshot, pol_str_of(name))
					       : pol_stored_find(snapshot, i, model->tenants[i]);
		cr_assert_neq(model->numbers[i], POL_NONE);
	}
	for (uint32_t i = 0; i < SCOPES; i++) {
		snprintf(name, sizeof name, "c%u", i);
		model->scopes[i] = pol_snapshot_scope(snapshot, pol_str_of(name));
	}
}

/* --- who asks, for what ----------------------------------------------------------------------- */

struct question {
	struct pol_facts facts;
	uint32_t roles[HELD + 1]; /* those that exclude others, numbered as in the model */
	uint32_t role_count;
	struct pol_held held[HELD + 1];
	uint32_t scopes[2];
};

static const struct pol_str paths[] = { POL_STR_INIT("/a"), POL_STR_INIT("/a/1"),
	POL_STR_INIT("/a/2") };
static const struct pol_str asked[] = { POL_STR_INIT("GET"), POL_STR_INIT("POST"),
	POL_STR_INIT("update"), POL_STR_INIT("PATCH") };
static const struct pol_str places[] = { POL_STR_INIT("api:/a/1"), POL_STR_INIT("api:/a") };

static void hold(const struct model *model, struct dice *dice, struct question *out)
{
	struct pol_facts *facts = &out->facts;
	uint32_t count = roll(dice, HELD);

	if (facts->binding != POL_BOUND_TO_ROLES && roll(dice, 4) == 0) {
		facts->declared = true;
		out->role_count = 2;
		out->roles[0] = model->principal[0];
		out->roles[1] = model->principal[1];
		out->held[0].role = model->numbers[out->roles[0]];
		facts->held_count = 1;
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		/* Not a stored role. */
		uint32_t role = 1 + roll(dice, ROLES);

		role = roll(dice, 5) == 0 ? 2 + ROLES + roll(dice, STORED - 1) : role;
		out->roles[out->role_count++] = role;
		out->held[facts->held_count++] = (struct pol_held){ .role = model->numbers[role],
			.places = &places[roll(dice, 2)],
			.place_count = facts->binding != POL_BOUND_TO_ROLES && roll(dice, 2) == 0 };
	}
}

static void present_key(const struct model *model, struct dice *dice, struct question *out)
{
	struct pol_facts *facts = &out->facts;

	facts->key_state = POL_KEY_ACTIVE;
	facts->binding = (enum pol_binding)(1 + roll(dice, 3));
	facts->scope_count = facts->binding == POL_BOUND_TO_SCOPES || roll(dice, 2) == 0;
	out->scopes[0] = model->scopes[roll(dice, SCOPES)];
	facts->key_places = &places[roll(dice, 2)];
	facts->key_place_count = roll(dice, 5) == 0;
	facts->narrowed_by_scopes = facts->scope_count > 0;
	facts->narrowed = facts->narrowed_by_scopes || facts->key_place_count > 0;
	if (facts->binding != POL_BOUND_TO_PRINCIPAL) {
		facts->principal_state = POL_PRINCIPAL_NONE;
	}
}

static void make_question(const struct model *model, struct dice *dice, struct question *out)
{
	*out = (struct question){ .facts = { .principal_state = POL_PRINCIPAL_ACTIVE,
					  .principal = POL_STR("p"),
					  .tenant = TENANT,
					  .tree = POL_STR("api"),
					  .path = PICK(dice, paths),
					  .verb = PICK(dice, asked) } };
	if (roll(dice, 3) != 0) {
		present_key(model, dice, out);
	} else if (roll(dice, 8) == 0) {
		out->facts.principal_state = POL_PRINCIPAL_NONE;
		return;
	}
	if (out->facts.binding != POL_BOUND_TO_SCOPES) {
		hold(model, dice, out);
	}
	out->facts.held = out->held;
	out->facts.scopes = out->scopes;
}

/* --- what would do ---------------------------------------------------------------------------- */

static uint32_t count_of(uint32_t set)
{
	return (uint32_t)__builtin_popcount(set);
}

/* Do two roles have different members of one exclusive set? */
static bool are_exclusive(const struct model *model, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < SETS; i++) {
		uint32_t with_a = model->above[a] & model->sets[i];
		uint32_t with_b = model->above[b] & model->sets[i];

		if (with_a != 0 && with_b != 0 && count_of(with_a | with_b) > 1) {
			return true;
		}
	}
	return false;
}

static bool may_assign(const struct model *model, const struct question *question, uint32_t role)
{
	if (are_exclusive(model, role, role) ||
		(role > ROLES && (question->facts.declared || model->tenants[role] != TENANT))) {
		return false;
	}
	for (uint32_t i = 0; i < question->role_count; i++) {
		if (question->roles[i] != role && are_exclusive(model, role, question->roles[i])) {
			return false;
		}
	}
	return true;
}

/* Is the question allowed with this role and scope added? Role 0 and scope SCOPES: none. */
static bool allows(const struct model *model, const struct pol_snapshot *snapshot,
	const struct question *question, uint32_t role, uint32_t scope)
{
	struct question more = *question;
	struct pol_decision decision;

	more.facts.held = more.held;
	more.facts.scopes = more.scopes;
	if (role != 0) {
		more.held[more.facts.held_count++] =
			(struct pol_held){ .role = model->numbers[role] };
	}
	if (scope != SCOPES) {
		more.scopes[more.facts.scope_count++] = model->scopes[scope];
		more.facts.narrowed = more.facts.narrowed_by_scopes = true;
	}
	pol_eval(snapshot, &more.facts, &decision);
	return decision.allow;
}

/* The roles and scopes that would do, a bit each. */
struct would_do {
	uint32_t roles_alone, scopes_alone; /* without the other kind */
	uint32_t roles, scopes;             /* together */
	bool exclusive;                     /* a role would do, and may not be assigned */
};

static struct would_do try_all(const struct model *model, const struct pol_snapshot *snapshot,
	const struct question *question)
{
	uint32_t scopes = question->facts.key_state == POL_KEY_ACTIVE ? SCOPES : 0;
	struct would_do out = { 0 };

	for (uint32_t role = 0; role < ALL; role++) {
		bool given = role == 0 || may_assign(model, question, role);

		if (role != 0 && allows(model, snapshot, question, role, SCOPES)) {
			out.roles_alone |= given ? 1U << role : 0;
			out.exclusive = out.exclusive || !given;
		}
		for (uint32_t scope = 0; given && scope < scopes; scope++) {
			if (!allows(model, snapshot, question, role, scope)) {
				continue;
			}
			out.scopes_alone |= role == 0 ? 1U << scope : 0;
			out.roles |= role != 0 ? 1U << role : 0;
			out.scopes |= role != 0 ? 1U << scope : 0;
		}
	}
	return out;
}

/* The bit of r3, s8 or c0. */
static uint32_t bit_of(const struct pol_explained_rule *need)
{
	cr_assert_gt(need->chain_count, 0);
	cr_assert_eq(need->chain[0].ptr[0] == 'c', need->scope);
	return 1U << strtoul(need->chain[0].ptr + 1, NULL, 10);
}

/* Each role and scope that is named would do, and all that would do are named or counted. */
static void check_needs(const struct pol_explanation *explanation, const char *policy,
	uint32_t roles, uint32_t scopes)
{
	uint32_t named_roles = 0;
	uint32_t named_scopes = 0;

	cr_assert(!explanation->none.role && !explanation->none.scope, "%s", policy);
	cr_assert_eq(explanation->missing.role, roles != 0, "%s", policy);
	cr_assert_eq(explanation->missing.scope, scopes != 0, "%s", policy);
	for (uint32_t i = 0; i < explanation->need_count; i++) {
		uint32_t bit = bit_of(&explanation->needs[i]);

		cr_assert_neq(bit & (explanation->needs[i].scope ? scopes : roles), 0,
			"%.*s would not do:\n%s", POL_STR_ARGS(explanation->needs[i].chain[0]),
			policy);
		named_roles |= explanation->needs[i].scope ? 0 : bit;
		named_scopes |= explanation->needs[i].scope ? bit : 0;
	}
	cr_assert_eq(named_roles != 0, roles != 0, "%s", policy);
	cr_assert_eq(named_scopes != 0, scopes != 0, "%s", policy);
	cr_assert_eq(count_of(named_roles) + count_of(named_scopes), explanation->need_count, "%s",
		policy);
	cr_assert_eq(explanation->need_count + explanation->more_needs,
		count_of(roles) + count_of(scopes), "%s", policy);
}

/* Each of the roles does with each of the scopes, so that two lists suffice and no pairs are
 * needed. */
static void check_pairs(const struct model *model, const struct pol_snapshot *snapshot,
	const struct question *question, const struct would_do *would)
{
	for (uint32_t role = 1; role < ALL; role++) {
		for (uint32_t scope = 0; scope < SCOPES; scope++) {
			cr_assert((would->roles >> role & 1) == 0 ||
					  (would->scopes >> scope & 1) == 0 ||
					  allows(model, snapshot, question, role, scope),
				"r%u with c%u:\n%s", role, scope, model->text);
		}
	}
}

/* Would a role do, if the key were not narrowed? */
static bool has_role(const struct model *model, const struct pol_snapshot *snapshot,
	const struct question *question)
{
	struct question wide = *question;
	bool has = false;

	wide.facts.scope_count = wide.facts.key_place_count = 0;
	wide.facts.narrowed = wide.facts.narrowed_by_scopes = false;
	for (uint32_t role = 1; role < ALL; role++) {
		has = has || (may_assign(model, question, role) &&
				     allows(model, snapshot, &wide, role, SCOPES));
	}
	return has;
}

/* Would a scope do, if the roles allowed everything? */
static bool has_scope(const struct model *model, const struct pol_snapshot *snapshot,
	const struct question *question)
{
	bool has = false;

	for (uint32_t scope = 0; question->facts.key_state == POL_KEY_ACTIVE && scope < SCOPES;
		scope++) {
		has = has || allows(model, snapshot, question, EVERYTHING, scope);
	}
	return has;
}

/* Nothing is named where nothing would do, and `none` has only kinds of which nothing would do. */
static void check_none(const struct model *model, const struct pol_snapshot *snapshot,
	const struct question *question, const struct pol_explanation *explanation)
{
	const char *policy = model->text;
	bool role = has_role(model, snapshot, question);
	bool scope = has_scope(model, snapshot, question);

	cr_assert_eq(explanation->need_count + explanation->more_needs, 0, "%s", policy);
	cr_assert(explanation->none.role || explanation->none.scope, "%s", policy);
	if (!explanation->missing.role && !explanation->missing.scope) {
		cr_assert(explanation->none.role && explanation->none.scope, "%s", policy);
		cr_assert(!scope && !allows(model, snapshot, question, EVERYTHING, SCOPES), "%s",
			policy);
		return;
	}
	cr_assert_eq(explanation->none.role, explanation->missing.role && !role, "%s", policy);
	cr_assert_eq(explanation->none.scope, explanation->missing.scope && !scope, "%s", policy);
}

static void check(const struct model *model, const struct pol_snapshot *snapshot,
	const struct question *question, const struct pol_explanation *explanation)
{
	struct would_do would = try_all(model, snapshot, question);

	if (would.roles_alone != 0) {
		cr_assert_eq(would.scopes_alone, 0);
		check_needs(explanation, model->text, would.roles_alone, 0);
		seen.role++;
	} else if (would.scopes_alone != 0) {
		check_needs(explanation, model->text, 0, would.scopes_alone);
		seen.scope++;
	} else if (would.roles != 0) {
		check_needs(explanation, model->text, would.roles, would.scopes);
		check_pairs(model, snapshot, question, &would);
		seen.both++;
	} else {
		check_none(model, snapshot, question, explanation);
		seen.none++;
	}
	seen.refused += would.exclusive;
	seen.exclusive += would.exclusive && would.roles_alone == 0;
}

static void ask(const struct model *model, const struct pol_snapshot *snapshot, struct dice *dice)
{
	struct question question;
	struct pol_decision decision;
	struct pol_explanation explanation;
	struct pol_arena arena;

	make_question(model, dice, &question);
	pol_arena_init(&arena, 1 << 20);
	cr_assert_eq(
		pol_explain(snapshot, &question.facts, &arena, &decision, &explanation), POL_OK);
	if (explanation.stage == POL_STAGE_SUBJECT || explanation.stage == POL_STAGE_AUTHORIZE) {
		check(model, snapshot, &question, &explanation);
	} else {
		cr_assert_eq(explanation.need_count, 0);
		cr_assert(!explanation.none.role && !explanation.none.scope);
		seen.allowed += decision.allow;
	}
	pol_arena_finish(&arena);
}

/* False: the policy was refused, since it assigns two exclusive roles. */
static bool try_policy(struct model *model, struct dice *dice)
{
	const char *text = model->text;
	struct compiled_text compiled;
	struct pol_snapshot *extended;

	write_policy(model, dice);
	compiled_text_of(&compiled, &text, 1);
	if (compiled.snapshot == NULL) {
		cr_assert_not_null(strstr(compiled.said, "exclusive"), "%s", compiled.said);
		return false;
	}
	extended = extend(model, dice, compiled.snapshot);
	find_numbers(model, extended);
	for (int i = 0; i < QUESTIONS; i++) {
		ask(model, extended, dice);
	}
	pol_snapshot_unref(extended);
	pol_snapshot_unref(compiled.snapshot);
	return true;
}

Test(explain_needed, what_is_needed_would_do_and_none_is_said_when_nothing_would)
{
	struct dice dice = { 20261128 };
	struct model model;

	for (int i = 0; i < POLICIES;) {
		i += try_policy(&model, &dice);
	}
	cr_log_info("of %d questions %u allowed; missing: %u a role, %u a scope, %u both, %u none; "
		    "%u with a role that would do and may not be given, %u of them with no other",
		POLICIES * QUESTIONS, seen.allowed, seen.role, seen.scope, seen.both, seen.none,
		seen.refused, seen.exclusive);
	/* Each kind came often enough to test something. */
	cr_expect_gt(seen.role, 500);
	cr_expect_gt(seen.scope, 500);
	cr_expect_gt(seen.both, 500);
	cr_expect_gt(seen.none, 500);
	cr_expect_gt(seen.refused, 500);
	cr_expect_gt(seen.exclusive, 100);
}
