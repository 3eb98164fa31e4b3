/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * record_dangling: the field `dangling` of a record: the names in it that the policy lacks, or
 * shadows, or declares with another type, so that they have no effect. load/dangling.h finds them
 * in the whole store.
 *
 * Each function appends the pair to call->out, or nothing if there is no such name, and returns the
 * number of pairs. Any thread.
 */

#include "daemon/manage/record.h"

/* Roles, scopes and places. A key that is revoked has none. */
uint32_t record_dangling_key(struct call *call, const struct store_key *key);
/* The attributes that are not of the type that the policy declares. */
uint32_t record_dangling_principal(struct call *call, const struct store_principal *principal);
/* The role and places. */
uint32_t record_dangling_assignment(
	struct call *call, uint32_t tenant, const struct store_assignment *assignment);
/* What it inherits, and with record->grants the lines of its permissions, as the store has them.
 * Sets *out_pairs; 0 or -ENOMEM. */
int record_dangling_role(struct call *call, const struct record_role *record, uint32_t *out_pairs);
