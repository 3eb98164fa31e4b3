/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dangling: what the store names and a policy lacks: roles and places of assignments, roles, scopes
 * and places of keys, grants and parents of roles; and what it makes exclusive though it is held.
 * It counts for nothing, which nobody would notice by himself.
 */

#include <stdint.h>

#include "client/wire.h"
#include "policy/snapshot/snapshot.h"

struct store;

/* So many are reported; of more there is the number. */
#define DANGLING_MAX_REPORTED 100

struct dangling {
	uint64_t total;
	struct wire_buf items; /* an array of maps */
};

/*
 * Goes through the whole store, in slices, so that no reader is held for long: not for a thread
 * that answers. Assignments that are over and keys that are revoked are passed by. `now` is in
 * Unix seconds. Fills *out, to be finished by the caller; 0 or negative errno.
 */
int dangling_find(struct store *store, const struct pol_snapshot *snapshot, int64_t now,
	struct dangling *out);
void dangling_finish(struct dangling *dangling);
