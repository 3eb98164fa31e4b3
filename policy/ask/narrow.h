/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * narrow: finds what a key was granted, what of that it used, and scopes that would have sufficed.
 *
 * A use is kept under a name, `TREE:/node action` as declared, which stays valid when the policy
 * changes. What a key was granted is counted in actions too: those of which its roles and scopes
 * allow at least one permission at any place, without what `anyone` allows.
 *
 * What depends on a condition counts as granted. The proposed scopes have no conditions; they cover
 * all that was used, and allow nothing that the key did not have, on the same conditions. They
 * are found by the greedy algorithm for weighted set cover (Chvátal 1979): take, again and again,
 * the scope that adds the fewest unused permissions for each permission that it covers. A narrower
 * list may exist.
 *
 * Pure. A struct pol_narrow belongs to one thread and to one snapshot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/status.h"

/* Bytes of a name. Longer ones are cut, so that two of them may be equal; real paths are shorter.
 */
#define POL_NARROW_NAME 4096

/* Writes the name of the action that has the permission to `out`, without a NUL. Returns its
 * length. */
size_t pol_narrow_action_name(
	const struct pol_snapshot *snapshot, uint32_t permission, char out[static POL_NARROW_NAME]);

struct pol_narrow;

/* Allocates room for the searches in one snapshot, which must outlive it. POL_OK or POL_ENOMEM. */
enum pol_status pol_narrow_create(const struct pol_snapshot *snapshot, struct pol_narrow **out);
void pol_narrow_destroy(struct pol_narrow *narrow); /* NULL is ignored */

/* Was the action of that name used? Called once for each action that the key has. `action` is its
 * number in the snapshot, by which the caller may keep what it computes of a name. */
typedef bool (*pol_narrow_used)(void *context, uint32_t action, struct pol_str name);
/* Called for each action that was not used. */
typedef void (*pol_narrow_unused)(void *context, struct pol_str name);

struct pol_narrow_usage {
	pol_narrow_used used;
	pol_narrow_unused unused; /* may be NULL */
	void *context;
};

struct pol_narrow_result {
	uint32_t granted; /* how many actions */
	uint32_t used;    /* how many of them were used */
	uint32_t scope_count;
	uint32_t unused_count;
	uint32_t scopes[64]; /* numbers of scopes that suffice; none: no narrower list was found */
	uint32_t unused_scopes[64]; /* scopes of the key of which nothing was used */
};

/* Fills *out for one key. Only the facts about the subject are read, with the key as active; places
 * are not used. */
void pol_narrow_find(struct pol_narrow *narrow, const struct pol_facts *facts,
	const struct pol_narrow_usage *ask, struct pol_narrow_result *out);

/* The work of the last pol_narrow_find, in steps of about ten nanoseconds. */
size_t pol_narrow_steps(const struct pol_narrow *narrow);
