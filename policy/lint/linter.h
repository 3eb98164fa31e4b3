/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * linter: what the files of policy/lint/ share. Private to them.
 */

#include "policy/language/parse.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"

struct pol_linter {
	const struct pol_snapshot *snapshot;
	struct pol_diags *diags;
	struct pol_arena *scratch; /* for all of the run */
	struct pol_permset_pool *pool;
	struct pol_ast ast;
	uint32_t authz;          /* the number of the built-in tree, or POL_NONE */
	bool roles_are_asked;    /* some stack asks for what roles allow */
	struct pol_permset role; /* what any role allows and does not deny itself */
	char *text;              /* POL_RESOURCE_TEXT bytes, for the name of a node */
};

/* Roles or scopes. */
struct pol_lint_kind {
	const struct pol_grantee *grantees;
	const struct pol_origin *origins;
	uint32_t count;
	const char *what;     /* "role" */
	const char *inherits; /* "inherits" */
};
struct pol_lint_kind pol_lint_roles(const struct pol_snapshot *snapshot);
struct pol_lint_kind pol_lint_scopes(const struct pol_snapshot *snapshot);

/* What it allows, always or under some condition, whatever it denies. In lint_roles.c. */
enum pol_status pol_lint_allowed(
	struct pol_linter *linter, const struct pol_grantee *grantee, struct pol_permset *out);

/* The checks. Each adds its findings. POL_OK or the status of an arena or a pool. */
enum pol_status pol_lint_stacks(struct pol_linter *linter); /* first: sets roles_are_asked */
enum pol_status pol_lint_rules(struct pol_linter *linter);
enum pol_status pol_lint_grantees(struct pol_linter *linter); /* sets `role` */
enum pol_status pol_lint_trees(struct pol_linter *linter);
enum pol_status pol_lint_wildcards(struct pol_linter *linter);
enum pol_status pol_lint_tests(struct pol_linter *linter);

/* rule.c: what a rule selects, compared with a set. */

/* Is all of it in the set? False for a rule of nothing. */
bool pol_lint_rule_within(const struct pol_rule *rule, const struct pol_permset *set);
/* Is any of it in the set? */
bool pol_lint_rule_meets(const struct pol_rule *rule, const struct pol_permset *set);
enum pol_status pol_lint_rule_set(
	struct pol_linter *linter, const struct pol_rule *rule, struct pol_permset *out);

/* The first permission of the set from `from` on, or POL_NONE. */
uint32_t pol_lint_next(const struct pol_permset *set, uint32_t from);
/* The name of a permission's verb, and that of its node, which is valid until the next call. */
struct pol_str pol_lint_verb(const struct pol_linter *linter, uint32_t permission);
struct pol_str pol_lint_node(const struct pol_linter *linter, uint32_t permission);
