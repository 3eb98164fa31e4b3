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
#include "tests/policy/ask/random_grants.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/dice.h"

/*
 * Random policies with conditions, random subjects and random facts: the formula of a decision is
 * true exactly where the decision allows it, and false where it is denied or a fact is missing.
 */

#define POLICIES  OFTEN(300)
#define SUBJECTS  6
#define DECISIONS 12

/* --- formulas --------------------------------------------------------------------------------- */

/* What is open while the formula is made. */
struct told {
	const struct random_grants_who *who;
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

/* --- decisions -------------------------------------------------------------------------------- */

/* The formula, made with more or less that is known. */
static const struct pol_formula *make_formula(struct dice *dice,
	const struct pol_snapshot *snapshot, const struct random_grants_who *who,
	const struct pol_path *path, struct pol_arena *arena, uint32_t permission)
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
	const struct random_grants_who *who, struct pol_arena *arena, struct counts *counts)
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
	cr_assert_eq(random_grants_holds(&table, formula), allows, "%s", text);
}

Test(formula_subject, the_formula_is_true_exactly_where_the_decision_allows)
{
	static struct random_grants_text text;
	static struct random_grants_who who;
	struct dice dice = { dice_setting("AUTHZ_TEST_SEED", 20261130) };
	struct counts counts = { 0 };
	unsigned long policies = dice_setting("AUTHZ_TEST_GRANTS", POLICIES);

	for (unsigned long i = 0; i < policies; i++) {
		struct pol_snapshot *snapshot;

		random_grants_policy(&dice, &text);
		snapshot = compiled_text_good(text.bytes);
		for (int k = 0; k < SUBJECTS; k++) {
			random_grants_who(&dice, snapshot, &who);
			for (int n = 0; n < DECISIONS; n++) {
				struct pol_arena arena;

				random_grants_give(&dice, snapshot, false, who.given, &who.request);
				who.facts.given = &who.request;
				pol_arena_init(&arena, 1 << 24);
				check_decision(&dice, snapshot, &who, &arena, &counts);
				pol_arena_finish(&arena);
			}
		}
		pol_snapshot_unref(snapshot);
	}
	if (policies != POLICIES) {
		cr_log_warn("%u allowed, %u denied, %u missing; %u formulas", counts.allowed,
			counts.denied, counts.missing, counts.conditional);
	}
	cr_expect_gt(counts.allowed, POLICIES);
	cr_expect_gt(counts.denied, POLICIES);
	cr_expect_gt(counts.missing, POLICIES);
	cr_expect_gt(counts.conditional, POLICIES);
}
