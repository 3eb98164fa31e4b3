/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explain_internal: what the files policy/explain*.c share. For them alone.
 */

#include "policy/compiled.h"
#include "policy/explain.h"

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
/* explain_needs.c: out->needs and key_at, of what was denied. */
void pol_explain_needs(struct pol_explainer *explainer);

/* Fills chain, text and place of *out: the rule by which a role or scope allows or denies the
 * permission, itself or by whom it inherits. False: it does neither, or there is no memory. */
bool pol_explain_rule(struct pol_explainer *explainer, uint32_t number, uint32_t permission,
	struct pol_explained_rule *out);
