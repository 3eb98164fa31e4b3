/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "model_exam.h"
#include "model_print.h"
#include "policy/ask/suite.h"

/*
 * Writes what the model expects as tests of the policy itself, and runs them.
 */

enum { EXPECTATIONS = 24 };

static bool are_places(const struct pol_snapshot *snapshot, const struct policy *policy,
	const struct concrete *places, unsigned count)
{
	char text[NAME_ROOM];

	for (unsigned i = 0; i < count; i++) {
		print_concrete(policy, &places[i], text, sizeof text);
		if (pol_snapshot_check_place(snapshot, pol_str_of(text)) != POL_OK) {
			return false;
		}
	}
	return true;
}

/* Can a test express the subject? Its lines can only name roles, scopes and places that the policy
 * has. */
static bool can_be_written(const struct pol_snapshot *snapshot, const struct policy *policy,
	const struct subject *subject)
{
	bool by_roles = subject->who == KEY_OF_PRINCIPAL || subject->who == KEY_OF_ROLES;

	if (subject->who == PRINCIPAL || (by_roles && subject->held_count == 0)) {
		return false;
	}
	for (unsigned i = 0; i < subject->held_count; i++) {
		const struct holding *held = &subject->held[i];

		if (held->role == GONE || held->by != BY_ITSELF ||
			!are_places(snapshot, policy, held->places, held->place_count)) {
			return false;
		}
	}
	for (unsigned i = 0; i < subject->scope_count; i++) {
		if (subject->scopes[i] == GONE ||
			(i > 0 && subject->scopes[i] == subject->scopes[0])) {
			return false;
		}
	}
	return are_places(snapshot, policy, subject->places, subject->place_count);
}

static void put_who(FILE *out, const struct policy *policy, const struct subject *subject)
{
	if (subject->who == NOBODY) {
		fputs("    as nobody\n", out);
	}
	for (unsigned i = 0; i < subject->held_count; i++) {
		const struct holding *held = &subject->held[i];

		fprintf(out, "    %s role %s", i > 0 ? "and" : "as",
			policy->roles[held->role].name);
		put_places(out, policy, held->places, held->place_count);
		fputc('\n', out);
	}
	for (unsigned i = 0; i < subject->scope_count; i++) {
		fprintf(out, "%s%s%s", i > 0 ? ", " : "    with scope ",
			policy->scopes[subject->scopes[i]].name,
			i + 1 == subject->scope_count ? "\n" : "");
	}
	if (subject->place_count > 0) {
		fputs("    key", out);
		put_places(out, policy, subject->places, subject->place_count);
		fputc('\n', out);
	}
}

static void put_expectation(FILE *out, struct dice *dice, const struct policy *policy,
	const struct subject *subject, const struct concrete *path)
{
	int node = model_find(policy, path);
	const char *verb = "HEAD";
	const char *reason;
	char where[NAME_ROOM];

	if (node >= 0) {
		unsigned count = policy->nodes[node].action_count;

		verb = policy->nodes[node].actions[roll(dice, count)].name;
	}
	reason = model_judge(policy, subject, path, verb);
	print_concrete(policy, path, where, sizeof where);
	if (strcmp(reason, "ok") == 0) {
		fprintf(out, "    allow %s %s\n", verb, where);
	} else {
		fprintf(out, "    deny %s %s because %s\n", verb, where, reason);
	}
}

char *print_tests(struct dice *dice, const struct pol_snapshot *snapshot,
	const struct policy *policy, const struct questions *questions)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_text(&text, &size);

	for (unsigned s = 0; s < SUBJECTS; s++) {
		const struct subject *subject = &questions->subjects[s];

		if (!can_be_written(snapshot, policy, subject)) {
			continue;
		}
		fprintf(out, "test \"subject %u\" {\n", s);
		put_who(out, policy, subject);
		for (unsigned i = 0; policy->conditional && i < FACTS; i++) {
			fprintf(out, "    given context.f%u %s\n", i,
				policy->facts[i] ? "true" : "false");
		}
		for (unsigned i = 0; i < EXPECTATIONS; i++) {
			put_expectation(out, dice, policy, subject,
				&questions->paths[roll(dice, questions->path_count)]);
		}
		fputs("}\n", out);
	}
	fclose(out);
	return text;
}

static void on_test(void *context, struct pol_str test, struct pol_str file, uint32_t line,
	const struct pol_suite_failure *failure)
{
	struct exam *exam = context;

	(void)file;
	(void)line;
	if (failure != NULL) {
		note_difference(exam->difference, 50, "the policy's own test \"%.*s\": %s",
			POL_STR_ARGS(test), failure->text);
	}
}

void exam_tests(struct exam *exam)
{
	(void)pol_suite_run(exam->snapshot, NULL, on_test, exam);
}
