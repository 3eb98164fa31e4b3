/* SPDX-License-Identifier: Apache-2.0 */
/*
 * condition_fuzz: any conditions of grants. If they compile, then of random subjects and facts a
 * decision allows exactly that of which the formula, and the plan, are true.
 *
 * The first 4 bytes choose subjects and facts; the lines after them are grants (grants.h).
 */
#include "policy/ask/formula_subject.h"
#include "policy/ask/plan.h"
#include "policy/decide/eval.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/tree.h"
#include "tests/fuzz/grants.h"

enum { ROUNDS = 6, ROWS = 4 };
#define MEMORY ((size_t)1 << 22)

static const char facts_text[] =
	"facts {\n  principal.branch string\n  principal.limit int default 2\n"
	"  principal.regions strings default \"a\"\n  resource.branch string\n"
	"  resource.owner string default \"ann\"\n"
	"  resource.status draft | active | archived default active\n  resource.tags strings\n"
	"  resource.at time\n  context.amount int\n  context.urgent bool default false\n"
	"  context.for duration\n  action.from address\n}\n";

/* --- a question ------------------------------------------------------------------------------- */

static const char *const paths[] = { "/loans/7", "/loans/ann", "/loans/north", "/loans" };
static const char *const verbs[] = { "GET", "PUT" };

/* The formula of everything that is open is true where the decision allows it. */
static void check_formula(struct dice *dice, const struct pol_snapshot *snapshot,
	const struct random_grants_who *who, const struct pol_path *path, struct pol_run run)
{
	struct pol_formula_path at = { POL_STR("api"), path };
	struct pol_formula_subject subject = { .snapshot = snapshot,
		.facts = &who->facts,
		.place = pol_formula_path_place,
		.context = &at };
	struct pol_truth_table table;
	const struct pol_formula *formula;
	struct pol_subject_bits bits;
	struct pol_facts open = who->facts;
	struct pol_run_word word;
	struct pol_arena arena;

	pol_arena_init(&arena, MEMORY);
	subject.arena = &arena;
	if (roll(dice, 2) == 0) {
		open.given = NULL;
		subject.facts = &open;
	}
	formula = pol_formula_of_subject(&subject, run.first);
	run.count = 1;
	fuzz_require(pol_run_next(&run, &word));
	pol_truth_begin(&table, snapshot, &who->facts, POL_STR("api"), path);
	bits = pol_subject_decide(&table, &word);
	if (formula != NULL && table.steps > 0) {
		pol_truth_begin(&table, snapshot, &who->facts, POL_STR("api"), path);
		fuzz_require(random_grants_holds(&table, formula) ==
			     (pol_subject_allows(&who->facts, bits) != 0));
	}
	pol_arena_finish(&arena);
}

static void check_row(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct pol_plan *plan)
{
	static struct pol_path path;
	struct pol_truth_table table;
	struct pol_decision decision;

	fuzz_require(pol_path_read(facts->path, &path) == POL_OK);
	pol_eval(snapshot, facts, &decision);
	pol_truth_begin(&table, snapshot, facts, POL_STR("api"), &path);
	fuzz_require(decision.allow == (plan->kind == POL_PLAN_WHEN
						       ? random_grants_holds(&table, plan->when)
						       : plan->kind == POL_PLAN_ALWAYS));
}

/* The plan of the node is true of the rows that decisions allow. */
static void check_plan(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_grants_who *who)
{
	struct pol_facts facts = who->facts;
	struct pol_given_fact items[16], row_items[16];
	struct pol_given kept, more;
	struct pol_arena arena;
	struct pol_plan plan;

	grants_keep(snapshot, &who->request, items, &kept);
	facts.given = &kept;
	facts.path = POL_STR("/loans/{loan}");
	pol_arena_init(&arena, MEMORY);
	if (pol_plan_make(snapshot, &facts, &arena, &plan) == POL_PLAN_MADE) {
		for (int i = 0; i < ROWS; i++) {
			uint32_t count = kept.count, twice;

			random_grants_give(dice, snapshot, false, row_items, &more);
			for (uint32_t k = 0; k < more.count; k++) {
				if (snapshot->facts[row_items[k].fact].space ==
					POL_SPACE_RESOURCE) {
					items[count++] = row_items[k];
				}
			}
			facts.given = &(struct pol_given){ who->given, count };
			memcpy(who->given, items, count * sizeof *items);
			fuzz_require(pol_given_sort(who->given, count, &twice));
			facts.path = pol_str_of(paths[roll(dice, 3)]);
			check_row(snapshot, &facts, &plan);
		}
	}
	pol_arena_finish(&arena);
}

static void check(struct dice *dice, const struct pol_snapshot *snapshot)
{
	static struct random_grants_who who;
	static struct pol_path path;
	const char *text = PICK(dice, paths), *verb = PICK(dice, verbs);
	struct pol_run run;
	uint32_t node;

	random_grants_who(dice, snapshot, &who);
	random_grants_give(dice, snapshot, false, who.given, &who.request);
	who.facts.given = &who.request;
	who.facts.tree = POL_STR("api");
	who.facts.verb = pol_str_of(verb);
	fuzz_require(pol_path_read(pol_str_of(text), &path) == POL_OK);
	if (pol_tree_find_requested(snapshot, 0, &path, &node) == POL_OK &&
		pol_tree_node_verb(snapshot, node, pol_str_of(verb), false, &run) == POL_OK) {
		check_formula(dice, snapshot, &who, &path, run);
	}
	check_plan(dice, snapshot, &who);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	grants_check(facts_text, data, size, ROUNDS, check);
	return 0;
}
