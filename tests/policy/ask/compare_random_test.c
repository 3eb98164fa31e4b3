/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/compare.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/decide/subject.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/tree.h"
#include "tests/often.h"
#include "tests/policy/ask/asked_path.h"
#include "tests/policy/ask/random_policy.h"

/*
 * Random pairs of policies: for every path, verb, role and principal, what the comparison says is
 * what both policies decide. The sets are not looked at: each path is looked up in each policy, and
 * the patterns of the comparison are matched with it by the rules of the language.
 */

#define PAIRS             OFTEN(100)
#define SUBJECTS          8
#define CONDITIONAL_PAIRS OFTEN(40)
#define LINES             256
#define HOLES             64

static const char *const asked[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "view" };

/* --- what the comparison says ----------------------------------------------------------------- */

struct line {
	enum pol_change_kind kind;
	bool denial;
	char verbs[128]; /* ",GET,PUT," */
	char pattern[128];
	char except[HOLES][128];
	size_t except_count;
	char at[64];
};

struct lines {
	struct line items[LINES];
	size_t count;
};

static void copy(char *out, size_t size, struct pol_str from)
{
	cr_assert_lt(from.len, size);
	snprintf(out, size, "%.*s", POL_STR_ARGS(from));
}

static void keep(struct lines *out, const struct pol_difference *difference)
{
	out->count = 0;
	cr_assert_leq(difference->count, LINES);
	for (size_t i = 0; i < difference->count; i++) {
		const struct pol_change *change = &difference->changes[i];
		struct line *line = &out->items[out->count++];

		*line = (struct line){ .kind = change->kind, .denial = change->denial };
		strcpy(line->verbs, ",");
		for (size_t k = 0; k < change->verb_count; k++) {
			size_t used = strlen(line->verbs);

			snprintf(line->verbs + used, sizeof line->verbs - used, "%.*s,",
				POL_STR_ARGS(change->verbs[k]));
		}
		copy(line->pattern, sizeof line->pattern, change->pattern);
		copy(line->at, sizeof line->at, change->at);
		cr_assert_leq(change->except_count, HOLES);
		for (size_t k = 0; k < change->except_count; k++) {
			copy(line->except[k], sizeof line->except[k], change->except[k]);
		}
		line->except_count = change->except_count;
	}
}

/* More or less is allowed, or more or less denied. */
enum told { TOLD_GAIN, TOLD_LOSS, TOLD_DENIED, TOLD_UNDENIED };

static bool is_of(const struct line *line, enum told told)
{
	bool more = told == TOLD_GAIN || told == TOLD_UNDENIED;
	bool denial = told == TOLD_DENIED || told == TOLD_UNDENIED;

	switch (line->kind) {
	case POL_CHANGE_GAINED:
	case POL_CHANGE_WIDER:
		return told == TOLD_GAIN;
	case POL_CHANGE_LOST:
	case POL_CHANGE_NARROWER:
		return told == TOLD_LOSS;
	case POL_CHANGE_DENIED:
		return denial && !more;
	case POL_CHANGE_UNDENIED:
		return denial && more;
	case POL_CHANGE_OTHERWISE:
		return line->denial == denial;
	case POL_CHANGE_MAYBE:
	case POL_CHANGE_READS:
	case POL_CHANGE_NONE:
	case POL_CHANGE_DECLARED:
	case POL_CHANGE_DROPPED:
	case POL_CHANGE_ADDED:
	case POL_CHANGE_REMOVED:
	case POL_CHANGE_ALTERED:
		break;
	}
	return false;
}

/* Does the comparison say so of this path and verb? */
static bool says(
	const struct lines *said, enum told told, const struct asked_path *path, const char *verb)
{
	const char *at = "";
	char word[16];

	snprintf(word, sizeof word, ",%s,", verb);
	for (size_t i = 0; i < said->count; i++) {
		if (strlen(said->items[i].at) > strlen(at) &&
			asked_path_is_at(path, said->items[i].at)) {
			at = said->items[i].at;
		}
	}
	for (size_t i = 0; i < said->count; i++) {
		const struct line *line = &said->items[i];
		bool left_out = false;

		if (!is_of(line, told) || strcmp(line->at, at) != 0 ||
			strstr(line->verbs, word) == NULL ||
			!asked_path_matches(path, line->pattern)) {
			continue;
		}
		for (size_t k = 0; k < line->except_count; k++) {
			left_out = left_out || asked_path_matches(path, line->except[k]);
		}
		if (!left_out) {
			return true;
		}
	}
	return false;
}

/* --- what the policies decide ----------------------------------------------------------------- */

/* The permissions that a request needs. False: the policy does not know the resource or action. */
static bool find_run(const struct pol_snapshot *snapshot, const char *path, const char *verb,
	struct pol_path *read, struct pol_run *out)
{
	uint32_t node;

	cr_assert_eq(pol_path_read(pol_str_of(path), read), POL_OK);
	return pol_tree_find_requested(snapshot, pol_tree_number(snapshot, POL_STR("api")), read,
		       &node) == POL_OK &&
	       pol_tree_node_verb(snapshot, node, pol_str_of(verb), false, out) == POL_OK;
}

/* All values of the facts that conditions distinguish, absent and unknown ones included. Without
 * conditions they are one case. */
#define NUMBERS 6
#define WORDS   4
#define CASES   (NUMBERS * WORDS)

struct truth_case {
	struct pol_given_fact items[2];
	struct pol_given given;
};

/* Adds a fact, unless it is absent; the last number is an unknown value. */
static void add_fact(const struct pol_snapshot *snapshot, struct truth_case *out, const char *name,
	const struct pol_value *values, uint32_t number)
{
	if (number > 0) {
		out->items[out->given.count++] =
			(struct pol_given_fact){ pol_condition_fact(snapshot, pol_str_of(name)),
				values[number - 1] };
	}
}

static void make_case(const struct pol_snapshot *snapshot, int number, struct truth_case *out)
{
	static const struct pol_value numbers[] = { { .type = POL_TYPE_INT, .number = 0 },
		{ .type = POL_TYPE_INT, .number = 1 }, { .type = POL_TYPE_INT, .number = 2 },
		{ .type = POL_TYPE_INT, .number = 3 }, { .type = POL_TYPE_ABSENT } };
	static const struct pol_value words[] = { { .type = POL_TYPE_WORD,
							  .text = POL_STR_INIT("x") },
		{ .type = POL_TYPE_WORD, .text = POL_STR_INIT("y") }, { .type = POL_TYPE_ABSENT } };

	*out = (struct truth_case){ .given.items = out->items };
	if (pol_condition_fact(snapshot, POL_STR("context.n")) == POL_NONE) {
		return;
	}
	add_fact(snapshot, out, "context.n", numbers, (uint32_t)(number % NUMBERS));
	add_fact(snapshot, out, "resource.s", words, (uint32_t)(number / NUMBERS));
	pol_given_sort(out->items, out->given.count, &(uint32_t){ 0 });
}

/* The holder of a role is compared for all roles that it may hold beside. */
static const char *const beside[] = { "r1", NULL };

/* Is the permission allowed, or denied, by the role alone? */
static bool grantee_has(struct pol_truth_table *table, const struct pol_grantee *role, bool denied,
	uint32_t permission)
{
	bool has = pol_permset_has(denied ? &role->deny : &role->allow, permission);

	for (uint32_t i = 0; i < role->conditional_count && !has; i++) {
		const struct pol_conditional *one = &role->conditionals[i];
		enum pol_truth truth = pol_truth_of(table, one->condition);

		has = one->deny == denied && pol_permset_has(&one->set, permission) &&
		      (denied ? truth != POL_FALSE : truth == POL_TRUE);
	}
	return has;
}

static bool role_has(struct pol_truth_table *table, const struct pol_grantee *role, bool denied,
	struct pol_run run)
{
	for (uint32_t p = run.first; p < run.first + run.count; p++) {
		bool is_denied = grantee_has(table, role, true, p);

		if (denied && is_denied) {
			return true;
		}
		if (!denied && (is_denied || !grantee_has(table, role, false, p))) {
			return false;
		}
	}
	return !denied;
}

/* The cases in which the role allows it, or denies it, as bits. */
static uint64_t role_cases(
	const struct pol_snapshot *snapshot, const char *name, bool denied, struct pol_run run)
{
	uint32_t number = pol_snapshot_role(snapshot, pol_str_of(name));
	uint64_t out = 0;

	for (int i = 0; number != POL_NONE && i < 2 * CASES; i++) {
		const char *other = beside[i / CASES];
		struct pol_held held = { .role = other != NULL ? pol_snapshot_role(snapshot,
									 pol_str_of(other))
							       : POL_NONE };
		struct truth_case so;
		struct pol_facts facts = { .principal_state = POL_PRINCIPAL_ACTIVE,
			.held = &held,
			.held_count = 1,
			.given = &so.given };
		struct pol_truth_table table;

		make_case(snapshot, i % CASES, &so);
		pol_truth_begin(&table, snapshot, &facts, POL_STR("api"), NULL);
		if (role_has(&table, &snapshot->roles[number], denied, run)) {
			out |= UINT64_C(1) << i;
		}
	}
	return out;
}

static bool subject_has(struct pol_truth_table *table, struct pol_run run)
{
	struct pol_run_word at;

	while (pol_run_next(&run, &at)) {
		if (pol_subject_allows(table->facts, pol_subject_decide(table, &at)) != at.mask) {
			return false;
		}
	}
	return true;
}

static uint64_t subject_cases(const struct pol_snapshot *snapshot, const struct pol_facts *subject,
	const struct pol_path *path, struct pol_run run)
{
	uint64_t out = 0;

	for (int i = 0; i < CASES; i++) {
		struct pol_facts facts = *subject;
		struct truth_case so;
		struct pol_truth_table table;

		make_case(snapshot, i, &so);
		facts.given = &so.given;
		pol_truth_begin(&table, snapshot, &facts, POL_STR("api"), path);
		if (subject_has(&table, run)) {
			out |= UINT64_C(1) << i;
		}
	}
	return out;
}

/* --- both ------------------------------------------------------------------------------------- */

struct pair {
	const struct pol_snapshot *sides[2];
	struct random_text texts[2];
	struct pol_compare *compare;
	struct lines said;
	size_t changes; /* that were found, so that the test cannot pass on none */
	size_t partly;  /* of what was there in other cases */
};

/* What is asked, and what each policy says of it. */
struct question {
	struct asked_path path;
	const char *verb;
	bool known[2];
	uint64_t has[2], denied[2]; /* in which cases */
	bool head; /* a policy declares HEAD there: else it goes with GET, and is not said */
};

static bool declares_head(const struct pair *pair, const char *path)
{
	static struct pol_path read;
	struct pol_run run;

	for (int s = 0; s < 2; s++) {
		if (find_run(pair->sides[s], path, "HEAD", &read, &run) &&
			pair->sides[s]->permissions[run.first] == POL_VERB_HEAD) {
			return true;
		}
	}
	return false;
}

static void judge(
	struct pair *pair, const char *who, enum told told, const struct question *asked_of)
{
	static const char *const names[] = { "gain", "loss", "denial", "lost denial" };
	bool denies = told == TOLD_DENIED || told == TOLD_UNDENIED;
	int side = told == TOLD_GAIN || told == TOLD_DENIED;
	const uint64_t *both = denies ? asked_of->denied : asked_of->has;
	bool is = (both[side] & ~both[!side]) != 0;
	/* A pattern speaks of the nodes that have the verb, in its policy. */
	bool said =
		asked_of->known[side] &&
		says(&pair->said, told, &asked_of->path,
			strcmp(asked_of->verb, "HEAD") == 0 && !asked_of->head ? "GET"
									       : asked_of->verb);

	pair->changes += is;
	pair->partly += is && both[!side] != 0;
	cr_assert_eq(said, is, "%s: %s of %s %s (%s) should %sbe said\n--- before\n%s--- after\n%s",
		who, names[told], asked_of->verb, asked_of->path.text, asked_of->path.kinds,
		is ? "" : "not ", pair->texts[0].bytes, pair->texts[1].bytes);
}

static void check_role(struct pair *pair, const char *role)
{
	static struct pol_path read;
	struct pol_difference difference;
	struct question question;
	uint32_t numbers[2];

	for (int s = 0; s < 2; s++) {
		numbers[s] = pol_snapshot_role(pair->sides[s], pol_str_of(role));
	}
	cr_assert_eq(pol_compare_roles(pair->compare, numbers[0], numbers[1], &difference), POL_OK);
	keep(&pair->said, &difference);
	for (uint32_t i = 0; asked_path_make(&question.path, i); i++) {
		asked_path_name_kinds(&question.path, pair->sides);
		for (size_t v = 0; v < sizeof asked / sizeof asked[0]; v++) {
			question.verb = asked[v];
			question.head = declares_head(pair, question.path.text);
			for (int s = 0; s < 2; s++) {
				struct pol_run run;
				bool known = find_run(
					pair->sides[s], question.path.text, asked[v], &read, &run);

				question.known[s] = known;
				question.has[s] =
					known ? role_cases(pair->sides[s], role, false, run) : 0;
				question.denied[s] =
					known ? role_cases(pair->sides[s], role, true, run) : 0;
			}
			judge(pair, role, TOLD_GAIN, &question);
			judge(pair, role, TOLD_LOSS, &question);
			judge(pair, role, TOLD_DENIED, &question);
			judge(pair, role, TOLD_UNDENIED, &question);
		}
	}
}

static void check_subject(struct dice *dice, struct pair *pair)
{
	static struct pol_path read;
	struct random_subject subjects[2];
	struct pol_difference difference;
	struct question question;

	random_subject_make(dice, pair->sides[0], &subjects[0]);
	random_subject_make(dice, pair->sides[1], &subjects[1]);
	cr_assert_eq(pol_compare_subject(
			     pair->compare, &subjects[0].facts, &subjects[1].facts, 1, &difference),
		POL_OK);
	keep(&pair->said, &difference);
	for (uint32_t i = 0; asked_path_make(&question.path, i); i++) {
		asked_path_name_kinds(&question.path, pair->sides);
		for (size_t v = 0; v < sizeof asked / sizeof asked[0]; v++) {
			question.verb = asked[v];
			question.head = declares_head(pair, question.path.text);
			for (int s = 0; s < 2; s++) {
				struct pol_run run;

				question.known[s] = find_run(
					pair->sides[s], question.path.text, asked[v], &read, &run);
				question.has[s] = question.known[s]
							  ? subject_cases(pair->sides[s],
								    &subjects[s].facts, &read, run)
							  : 0;
			}
			judge(pair, "subject", TOLD_GAIN, &question);
			judge(pair, "subject", TOLD_LOSS, &question);
		}
	}
}

static void check_pairs(struct dice *dice, struct pair *pair, int pairs, bool conditions)
{
	for (int i = 0; i < pairs; i++) {
		struct pol_snapshot *sides[2];

		for (int s = 0; s < 2; s++) {
			sides[s] = conditions
					   ? random_policy_make_conditional(dice, &pair->texts[s])
					   : random_policy_make(dice, &pair->texts[s]);
			pair->sides[s] = sides[s];
		}
		cr_assert_eq(pol_compare_open(sides[0], sides[1], &pair->compare), POL_OK);
		check_role(pair, "anyone");
		check_role(pair, "r1");
		check_role(pair, "r2");
		check_role(pair, "r3");
		for (int k = 0; k < SUBJECTS; k++) {
			check_subject(dice, pair);
		}
		pol_compare_close(pair->compare);
		pol_snapshot_unref(sides[0]);
		pol_snapshot_unref(sides[1]);
	}
}

Test(compare_random, what_is_said_is_what_both_policies_decide)
{
	static struct pair pair;
	struct dice dice = { 20261129 };

	check_pairs(&dice, &pair, PAIRS, false);
	cr_expect_gt(pair.changes, PAIRS * 100);
}

Test(compare_random, what_is_said_is_what_both_policies_decide_on_conditions)
{
	static struct pair pair;
	struct dice dice = { 20261130 };

	check_pairs(&dice, &pair, CONDITIONAL_PAIRS, true);
	cr_expect_gt(pair.changes, CONDITIONAL_PAIRS * 100);
	cr_expect_gt(pair.partly, CONDITIONAL_PAIRS * 10);
}
