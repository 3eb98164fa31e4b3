/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * coverage: what the decisions of a policy's tests depended on.
 *
 * The items are the rules, roles and scopes of the files and the lines of their stacks. Each
 * decision is made once more with a trace, so that a decision without coverage costs nothing.
 *
 * - A decision reaches a rule when the rule has a permission that the request needs, for a role or
 *   scope that the subject holds at that path, directly or by inheritance, and the decision came as
 *   far as the subject's roles and scopes. A rule that no decision reaches has no influence on any.
 * - A rule is covered when a decision that it reaches depends on it: a rule that allows, when the
 *   decision allows and a line of the stack, or the narrowing of the key, went by it; a rule that
 *   denies, when it refused the request. Several rules that allow the same are all covered. A rule
 *   with a condition is covered when that holds too or, if the rule denies, may hold.
 * - A role or scope is covered when a rule is covered that it has or inherits, as the subject held
 *   it.
 * - A line of a stack is covered when it was asked and its answer counted in its group, or marked
 *   the decision; a line of `record`, when it was asked. A line that ignores the request, or the
 *   denial of a `sufficient` line, is not enough. Lines that include another stack are no items:
 *   the lines that they include are.
 *
 * Not thread-safe. Views live as long as the snapshot.
 */

#include "policy/ask/explain.h"
#include "policy/decide/eval.h"
#include "policy/snapshot/snapshot.h"

enum pol_coverage_kind {
	POL_COVERAGE_RULE = 0,
	POL_COVERAGE_ROLE,
	POL_COVERAGE_SCOPE,
	POL_COVERAGE_LINE,
	POL_COVERAGE_KINDS
};

struct pol_coverage_item {
	enum pol_coverage_kind kind;
	bool covered;
	bool reached;        /* of a rule; of a line: it was asked */
	bool deny;           /* of a rule */
	bool scope;          /* of a rule: it belongs to a scope */
	uint32_t tests;      /* how many tests cover it */
	struct pol_str name; /* of the role or scope, or of the stack that has the line */
	struct pol_str text; /* of a rule or a line: its first line as written */
	struct pol_position position;
};

struct pol_coverage_count {
	size_t covered;
	size_t total;
};

struct pol_coverage;

/* Nothing is covered yet. NULL: there is no memory. The snapshot is borrowed. */
struct pol_coverage *pol_coverage_create(const struct pol_snapshot *snapshot);
void pol_coverage_destroy(struct pol_coverage *coverage);

/* The decisions from now on are those of another test. */
void pol_coverage_next_test(struct pol_coverage *coverage);

/* Decides as pol_eval does, and notes what the decision depended on. */
void pol_coverage_decide(
	struct pol_coverage *coverage, const struct pol_facts *facts, struct pol_decision *out);

struct pol_coverage_count pol_coverage_count(
	const struct pol_coverage *coverage, enum pol_coverage_kind kind);

/* Item number `index` of all kinds together, by file and line. False: there are fewer. */
bool pol_coverage_item(
	const struct pol_coverage *coverage, size_t index, struct pol_coverage_item *out);

/* Was the rule at this position reached? */
bool pol_coverage_reached(const struct pol_coverage *coverage, struct pol_span at);
