/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explain_internal: what the files policy/ask/explain*.c share. Functions that run out of memory
 * leave that in explainer->arena->status.
 */

#include "policy/ask/explain.h"
#include "policy/snapshot/compiled.h"

struct pol_explainer {
	const struct pol_snapshot *snapshot;
	const struct pol_trace *trace;
	struct pol_arena *arena;
	struct pol_explanation *out;
	struct pol_truth_table *truth; /* of the request; begun when there is a path */
	uint32_t predicates_left;      /* that may still be shown */
};

/* The position of a span that begins on that line; line 0: none. */
struct pol_position pol_explain_position(
	const struct pol_snapshot *snapshot, struct pol_span at, uint32_t line);

/* explain_condition.c: fills what a rule says of its condition. */
void pol_explain_condition(struct pol_explainer *explainer, struct pol_explained_rule *rule);
/* explain_rules.c: fills out->rules. */
void pol_explain_rules(struct pol_explainer *explainer);
/* explain_needs.c: fills out->missing, none, needs, more_needs and key_at when the request was
 * denied for lack of permissions. */
void pol_explain_needs(struct pol_explainer *explainer);

/* --- explain_roles.c: which roles the subject may be assigned --- */

/* What the subject holds of the exclusive sets. */
struct pol_explained_holder {
	const struct pol_explainer *explainer;
	uint32_t *members; /* by exclusive set: what is held of it; NULL: nothing of any */
	struct pol_arena arena;
};

/* False: there is no memory. Finish it in any case. */
bool pol_explain_roles_init(
	struct pol_explained_holder *holder, const struct pol_explainer *explainer);
void pol_explain_roles_finish(struct pol_explained_holder *holder);
/* May the subject be assigned the role in addition to all that it holds? */
bool pol_explain_roles_may_assign(const struct pol_explained_holder *holder, uint32_t role);

/* --- explain_rules.c --- */

/* Does the rule have the permission? */
bool pol_explain_rules_has(const struct pol_rule *rule, uint32_t permission);
/* The text of a statement that begins at this offset of a file: to the end of its line, without a
 * comment or the end of the block, cut to whole characters. A view of the file. */
struct pol_str pol_explain_rules_text(struct pol_str text, uint32_t offset);
/* Finds the rule by which a role or scope (out->scope) allows or denies (out->deny) the permission
 * on a condition (out->condition; NULL: always), itself or through what it inherits. Fills chain,
 * text and position of *out. False: there is none, or no memory. */
bool pol_explain_rules_find(struct pol_explainer *explainer, uint32_t number, uint32_t permission,
	struct pol_explained_rule *out);
