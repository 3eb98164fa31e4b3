/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explain_internal: what the files policy/ask/explain*.c share. For them alone.
 */

#include "policy/ask/explain.h"
#include "policy/snapshot/compiled.h"

struct pol_explainer {
	const struct pol_snapshot *snapshot;
	const struct pol_trace *trace;
	struct pol_arena *arena;
	struct pol_explanation *out;
};

struct pol_place pol_explain_place(
	const struct pol_snapshot *snapshot, struct pol_span at, uint32_t line);

/* explain_rules.c: out->rules. */
void pol_explain_rules(struct pol_explainer *explainer);
/* explain_needs.c: out->missing, none, needs and key_at, of what was denied. */
void pol_explain_needs(struct pol_explainer *explainer);

/* What the subject holds of the exclusive sets. */
struct pol_explained_holder {
	const struct pol_explainer *explainer;
	uint32_t *members; /* of each exclusive set, what is held; NULL: of none */
	struct pol_arena arena;
};

/* explain_roles.c. False: there is no memory, and the explainer's arena says so. */
bool pol_explain_holder_init(
	struct pol_explained_holder *holder, const struct pol_explainer *explainer);
void pol_explain_holder_finish(struct pol_explained_holder *holder);
/* May it be given the role beside all that it holds, wherever? */
bool pol_explain_may_be_given(const struct pol_explained_holder *holder, uint32_t role);

/* Fills chain, text and place of *out: the rule by which a role or scope allows or denies the
 * permission, itself or by whom it inherits. False: it does neither, or there is no memory. */
bool pol_explain_rule(struct pol_explainer *explainer, uint32_t number, uint32_t permission,
	struct pol_explained_rule *out);
