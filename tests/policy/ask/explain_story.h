/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explain_story: a policy with each kind of line, and the explanation of a decision by it as text,
 * so that a test compares the whole explanation.
 */

#include "policy/ask/explain.h"
#include "policy/text/terms.h"
#include "tests/policy/compiled_text.h"

static const char text[] = "tree api {\n" /* 1 */
			   "  /loans { list GET, create POST\n"
			   "    /{loan} { read GET, update PUT PATCH, delete DELETE } }\n"
			   "}\n"
			   "role reader { allow GET on api:/** }\n" /* 5 */
			   "role writer inherits reader {\n"
			   "  allow PUT on api:/loans/{loan}   # one by one\n"
			   "  allow PATCH on api:/loans/{loan}\n"
			   "}\n"
			   "role boss inherits writer { allow all on api:/** }\n" /* 10 */
			   "role careful { deny DELETE on api:/loans/{loan} }\n"
			   "role anyone { allow GET on api:/loans }\n"
			   "scope reading { allow GET on api:/** }\n"
			   "scope all includes reading { allow all on api:/** }\n"
			   "stack other {\n" /* 15 */
			   "  authenticate sufficient key\n"
			   "  authenticate required principal\n"
			   "  account optional network allow=10.0.0.0/8,192.0.2.1\n"
			   "  account substack sub\n"
			   "  account required permit\n" /* 20 */
			   "  authorize required role\n"
			   "  authorize required scope\n"
			   "  record optional warn\n"
			   "}\n"
			   "stack sub {\n" /* 25 */
			   "  account sufficient permit\n"
			   "  account required deny\n"
			   "}\n";

struct story {
	char said[8192];
	size_t used;
};

static struct pol_arena arena;
static struct pol_snapshot *snapshot;

static inline void begin(void)
{
	pol_arena_init(&arena, 1 << 20);
	snapshot = compiled_text_good(text);
}

static inline void end(void)
{
	pol_snapshot_unref(snapshot);
	pol_arena_finish(&arena);
}

__attribute__((format(printf, 2, 3))) static inline void say(
	struct story *story, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	story->used += (size_t)vsnprintf(
		story->said + story->used, sizeof story->said - story->used, format, args);
	va_end(args);
	cr_assert_lt(story->used, sizeof story->said);
}

static inline void say_list(struct story *story, const struct pol_str *items, uint32_t count,
	const char *before, const char *between)
{
	for (uint32_t i = 0; i < count; i++) {
		say(story, "%s%.*s", i > 0 ? between : before, POL_STR_ARGS(items[i]));
	}
}

/* "  when a and b: unknown", then a line for each predicate: "    a: 600 <= 500, false" */
static inline void say_condition(struct story *story, const struct pol_explained_rule *rule)
{
	if (rule->when.len == 0) {
		return;
	}
	say(story, "  when %.*s: %s\n", POL_STR_ARGS(rule->when), pol_truth_text(rule->truth));
	for (uint32_t i = 0; i < rule->predicate_count; i++) {
		const struct pol_explained_predicate *predicate = &rule->predicates[i];

		say(story, "    %.*s: %.*s, %s\n", POL_STR_ARGS(predicate->text),
			POL_STR_ARGS(predicate->values), pol_truth_text(predicate->truth));
	}
}

/* "role boss<-writer 7 allow PUT on … at api:/loans/7 until 9 (PUT PATCH)" */
static inline void say_rule(struct story *story, const struct pol_explained_rule *rule)
{
	say(story, "%s%s", rule->deny ? "denied by " : "", rule->scope ? "scope" : "role");
	say_list(story, rule->chain, rule->chain_count, " ", "<-");
	say(story, " %u %.*s", rule->position.line, POL_STR_ARGS(rule->text));
	say(story, "%s", rule->held ? " held" : "");
	say_list(story, rule->at, rule->at_count, " at ", ",");
	if (rule->until != 0) {
		say(story, " until %d", (int)rule->until);
	}
	say_list(story, rule->verbs, rule->verb_count, " of ", ",");
	say(story, "\n");
	say_condition(story, rule);
}

static inline void say_explanation(
	struct story *story, const struct pol_explanation *explanation, bool lines)
{
	say(story, "%s", pol_terms_stage(explanation->stage));
	if (explanation->has_stack) {
		say(story, " of %.*s:%u", POL_STR_ARGS(explanation->stack),
			explanation->position.line);
	}
	say(story, "\n");
	for (int g = 0; lines && g < POL_GROUP_COUNT; g++) {
		const struct pol_explained_group *group = &explanation->groups[g];

		say(story, "%s: %s%s%.*s\n", pol_terms_group((enum pol_group)g),
			!group->asked   ? "not asked"
			: group->passed ? "passed"
					: "failed",
			group->reason.len > 0 ? " " : "", POL_STR_ARGS(group->reason));
		for (uint32_t i = 0; i < group->line_count; i++) {
			const struct pol_explained_line *line = &group->lines[i];

			say(story, "  %u %.*s %s %.*s", line->position.line,
				POL_STR_ARGS(line->stack), pol_terms_control(line->control),
				POL_STR_ARGS(line->module));
			say_list(story, line->arguments, line->argument_count, " ", " ");
			say(story, ": %s%s%.*s%s\n",
				line->asked ? pol_terms_verdict(line->verdict) : "-",
				line->reason.len > 0 ? " " : "", POL_STR_ARGS(line->reason),
				line->ends == POL_ENDS_GROUP      ? " ends"
				: line->ends == POL_ENDS_SUBSTACK ? " ends substack"
								  : "");
		}
	}
	if (explanation->resource.len > 0) {
		say(story, "%.*s %.*s\n", POL_STR_ARGS(explanation->action),
			POL_STR_ARGS(explanation->resource));
	}
	say_list(story, explanation->has, explanation->has_count, "it has ", ",");
	for (uint32_t i = 0; i < explanation->rule_count; i++) {
		say_rule(story, &explanation->rules[i]);
	}
	if (explanation->missing.role && explanation->missing.scope) {
		say(story, "a role and a scope are missing\n");
	}
	if (explanation->none.role || explanation->none.scope) {
		say(story, "none would do:%s%s\n", explanation->none.role ? " role" : "",
			explanation->none.scope ? " scope" : "");
	}
	say_list(story, explanation->key_at, explanation->key_at_count, "key at ", ",");
	for (uint32_t i = 0; i < explanation->need_count; i++) {
		say(story, "needs ");
		say_rule(story, &explanation->needs[i]);
	}
	if (explanation->more_needs > 0) {
		say(story, "and %u more\n", explanation->more_needs);
	}
}

static inline const char *explain(const struct pol_snapshot *of, const struct pol_facts *facts,
	struct story *story, bool lines)
{
	struct pol_decision plain = { .allow = true };
	struct pol_decision decision = { .allow = true };
	struct pol_explanation explanation = { 0 };

	story->used = 0;
	pol_eval(of, facts, &plain);
	cr_assert_eq(pol_explain(of, facts, &arena, &decision, &explanation), POL_OK);
	cr_assert_eq(plain.allow, decision.allow);
	cr_assert(pol_str_equal(plain.reason, decision.reason));
	say_explanation(story, &explanation, lines);
	return story->said;
}

static inline struct pol_facts somebody(const struct pol_held *held, uint32_t count)
{
	return (struct pol_facts){ .key_state = POL_KEY_MISSING,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("p"),
		.held = held,
		.held_count = count,
		.tree = POL_STR("api"),
		.path = POL_STR("/loans/7"),
		.verb = POL_STR("GET") };
}

static inline uint32_t role(const char *name)
{
	return pol_snapshot_role(snapshot, pol_str_of(name));
}
