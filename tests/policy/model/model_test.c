/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random policies mean what the model says, in every order of their files and statements: in
 * decisions and explanations, in permissions queries, in the subjects that may do something, in the
 * marks of `policy show`, in the policy's own tests, and with their roles as stored roles. Every
 * second file is formatted before.
 *
 * AUTHZ_TEST_POLICIES: how many policies, by default 300; AUTHZ_TEST_SEED: the seed of the first.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_exam.h"
#include "policy/format/format.h"
#include "policy/snapshot/stored.h"

enum { SHUFFLES = 3, LINES = 4 * NODES, FIRST_NUMBER = 10, TENANT = 1 };

/* One policy and all that is known about it. */
struct trial {
	struct policy policy;
	struct questions questions;
	struct difference difference;
	struct dice dice;
	struct { /* the roles as stored roles */
		char *lines[LINES];
		unsigned count, next;
	} kept[ROLES];
	char *files[FILES];
	unsigned file_count;
	char *tests; /* NULL: not written yet */
	unsigned met;
};

/* --- compiling -------------------------------------------------------------------------------- */

/* Replaces a file by its canonical form, which has the same meaning. */
static void format(char **file)
{
	struct pol_source source = { POL_STR_INIT("a.policy"), pol_str_of(*file) };
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_str text;

	pol_arena_init(&arena, POL_FORMAT_MEMORY);
	pol_diags_init(&diags, &source, 1);
	if (pol_format(&diags, &arena, &text) == POL_OK) {
		free(*file);
		*file = strndup(text.ptr, text.len);
		cr_assert_not_null(*file);
	}
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
}

static struct pol_snapshot *compile(struct trial *trial, bool fault)
{
	static const char *const names[] = { "a.policy", "b.policy", "c.policy", "d.policy" };
	struct pol_source sources[FILES + 1];
	unsigned count = 0;
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;
	enum pol_status status;

	for (unsigned i = 0; i < trial->file_count; i++) {
		free(trial->files[i]);
	}
	trial->file_count = print_policy(&trial->dice, &trial->policy, fault, trial->files);
	for (; count < trial->file_count; count++) {
		if (count % 2 == 0) {
			format(&trial->files[count]);
		}
		sources[count] = (struct pol_source){ pol_str_of(names[count]),
			pol_str_of(trial->files[count]) };
	}
	if (trial->tests != NULL) {
		sources[count++] =
			(struct pol_source){ POL_STR("tests.policy"), pol_str_of(trial->tests) };
	}
	pol_diags_init(&diags, sources, count);
	status = pol_compile(sources, count, NULL, &diags, &snapshot);
	for (const struct pol_diag *diag = diags.first; diag != NULL && !fault; diag = diag->next) {
		if (diag->severity == POL_SEVERITY_ERROR) {
			note_difference(&trial->difference, 1, "refused: %.*s:%u:%u %.*s",
				POL_STR_ARGS(diag->file), diag->line, diag->column,
				POL_STR_ARGS(diag->message));
		}
	}
	pol_diags_finish(&diags);
	cr_assert_eq(status == POL_OK, snapshot != NULL);
	if (fault && status != POL_EINVALID) {
		char *grant = print_grant(&trial->policy, &trial->policy.fault);

		note_difference(&trial->difference, 1, "taken, and it is wrong: %s", grant);
		free(grant);
	}
	return snapshot;
}

/* --- stored roles ----------------------------------------------------------------------------- */

/* One role of the trial. */
struct kept_role {
	struct trial *trial;
	unsigned role;
};

static bool keep_line(void *context, struct pol_str line)
{
	const struct kept_role *kept = context;
	struct trial *trial = kept->trial;
	char *copy = strndup(line.ptr, line.len);

	cr_assert_not_null(copy);
	cr_assert_lt(trial->kept[kept->role].count, LINES);
	trial->kept[kept->role].lines[trial->kept[kept->role].count++] = copy;
	return true;
}

/* Writes what a role's grants select as lines, once for all orders. */
static void keep_role(struct trial *trial, const struct pol_snapshot *snapshot, unsigned role)
{
	const struct grantee *from = &trial->policy.roles[role];
	struct kept_role kept = { trial, role };
	struct pol_str texts[GRANTS];
	char *grants[GRANTS];
	struct pol_stored_fault fault = { .why = "" };
	struct pol_stored *stored = NULL;
	enum pol_status status;

	for (unsigned i = 0; i < from->grant_count; i++) {
		grants[i] = print_grant(&trial->policy, &from->grants[i]);
		texts[i] = pol_str_of(grants[i]);
	}
	status = pol_stored_text_parse(snapshot, texts, from->grant_count, &fault, &stored);
	if (status == POL_OK) {
		cr_assert_eq(pol_stored_lines_write(snapshot, stored, keep_line, &kept), POL_OK);
	} else {
		note_difference(&trial->difference, 1, "refused as a stored role: %s: %s",
			grants[fault.entry], fault.why);
	}
	pol_stored_unref(stored);
	for (unsigned i = 0; i < from->grant_count; i++) {
		free(grants[i]);
	}
}

static bool next_line(void *context, struct pol_str *out)
{
	struct kept_role *kept = context;
	unsigned number = kept->trial->kept[kept->role].next;

	if (number == kept->trial->kept[kept->role].count) {
		kept->trial->kept[kept->role].next = 0;
		return false;
	}
	*out = pol_str_of(kept->trial->kept[kept->role].lines[number]);
	kept->trial->kept[kept->role].next++;
	return true;
}

static void miss_line(void *context, struct pol_str line)
{
	struct kept_role *kept = context;

	note_difference(
		&kept->trial->difference, 1, "missing of a stored role: %.*s", POL_STR_ARGS(line));
}

/* The policy with every role once more, as a stored role; parents are of either kind. */
static struct pol_snapshot *extend(struct trial *trial, const struct pol_snapshot *base)
{
	const struct policy *policy = &trial->policy;
	struct pol_stored_parent parents[ROLES][PARENTS];
	struct pol_stored_role roles[ROLES];
	struct pol_snapshot *snapshot = NULL;
	char names[ROLES][32];
	size_t count = 0, fault;

	for (unsigned i = policy->has_anyone; i < policy->role_count; i++) {
		const struct grantee *from = &policy->roles[i];
		struct kept_role kept = { trial, i };
		const struct pol_stored_source source = { next_line, miss_line, &kept };

		snprintf(names[i], sizeof names[i], "stored%u", i);
		for (unsigned k = 0; k < from->parent_count; k++) {
			unsigned parent = from->parents[k];

			parents[i][k] =
				chance(&trial->dice, 50)
					? (struct pol_stored_parent){ FIRST_NUMBER + parent, { 0 } }
					: (struct pol_stored_parent){ 0,
						  pol_str_of(policy->roles[parent].name) };
		}
		roles[count] = (struct pol_stored_role){ .number = FIRST_NUMBER + i,
			.tenant = TENANT,
			.name = pol_str_of(names[i]),
			.parents = parents[i],
			.parent_count = from->parent_count };
		cr_assert_eq(pol_stored_lines_read(base, &source, &roles[count].own), POL_OK);
		count++;
	}
	cr_assert_eq(pol_stored_extend(base, roles, count, &fault, &snapshot), POL_OK);
	for (size_t i = 0; i < count; i++) {
		pol_stored_unref(roles[i].own);
	}
	return snapshot;
}

/* --- trials ----------------------------------------------------------------------------------- */

static void examine(struct trial *trial, const struct pol_snapshot *snapshot, bool stored)
{
	const struct policy *policy = &trial->policy;
	struct exam exam = {
		.policy = policy,
		.questions = &trial->questions,
		.snapshot = snapshot,
		.label = stored ? "roles outside of the files" : "roles of the files",
		.dice = { trial->dice.state },
		.difference = &trial->difference,
		.met = &trial->met,
	};

	for (unsigned i = 0; i < policy->role_count; i++) {
		exam.roles[i] =
			stored && !(i == ANYONE && policy->has_anyone)
				? pol_stored_find(snapshot, FIRST_NUMBER + i, TENANT)
				: pol_snapshot_role(snapshot, pol_str_of(policy->roles[i].name));
		cr_assert_neq(exam.roles[i], POL_NONE);
	}
	for (unsigned i = 0; i < policy->scope_count; i++) {
		exam.scopes[i] = pol_snapshot_scope(snapshot, pol_str_of(policy->scopes[i].name));
		cr_assert_neq(exam.scopes[i], POL_NONE);
	}
	run_exam(&exam);
}

/* Tries one order of the statements. */
static void try_order(struct trial *trial, bool first)
{
	struct pol_snapshot *snapshot = NULL, *extended = NULL;

	if (trial->policy.has_fault) {
		pol_snapshot_unref(compile(trial, true));
	}
	if (trial->difference.weight == 0) {
		snapshot = compile(trial, false);
	}
	if (snapshot == NULL) {
		return;
	}
	for (unsigned i = trial->policy.has_anyone; first && i < trial->policy.role_count; i++) {
		keep_role(trial, snapshot, i);
	}
	examine(trial, snapshot, false);
	extended = extend(trial, snapshot);
	examine(trial, extended, true);
	pol_snapshot_unref(extended);
	if (first) {
		trial->tests =
			print_tests(&trial->dice, snapshot, &trial->policy, &trial->questions);
	}
	pol_snapshot_unref(snapshot);
}

static void try_policy(struct trial *trial, uint64_t seed)
{
	memset(trial, 0, sizeof *trial);
	trial->dice.state = seed * UINT64_C(0x9e3779b97f4a7c15);
	make_policy(&trial->dice, &trial->policy);
	make_questions(&trial->dice, &trial->policy, &trial->questions);
	for (unsigned i = 0; i < SHUFFLES && trial->difference.weight == 0; i++) {
		try_order(trial, i == 0);
	}
	if (trial->difference.weight != 0) {
		for (unsigned i = 0; i < trial->file_count; i++) {
			fprintf(stderr, "# %c.policy\n%s", 'a' + i, trial->files[i]);
		}
		fputs(trial->tests != NULL ? trial->tests : "", stderr);
	}
	cr_assert_eq(trial->difference.weight, 0, "seed %llu: %s", (unsigned long long)seed,
		trial->difference.text);
	for (unsigned i = 0; i < trial->file_count; i++) {
		free(trial->files[i]);
	}
	free(trial->tests);
	for (unsigned i = 0; i < ROLES; i++) {
		for (unsigned k = 0; k < trial->kept[i].count; k++) {
			free(trial->kept[i].lines[k]);
		}
	}
}

static unsigned long long setting(const char *name, unsigned long long unless_set)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : unless_set;
}

Test(model, a_policy_means_what_the_model_says_in_every_order)
{
	unsigned long long count = setting("AUTHZ_TEST_POLICIES", 300);
	unsigned long long seed = setting("AUTHZ_TEST_SEED", 1);
	struct trial *trial = malloc(sizeof *trial);
	unsigned met = 0;

	cr_assert_not_null(trial);
	for (unsigned long long i = 0; i < count; i++) {
		try_policy(trial, seed + i);
		met |= trial->met;
	}
	for (unsigned i = 0; i < REASONS; i++) {
		cr_expect((met >> i & 1) != 0, "nothing came to the reason %s", reasons[i]);
	}
	free(trial);
}
