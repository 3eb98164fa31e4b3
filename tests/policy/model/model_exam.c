/* SPDX-License-Identifier: Apache-2.0 */
#include "model_exam.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/ask/explain.h"
#include "policy/snapshot/condition.h"

const char *const reasons[REASONS] = { "ok", "missing_token", "unknown_resource", "unknown_action",
	"denied", "scope", "role" };

void note_difference(struct difference *difference, unsigned weight, const char *format, ...)
{
	va_list arguments;

	if (difference->weight != 0 && difference->weight <= weight) {
		return;
	}
	difference->weight = weight;
	va_start(arguments, format);
	vsnprintf(difference->text, sizeof difference->text, format, arguments);
	va_end(arguments);
}

void make_questions(struct dice *dice, const struct policy *policy, struct questions *out)
{
	bool few = 2 * policy->node_count <= PATHS;

	out->path_count = few ? 2 * policy->node_count : PATHS;
	for (unsigned i = 0; i < out->path_count; i++) {
		unsigned node = few ? i / 2 : roll(dice, policy->node_count);

		make_concrete(dice, policy, node, &out->paths[i]);
	}
	for (unsigned i = 0; i < SUBJECTS; i++) {
		make_subject(dice, policy, &out->subjects[i]);
	}
	for (unsigned i = 0; i < policy->node_count; i++) {
		print_node(policy, i, out->names[i], NAME_ROOM);
	}
}

/* --- facts ------------------------------------------------------------------------------------ */

/* A subject as facts for the engine. */
struct subject_facts {
	struct pol_facts facts;
	struct pol_held held[MOST_HELD];
	struct pol_str held_places[MOST_HELD][PLACES];
	uint32_t scopes[PLACES];
	struct pol_str places[PLACES];
	char text[MOST_HELD + 1][PLACES][NAME_ROOM];
};

static void make_places(const struct policy *policy, const struct concrete *places, unsigned count,
	char text[PLACES][NAME_ROOM], struct pol_str *out)
{
	for (unsigned i = 0; i < count; i++) {
		print_concrete(policy, &places[i], text[i], NAME_ROOM);
		out[i] = pol_str_of(text[i]);
	}
}

static unsigned count_by(const struct subject *subject, enum by by)
{
	unsigned count = 0;

	for (unsigned i = 0; i < subject->held_count; i++) {
		count += subject->held[i].by == by;
	}
	return count;
}

static void make_facts(
	const struct exam *exam, const struct subject *subject, struct subject_facts *out)
{
	static const enum pol_binding bindings[] = { POL_BOUND_TO_NOTHING, POL_BOUND_TO_NOTHING,
		POL_BOUND_TO_PRINCIPAL, POL_BOUND_TO_ROLES, POL_BOUND_TO_SCOPES };
	bool active = subject->who == PRINCIPAL || subject->who == KEY_OF_PRINCIPAL;

	for (unsigned i = 0; i < subject->held_count; i++) {
		const struct holding *held = &subject->held[i];

		make_places(exam->policy, held->places, held->place_count, out->text[i],
			out->held_places[i]);
		out->held[i] = (struct pol_held){
			.role = held->role == GONE ? POL_NONE : exam->roles[held->role],
			.place_count = held->place_count,
			.places = out->held_places[i],
		};
	}
	for (unsigned i = 0; i < subject->scope_count; i++) {
		out->scopes[i] =
			subject->scopes[i] == GONE ? POL_NONE : exam->scopes[subject->scopes[i]];
	}
	make_places(exam->policy, subject->places, subject->place_count, out->text[MOST_HELD],
		out->places);
	out->facts = (struct pol_facts){
		.key_state = subject->who >= KEY_OF_PRINCIPAL ? POL_KEY_ACTIVE : POL_KEY_MISSING,
		.binding = bindings[subject->who],
		.principal_state = active ? POL_PRINCIPAL_ACTIVE : POL_PRINCIPAL_NONE,
		.narrowed = subject->scope_count + subject->place_count > 0,
		.narrowed_by_scopes = subject->scope_count > 0,
		.held = out->held,
		.held_count = subject->held_count,
		.everyone_count = (uint16_t)count_by(subject, BY_EVERYONE),
		.anyone_count = (uint16_t)count_by(subject, BY_ANYONE),
		.scopes = out->scopes,
		.scope_count = subject->scope_count,
		.key_places = out->places,
		.key_place_count = subject->place_count,
		.given = &exam->given,
	};
}

/* All facts of the policy. */
static void make_given(struct exam *exam)
{
	uint32_t twice;

	exam->given = (struct pol_given){ exam->facts, exam->policy->conditional ? FACTS : 0 };
	for (unsigned i = 0; i < exam->given.count; i++) {
		char name[16];

		snprintf(name, sizeof name, "context.f%u", i);
		exam->facts[i].fact = pol_condition_fact(exam->snapshot, pol_str_of(name));
		exam->facts[i].value = (struct pol_value){ .type = POL_TYPE_BOOL,
			.number = exam->policy->facts[i] };
	}
	cr_assert(pol_given_sort(exam->facts, exam->given.count, &twice));
}

/* --- decisions -------------------------------------------------------------------------------- */

static void compare(struct exam *exam, const struct subject *subject, const struct concrete *path,
	const struct pol_facts *facts, const struct pol_decision *got)
{
	char verb[64], who[1024], where[NAME_ROOM];
	const char *expected;

	snprintf(verb, sizeof verb, "%.*s", POL_STR_ARGS(facts->verb));
	expected = model_judge(exam->policy, subject, path, verb);
	for (unsigned i = 0; i < REASONS; i++) {
		*exam->met |= (unsigned)(strcmp(expected, reasons[i]) == 0) << i;
	}
	if (pol_str_equal(got->reason, pol_str_of(expected)) &&
		got->allow == (strcmp(expected, "ok") == 0)) {
		return;
	}
	print_subject(exam->policy, subject, who, sizeof who);
	print_concrete(exam->policy, path, where, sizeof where);
	note_difference(exam->difference,
		1 + path->count + 4 * subject->held_count + 4 * subject->scope_count +
			2 * subject->place_count,
		"%s: %s asks for %s %s: expected %s, got %.*s", exam->label, who, verb, where,
		expected, POL_STR_ARGS(got->reason));
}

/* A rule of a role that others hold too is one of a role that they hold. */
static void check_holder(
	struct exam *exam, const struct subject *subject, const struct pol_explained_rule *rule)
{
	static const enum by by[] = { [POL_HOLDER_SUBJECT] = BY_ITSELF,
		[POL_HOLDER_EVERYONE] = BY_EVERYONE,
		[POL_HOLDER_ANYONE] = BY_ANYONE };
	bool held = rule->scope || pol_str_equal(rule->chain[0], POL_STR("anyone"));

	for (unsigned i = 0; i < subject->held_count; i++) {
		held = held ||
		       (subject->held[i].by == by[rule->holder] && subject->held[i].role != GONE &&
			       pol_snapshot_role(exam->snapshot, rule->chain[0]) ==
				       exam->roles[subject->held[i].role]);
	}
	if (!held && pol_snapshot_role(exam->snapshot, rule->chain[0]) != POL_NONE) {
		note_difference(exam->difference, 50, "%s: %.*s is explained as held by %s",
			exam->label, POL_STR_ARGS(rule->chain[0]),
			rule->holder == POL_HOLDER_SUBJECT ? "the subject" : "all");
	}
}

static void explain(struct exam *exam, const struct subject *subject, const struct concrete *path,
	const struct pol_facts *facts)
{
	struct pol_explanation explanation;
	struct pol_decision decision;
	struct pol_arena arena;
	bool denies = false;

	pol_arena_init(&arena, 1 << 22);
	cr_assert_eq(pol_explain(exam->snapshot, facts, &arena, &decision, &explanation), POL_OK);
	compare(exam, subject, path, facts, &decision);
	for (uint32_t i = 0; i < explanation.rule_count; i++) {
		denies = denies ||
			 (explanation.rules[i].deny && explanation.rules[i].truth != POL_FALSE);
		check_holder(exam, subject, &explanation.rules[i]);
	}
	if (denies != pol_str_equal(decision.reason, POL_STR("denied"))) {
		note_difference(exam->difference, 100, "%s: %.*s %.*s is '%.*s', and the rules %s",
			exam->label, POL_STR_ARGS(facts->verb), POL_STR_ARGS(facts->path),
			POL_STR_ARGS(decision.reason), denies ? "deny it" : "do not deny it");
	}
	pol_arena_finish(&arena);
}

static void ask(struct exam *exam, const struct subject *subject, const struct concrete *path,
	struct pol_facts *facts, const char *verb)
{
	struct pol_decision decision;

	facts->verb = pol_str_of(verb);
	facts->http = verb[0] < 'a' && chance(&exam->dice, 50);
	pol_eval(exam->snapshot, facts, &decision);
	compare(exam, subject, path, facts, &decision);
	exam_who(exam, subject, path, facts);
	if (chance(&exam->dice, 3)) {
		explain(exam, subject, path, facts);
	}
}

/* Asks for every verb of the node, and for some that it may not have. */
static void exam_path(struct exam *exam, const struct subject *subject, const struct concrete *path,
	struct pol_facts *facts)
{
	int found = model_find(exam->policy, path);
	char text[NAME_ROOM];

	print_concrete(exam->policy, path, text, sizeof text);
	facts->tree = pol_str_of(exam->policy->trees[path->tree]);
	facts->path = pol_str_of(strchr(text, ':') + 1);
	for (unsigned a = 0; found >= 0 && a < exam->policy->nodes[found].action_count; a++) {
		const struct action *action = &exam->policy->nodes[found].actions[a];

		ask(exam, subject, path, facts, action->name);
		for (unsigned k = 0; k < action->method_count; k++) {
			ask(exam, subject, path, facts, action->methods[k]);
		}
	}
	ask(exam, subject, path, facts, "HEAD");
	ask(exam, subject, path, facts, "view");
}

void run_exam(struct exam *exam)
{
	make_given(exam);
	for (unsigned s = 0; s < SUBJECTS; s++) {
		const struct subject *subject = &exam->questions->subjects[s];
		struct subject_facts facts;

		make_facts(exam, subject, &facts);
		exam_permissions(exam, subject, &facts.facts);
		for (unsigned i = 0; i < exam->questions->path_count; i++) {
			exam_path(exam, subject, &exam->questions->paths[i], &facts.facts);
		}
	}
	exam_show(exam);
	exam_tests(exam);
}
