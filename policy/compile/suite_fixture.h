/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite_fixture: the state that the lines of a test have set so far. For policy/compile/suite_*.c
 * and policy/ask/scene.c alone.
 *
 * A fact stays until a later line changes it. `as nobody` and `as principal ID` take the key away
 * with its scopes and places; a line about a key (its state, scopes or places, or `as role`) brings
 * one. `peer USER` names the user of the process that asks. Without a key the caller is then the
 * principal that declares this user. After `as principal ID` the caller is that principal, and when
 * the user is its own, the decision is as for a peer that names no principal. What `everyone role`
 * and `anyone role` give stays until the test's end.
 *
 * `given` states facts: those of the principal until the next `as`, all others until the end. Of
 * the known ones it states the principal's id, tenant and kind, and how long ago the second factor
 * was.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/compile/suite_case.h"
#include "policy/language/parse.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/given.h"
#include "policy/text/terms.h"

struct pol_fixture_role {
	struct pol_held held;
	int64_t until; /* 0: for good */
};

/* Roles of one holder that a test may give: struct pol_facts counts those of everyone and of anyone
 * in 16 bits. */
#define POL_FIXTURE_ROLES 1024

struct pol_fixture_roles {
	struct pol_fixture_role *items;
	size_t count;
	size_t capacity;
};

/* The state above an expectation. */
struct pol_fixture {
	struct pol_fixture_roles held[POL_HOLDERS]; /* by the holder */
	uint32_t *scopes;
	uint32_t scope_count;
	struct pol_str *key_places;
	uint32_t key_place_count;
	bool scopes_given;
	bool keyless; /* `as nobody`, `as principal ID`: there is no key, whatever key_state is */
	bool named;   /* a trusted peer names the principal: `as principal ID` */
	enum pol_key_state key_state;
	enum pol_principal_state principal_state;
	uint32_t environment;
	struct pol_str service;
	const struct pol_word *undeclared; /* the word of `service`, when no stack decides for it */
	struct pol_ip ip;
	int64_t now;
	int64_t time;
	int64_t mfa_at;
	uint32_t peer;     /* the principal that declares the peer; POL_NONE: none does */
	uint32_t declared; /* when named: the principal */
	struct pol_str principal;
	struct pol_given_fact given[POL_GIVEN_FACTS]; /* sorted by number; known ones too */
	uint32_t given_count;
	struct pol_facts *facts; /* made from this state; NULL: it has changed since, or never */
};

struct pol_suite_builder {
	struct pol_snapshot *snapshot;
	struct pol_arena *arena;
	struct pol_diags *diags;
	struct pol_fixture fixture;
	struct pol_case *test;
	size_t capacity; /* of its expectations */
	struct pol_line_cursor lines;
};

/* The state at the beginning of a test. */
struct pol_fixture pol_suite_fixture_begin(void);

/* Applies one line that is not an expectation. Reports mistakes in builder->diags. */
void pol_suite_fixture_apply(struct pol_suite_builder *builder, const struct pol_ast_step *step);

/* suite_facts.c: returns the facts of a request, without verb and path, in the snapshot's arena.
 * NULL: the arena failed. */
const struct pol_facts *pol_suite_fixture_facts(struct pol_suite_builder *builder);

/* --- suite_given.c: facts that a test gives --- */

/* Applies a line `given`. */
void pol_suite_given_apply(struct pol_suite_builder *builder, const struct pol_ast_step *step);
/* Forgets the facts of the principal, for `as`. */
void pol_suite_given_forget(struct pol_suite_builder *builder);
/* Adds the facts to those of a request. False: the arena failed. */
bool pol_suite_given_add(struct pol_suite_builder *builder, struct pol_facts *facts);

/* --- suite_compile.c: reports what an `allow` or `deny` line names and the policy does not have.
 */
void pol_suite_check_expectation(
	struct pol_suite_builder *builder, const struct pol_ast_step *step);
