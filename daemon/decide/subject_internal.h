/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * subject_internal: what subject.c (who presents what) and subject_held.c (what they hold) share.
 */

#include "daemon/decide/subject.h"

/* The principal's state and what it holds, by facts.key_state. */
int subject_take_principal(
	struct call *call, uint32_t tenant, struct pol_str id, struct subject *subject);

/* What is known of the principal: its state and what it holds, by facts.key_state. */
void subject_take_state(struct subject *subject, const struct principal_state *state);

/* What subject->key is narrowed by, is bound to, and thereby holds. */
int subject_take_key(struct call *call, struct subject *subject);
