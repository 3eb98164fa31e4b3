/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dangling: finds names in the store that a policy lacks: roles and places of assignments, roles,
 * scopes and places of keys, grants and parents of roles. Decisions ignore them, so an
 * administrator should know of them, and so it is with attributes that are not of the type that the
 * policy declares. It also finds stored roles that are shadowed by those of the
 * files, principals whose ids differ from those of the files in case alone, and exclusive roles
 * that one principal or key holds.
 */

#include <stdint.h>

#include "client/wire.h"
#include "policy/snapshot/snapshot.h"

struct store;

/* At most this many are listed; the others are counted alone. */
#define DANGLING_MAX_REPORTED 100

struct dangling {
	uint64_t total;
	struct wire_buf items; /* an encoded array of maps, for an answer */
};

/*
 * Reads the whole store, and renews its read transaction after each slice of records. It takes too
 * long for a thread that answers requests. Assignments that have ended and keys that are revoked
 * are skipped. `now` is in Unix seconds. Always fills *out, which the caller finishes. 0 or a
 * negative errno.
 */
int dangling_find(struct store *store, const struct pol_snapshot *snapshot, int64_t now,
	struct dangling *out);
void dangling_finish(struct dangling *dangling);
