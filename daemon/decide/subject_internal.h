/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * subject_internal: what subject.c (who presents what), subject_key.c (whose token it is, and what
 * refuses it), subject_held.c (what they hold) and subject_everyone.c (what every principal and
 * every caller hold) share.
 */

#include "daemon/decide/subject.h"

/* The principal's state and what it holds, by facts.key_state. */
int subject_take_principal(
	struct call *call, uint32_t tenant, struct pol_str id, struct subject *subject);

/* --- subject_held.c --------------------------------------------------------------------------- */

/* Adds the record's roles and their places, without those that have ended. */
int subject_take_assignments(
	struct call *call, const struct store_principal *principal, struct subject *subject);
/* Takes what is known of the principal: its state and what it holds, by facts.key_state. */
void subject_take_state(struct subject *subject, const struct principal_state *state);
/* Takes what subject->key is narrowed by, is bound to, and thereby holds. */
int subject_take_key(struct call *call, struct subject *subject);
/* Counts what comparing the place takes. */
void subject_count_place(struct subject *subject, struct pol_str place);
/* Empties a subject that is described, not gathered. */
void subject_begin(struct call *call, struct subject *out);

/* --- subject_everyone.c ----------------------------------------------------------------------- */

/* Appends what every principal of the tenant, or every caller, holds to what the subject itself
 * holds. Every principal's goes before every caller's. Tenant 0: adds nothing. */
int subject_take_everyone(
	struct call *call, uint32_t tenant, enum store_everyone kind, struct subject *subject);
/* Appends both. */
int subject_take_all(struct call *call, uint32_t tenant, struct subject *subject);

/* --- subject.c -------------------------------------------------------------------------------- */

/* Sets the tenant, and whether it is enabled. */
void subject_take_tenant(struct call *call, uint32_t tenant, struct subject *subject);

/* Does the environment or the tenant differ from what the service serves? */
bool subject_in_wrong_environment(
	struct call *call, const struct subject_ask *ask, struct pol_str environment);
bool subject_in_wrong_tenant(struct call *call, const struct subject_ask *ask, uint32_t tenant);

/* --- subject_key.c ---------------------------------------------------------------------------- */

struct usage_token;

/* What was found of a presented token. */
struct subject_found {
	enum pol_key_state state;
	bool acceptable; /* nothing refuses the key and what it is bound to */
};

/* Finds the record of a token whose secret is right, and sets subject->key and ->verified.
 * presented: NULL if the token cannot be split. 0 or a negative errno. */
int subject_find_key(struct call *call, const struct subject_ask *ask,
	const struct usage_token *presented, struct subject *subject, struct subject_found *out);

/* The same for the key whose id is ask->token, as if its current secret had been presented. A key
 * that the caller may not see is not found. */
int subject_find_by_id(struct call *call, const struct subject_ask *ask, struct subject *subject,
	struct subject_found *out);
