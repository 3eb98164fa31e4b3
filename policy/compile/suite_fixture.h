/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite_scene: what the lines of a test say so far. For suite*.c alone.
 *
 * A fact stands until a later line changes it. `as nobody` and `as principal ID` take the key away
 * with all that was on it; a line that speaks of a key (its state, scopes, places, or `as role`)
 * brings one. `peer USER` says whose process asks: without a key he is the principal who declares
 * him; behind `as principal` that one asks himself, and is not named.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/compile/suite_case.h"
#include "policy/language/parse.h"
#include "policy/snapshot/compiled.h"

struct pol_scene_held {
	struct pol_held held;
	int64_t until; /* 0: for good */
};

/* What the lines above an expectation say. */
struct pol_scene {
	struct pol_scene_held *held;
	size_t held_count;
	size_t held_capacity;
	uint32_t *scopes;
	uint32_t scope_count;
	struct pol_str *key_places;
	uint32_t key_place_count;
	bool scopes_given;
	bool keyless; /* `as nobody`, `as principal ID`: whatever key_state says */
	bool named;   /* by a trusted peer */
	enum pol_key_state key_state;
	enum pol_principal_state principal_state;
	uint32_t environment;
	struct pol_str service;
	const struct pol_word *undeclared; /* the service's word, when no stack would decide */
	struct pol_ip ip;
	int64_t now;
	int64_t time;
	int64_t mfa_at;
	uint32_t peer;     /* the declared principal whose peer asks; POL_NONE: nobody's */
	uint32_t declared; /* when named: which */
	struct pol_str principal;
	struct pol_facts *facts; /* made of all this; NULL: a line came since */
};

struct pol_suite_builder {
	struct pol_snapshot *snapshot;
	struct pol_arena *arena;
	struct pol_diags *diags;
	struct pol_scene scene;
	struct pol_case *test;
	size_t capacity; /* of its expectations */
	struct pol_line_cursor lines;
};

/* Takes one line that is no expectation. Mistakes go to builder->diags. */
void pol_suite_scene_take(struct pol_suite_builder *builder, const struct pol_ast_step *step);

/* The facts of a request as the lines so far have it, verb and path apart; in the snapshot's
 * arena. NULL: no memory. */
const struct pol_facts *pol_suite_scene_facts(struct pol_suite_builder *builder);
