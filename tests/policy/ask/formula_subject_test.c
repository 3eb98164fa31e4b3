/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/formula_subject.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/decide/eval.h"
#include "policy/decide/subject.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/tree.h"
#include "tests/often.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/dice.h"

/*
 * Random policies with conditions, random subjects and random facts: the formula of a decision is
 * true exactly where the decision allows it, and false where it is denied or a fact is missing.
 */

#define POLICIES  OFTEN(300)
#define SUBJECTS  6
#define DECISIONS 12

static const char declarations[] = "facts {\n"
				   "  principal.branch string\n"
				   "  principal.limit int default 2\n"
				   "  principal.regions strings\n"
				   "  resource.branch string\n"
				   "  resource.owner string default \"ann\"\n"
				   "  resource.status draft | active | archived default active\n"
				   "  resource.tags strings\n"
				   "  context.amount int\n"
				   "  context.urgent bool default false\n"
				   "}\n"
				   "tree api { /loans { list GET, /{loan} { read GET, update PUT, "
				   "/notes/{note} { GET } } } }\n"
				   "tree other { /x { GET } }\n";

static const char *const predicates[] = {
	"principal.branch is resource.branch",
	"resource.branch is not principal.branch",
	"resource.owner is principal.id",
	"not resource.owner is principal.id",
	"resource.status is active",
	"resource.status is not archived",
	"resource.status in draft, archived",
	"context.amount <= principal.limit",
	"context.amount > 1",
	"principal.limit >= 2",
	"principal.regions has resource.branch",
	"not principal.regions has \"north\"",
	"resource.tags has any \"a\", \"b\"",
	"resource.tags has all principal.regions",
	"context.urgent",
	"not context.urgent",
	"principal.roles has \"r2\"",
	"not principal.roles has \"r1\"",
	"principal.kind is user",
	"principal.kind is not none",
	"principal.id is \"ann\"",
};
/* These name a parameter of their pattern. */
static const char *const with_loan[] = { "{loan} is principal.id", "resource.owner is {loan}",
	"{loan} is not \"7\"" };

static const struct {
	const char *text;
	bool has_loan;
} patterns[] = {
	{ "GET on api:/loans", false },
	{ "GET on api:/loans/**", false },
	{ "read, update on api:/loans/{loan}", true },
	{ "PUT on api:/loans/{loan}", true },
	{ "GET on api:/loans/{loan}/notes/{note}", true },
};

struct text {
	char bytes[8192];
	size_t used;
};

static void put(struct text *text, const char *part)
{
	text->used += (size_t)snprintf(
		text->bytes + text->used, sizeof text->bytes - text->used, "%s", part);
	cr_assert_lt(text->used, sizeof text->bytes);
}

static void put_condition(struct dice *dice, struct text *text, bool has_loan, int depth)
{
	uint32_t parts = depth == 0 ? 1 : 1 + roll(dice, 3);
	const char *joint = roll(dice, 2) == 0 ? " and " : " or ";

	for (uint32_t i = 0; i < parts; i++) {
		put(text, i > 0 ? joint : "");
		if (parts > 1 && roll(dice, 3) == 0) {
			put(text, roll(dice, 2) == 0 ? "not (" : "(");
			put_condition(dice, text, has_loan, depth - 1);
			put(text, ")");
		} else if (has_loan && roll(dice, 3) == 0) {
			put(text, PICK(dice, with_loan));
		} else {
			put(text, PICK(dice, predicates));
		}
	}
}

static void put_grants(struct dice *dice, struct text *text, uint32_t most)
{
	uint32_t count = roll(dice, most + 1);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t pattern = roll(dice, sizeof patterns / sizeof patterns[0]);

		put(text, roll(dice, 3) == 0 ? "  deny " : "  allow ");
		put(text, patterns[pattern].text);
		if (roll(dice, 4) != 0) {
			put(text, " when ");
			put_condition(dice, text, patterns[pattern].has_loan, 2);
		}
		put(text, "\n");
	}
}

static void make_policy(struct dice *dice, struct text *text)
{
	static const char *const heads[] = { "role anyone {\n", "role r1 {\n",
		"role r2 inherits r1 {\n", "role r3 {\n", "scope s1 {\n", "scope s2 {\n" };

	text->used = 0;
	put(text, declarations);
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		put(text, heads[i]);
		put_grants(dice, text, i == 0 ? 1 : 4);
		put(text, "}\n");
	}
}

/* --- subjects --------------------------------------------------------------------------------- */

static const struct pol_str branches[] = { POL_STR_INIT("ann"), POL_STR_INIT("north"),
	POL_STR_INIT("south") };
static const struct pol_str tags[] = { POL_STR_INIT("a"), POL_STR_INIT("north") };

struct who {
	struct pol_facts facts;
	struct pol_held held[3];
	struct pol_str places[3];
	struct pol_str key_place;
	uint32_t scopes[2];
	struct pol_given_fact attributes[3], given[8];
	struct pol_given own, request;
};

static struct pol_value some_value(struct dice *dice, const struct pol_declared_fact *fact)
{
	struct pol_value value = { .type = fact->type };

	switch (fact->type) {
	case POL_TYPE_STRING:
		value.text = PICK(dice, branches);
		break;
	case POL_TYPE_WORD:
		value.text = fact->words[roll(dice, fact->word_count)];
		break;
	case POL_TYPE_STRINGS:
		value.strings = (struct pol_strings){ tags + roll(dice, 2), 1 };
		break;
	case POL_TYPE_INT:
		value.number = roll(dice, 4);
		break;
	case POL_TYPE_BOOL:
		value.number = roll(dice, 2);
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
	case POL_TYPE_ADDRESS:
	case POL_TYPE_NETWORK:
		break;
	}
	return value;
}

/* Each fact of the space, or of all others, is there, absent or unknown. */
static void give(struct dice *dice, const struct pol_snapshot *snapshot, bool own,
	struct pol_given_fact *items, struct pol_given *out)
{
	*out = (struct pol_given){ items, 0 };
	for (uint32_t i = POL_FACT_KNOWN; i < snapshot->fact_count; i++) {
		const struct pol_declared_fact *fact = &snapshot->facts[i];
		uint32_t luck = roll(dice, 8);

		if ((fact->space == POL_SPACE_PRINCIPAL) != own || luck < 2) {
			continue;
		}
		items[out->count].fact = i;
		items[out->count++].value = luck == 2
						    ? (struct pol_value){ .type = POL_TYPE_ABSENT }
						    : some_value(dice, fact);
	}
}

static void hold(struct dice *dice, const struct pol_snapshot *snapshot, struct who *who)
{
	static const char *const roles[] = { "r1", "r2", "r3" };
	static const struct pol_str places[] = { POL_STR_INIT("api:/loans"),
		POL_STR_INIT("api:/loans/7"), POL_STR_INIT("api:/loans/ann"),
		POL_STR_INIT("other:/x") };

	who->facts.held = who->held;
	who->facts.held_count = roll(dice, 4);
	for (uint32_t i = 0; i < who->facts.held_count; i++) {
		who->held[i].role = pol_snapshot_role(snapshot, pol_str_of(PICK(dice, roles)));
		who->places[i] = PICK(dice, places);
		who->held[i].places = &who->places[i];
		who->held[i].place_count = roll(dice, 2);
	}
}

static void make_who(struct dice *dice, const struct pol_snapshot *snapshot, struct who *who)
{
	*who = (struct who){ .facts = { .principal_state = POL_PRINCIPAL_ACTIVE,
				     .principal = PICK(dice, branches),
				     .principal_kind = (enum pol_principal_kind)roll(dice, 3) } };
	hold(dice, snapshot, who);
	give(dice, snapshot, true, who->attributes, &who->own);
	who->facts.attributes = &who->own;
	if (roll(dice, 2) == 0) {
		return;
	}
	who->facts.key_state = POL_KEY_ACTIVE;
	who->facts.binding = (enum pol_binding)(1 + roll(dice, 3));
	who->facts.scopes = who->scopes;
	who->facts.scope_count = roll(dice, 3);
	for (uint32_t i = 0; i < who->facts.scope_count; i++) {
		who->scopes[i] = pol_snapshot_scope(
			snapshot, roll(dice, 2) == 0 ? POL_STR("s1") : POL_STR("s2"));
	}
	who->facts.narrowed_by_scopes = who->facts.scope_count > 0 || roll(dice, 4) == 0;
	who->facts.narrowed = who->facts.narrowed_by_scopes || roll(dice, 3) == 0;
	who->key_place = POL_STR("api:/loans/7");
	who->facts.key_places = &who->key_place;
	who->facts.key_place_count = who->facts.narrowed ? roll(dice, 2) : 0;
}

/* --- formulas --------------------------------------------------------------------------------- */

/* What is open while the formula is made. */
struct told {
	const struct who *who;
	const struct pol_path *path;
	bool facts_open, path_open;
};

static struct pol_knowledge fact_of(const struct pol_knowing *knowing, uint32_t fact)
{
	const struct told *told = knowing->context;

	(void)fact;
	return (struct pol_knowledge){ told->facts_open ? POL_KNOWN_OPEN : POL_KNOWN_ABSENT,
		{ 0 } };
}

static struct pol_knowledge segment_of(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct told *told = knowing->context;
	const struct pol_formula_path path = { .path = told->path };

	return told->path_open ? (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } }
			       : pol_formula_path_segment(&path, segment);
}

static bool is_given(const struct pol_truth_table *table, const struct pol_operand *operand)
{
	const struct pol_given_fact *given;

	if (operand->kind != POL_OPERAND_FACT) {
		return true;
	}
	given = pol_given_find(table->facts->given, operand->number);
	return given != NULL && given->value.type != POL_TYPE_ABSENT;
}

/* Without any default. */
static bool compares(struct pol_truth_table *table, const struct pol_formula *formula)
{
	const struct pol_predicate *predicate = formula->predicate;
	const struct pol_condition alone = { .predicate = predicate, .negated = formula->negated };

	return is_given(table, &predicate->left) &&
	       (predicate->comparison == POL_COMPARE_TRUE || is_given(table, &predicate->right)) &&
	       pol_truth_of(table, &alone) == POL_TRUE;
}

/* Is the formula true of these facts and this path? */
static bool holds(struct pol_truth_table *table, const struct pol_formula *formula)
{
	bool is_and = formula->kind == POL_FORMULA_AND;

	switch (formula->kind) {
	case POL_FORMULA_NEVER:
	case POL_FORMULA_ALWAYS:
		return formula->kind == POL_FORMULA_ALWAYS;
	case POL_FORMULA_PRESENT:
	case POL_FORMULA_ABSENT: {
		const struct pol_given_fact *given =
			pol_given_find(table->facts->given, formula->fact);

		return formula->kind == POL_FORMULA_ABSENT
			       ? given == NULL
			       : given != NULL && given->value.type != POL_TYPE_ABSENT;
	}
	case POL_FORMULA_COMPARE:
		return compares(table, formula);
	case POL_FORMULA_AND:
	case POL_FORMULA_OR:
		break;
	}
	for (uint32_t i = 0; i < formula->part_count; i++) {
		if (holds(table, formula->parts[i]) != is_and) {
			return !is_and;
		}
	}
	return is_and;
}

/* --- decisions -------------------------------------------------------------------------------- */

/* The formula, made with more or less that is known. */
static const struct pol_formula *make_formula(struct dice *dice,
	const struct pol_snapshot *snapshot, const struct who *who, const struct pol_path *path,
	struct pol_arena *arena, uint32_t permission)
{
	static struct pol_facts facts;
	static struct pol_formula_path at;
	static struct told told;
	static struct pol_knowing others;
	struct pol_formula_subject subject = { .snapshot = snapshot,
		.arena = arena,
		.facts = &facts,
		.place = pol_formula_path_place,
		.context = &at };

	facts = who->facts;
	if (roll(dice, 2) == 0) {
		facts.given = NULL;
	}
	told = (struct told){ who, path, facts.given == NULL || roll(dice, 2) == 0,
		roll(dice, 2) == 0 };
	others = (struct pol_knowing){ .fact = fact_of, .segment = segment_of, .context = &told };
	at = (struct pol_formula_path){ POL_STR("api"), path };
	if (roll(dice, 3) != 0) {
		subject.others = &others;
	}
	return pol_formula_of_subject(&subject, permission);
}

struct counts {
	unsigned allowed, denied, missing, conditional;
};

static void check_decision(struct dice *dice, const struct pol_snapshot *snapshot,
	const struct who *who, struct pol_arena *arena, struct counts *counts)
{
	static const char *const paths[] = { "/loans", "/loans/7", "/loans/ann", "/loans/north",
		"/loans/7/notes/1" };
	static const char *const verbs[] = { "GET", "PUT" };
	static struct pol_path path;
	struct pol_truth_table table;
	const struct pol_formula *formula;
	const char *text = PICK(dice, paths);
	struct pol_subject_bits bits;
	struct pol_run run;
	struct pol_run_word at;
	uint32_t node;
	bool allows;

	cr_assert_eq(pol_path_read(pol_str_of(text), &path), POL_OK);
	if (pol_tree_find_requested(snapshot, 0, &path, &node) != POL_OK ||
		pol_tree_node_verb(snapshot, node, pol_str_of(PICK(dice, verbs)), false, &run) !=
			POL_OK) {
		return;
	}
	formula = make_formula(dice, snapshot, who, &path, arena, run.first);
	run.count = 1;
	cr_assert(pol_run_next(&run, &at));
	pol_truth_begin(&table, snapshot, &who->facts, POL_STR("api"), &path);
	bits = pol_subject_decide(&table, &at);
	allows = pol_subject_allows(&who->facts, bits) != 0;
	counts->allowed += allows;
	counts->missing += !allows && pol_subject_may(&who->facts, bits) != 0;
	counts->denied += pol_subject_may(&who->facts, bits) == 0;
	counts->conditional += formula->kind > POL_FORMULA_ALWAYS;
	cr_assert_eq(holds(&table, formula), allows, "%s", text);
}

Test(formula_subject, the_formula_is_true_exactly_where_the_decision_allows)
{
	static struct text text;
	static struct who who;
	struct dice dice = { 20261130 };
	struct counts counts = { 0 };

	for (int i = 0; i < POLICIES; i++) {
		struct pol_snapshot *snapshot;

		make_policy(&dice, &text);
		snapshot = compiled_text_good(text.bytes);
		for (int k = 0; k < SUBJECTS; k++) {
			make_who(&dice, snapshot, &who);
			for (int n = 0; n < DECISIONS; n++) {
				struct pol_arena arena;

				give(&dice, snapshot, false, who.given, &who.request);
				who.facts.given = &who.request;
				pol_arena_init(&arena, 1 << 24);
				check_decision(&dice, snapshot, &who, &arena, &counts);
				pol_arena_finish(&arena);
			}
		}
		pol_snapshot_unref(snapshot);
	}
	cr_expect_gt(counts.allowed, POLICIES);
	cr_expect_gt(counts.denied, POLICIES);
	cr_expect_gt(counts.missing, POLICIES);
	cr_expect_gt(counts.conditional, POLICIES);
}
