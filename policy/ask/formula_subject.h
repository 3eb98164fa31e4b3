/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * formula_subject: when a subject is allowed a permission, as a formula.
 *
 * It combines what decide/subject.h combines, with all conditions: (what `anyone` allows, or what
 * the roles allow within the key's scopes and places) and none of the denials. Where it is true, a
 * decision with the same facts passes step 8; where it is false, the decision is denied or facts
 * are missing. Stacks, networks and the state of the key are not considered.
 *
 * The principal's own facts are put in: its id, tenant, kind and roles, its attributes, and the
 * facts given for it. For others the caller says what is known. Pure; memory comes from an arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/ask/formula.h"
#include "policy/snapshot/module.h"
#include "policy/text/path.h"

struct pol_grantee;

/* Where the path is, seen from the places of a role or key: both are formulas, the one the negation
 * of the other, and constants where the path is known. */
struct pol_formula_place {
	const struct pol_formula *inside, *outside;
	bool elsewhere; /* all places are in other trees: a role denies but does not allow */
};

struct pol_formula_place pol_formula_place_of(enum pol_path_place_match match);

struct pol_formula_subject {
	const struct pol_snapshot *snapshot;
	struct pol_arena *arena;
	const struct pol_facts *facts; /* those about the subject, `attributes` and `given` */
	/* The place of facts->held[number], or, for POL_NONE, of the key. */
	struct pol_formula_place (*place)(
		const struct pol_formula_subject *subject, uint32_t number);
	const void *context; /* of `place` */
	/* What is known of segments, and of facts that are not the principal's and were not given;
	 * its `role` is not called. NULL: all of it is open. */
	const struct pol_knowing *others;
	/* Facts of the principal that neither the record nor the request says are absent. Otherwise
	 * they are open, as a peer may state them. */
	bool no_statements;
	/* It stands for any principal that holds these roles: its id, tenant and
	 * kind are open. */
	bool any_principal;
	/* It stands for all principals and callers: its id, tenant, kind and roles are open too. */
	bool anybody;
};

/* The formula for "the subject is allowed the permission here". NULL: the arena has no memory. */
const struct pol_formula *pol_formula_of_subject(
	const struct pol_formula_subject *subject, uint32_t permission);

/* The parts of that formula, for callers that combine them otherwise. */
struct pol_formula_parts {
	const struct pol_formula *anyone;     /* `anyone`, or what every caller holds, allows it */
	const struct pol_formula *roles;      /* the roles allow it at their places */
	const struct pol_formula *scopes;     /* the key's scopes and places allow it */
	const struct pol_formula *not_denied; /* nothing denies it */
};

/* False: the arena has no memory. */
bool pol_formula_parts_of_subject(const struct pol_formula_subject *subject, uint32_t permission,
	struct pol_formula_parts *out);

/* What a role or scope says of a permission: the formula for "it allows it", and that for "it does
 * not deny it". The first does not consider the second. NULL: the arena has no memory. */
const struct pol_formula *pol_formula_allows(const struct pol_formulas *formulas,
	const struct pol_grantee *grantee, uint32_t permission);
const struct pol_formula *pol_formula_does_not_deny(const struct pol_formulas *formulas,
	const struct pol_grantee *grantee, uint32_t permission);

/* The formula for "the role or scope allows it to this subject", wherever the subject holds it: the
 * subject's own facts are put in. NULL: the arena has no memory. */
const struct pol_formula *pol_formula_allows_subject(const struct pol_formula_subject *subject,
	const struct pol_grantee *grantee, uint32_t permission);

/* A `place` for a path that is known; `context` is a struct pol_formula_path. The segments after
 * the end of the path are open, those before it are for `others` to say; pol_formula_path_segment
 * says them. */
struct pol_formula_path {
	struct pol_str tree;
	const struct pol_path *path;
};
struct pol_formula_place pol_formula_path_place(
	const struct pol_formula_subject *subject, uint32_t number);
struct pol_knowledge pol_formula_path_segment(
	const struct pol_formula_path *path, uint32_t segment);
