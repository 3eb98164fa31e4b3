/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * narrow: what a key was given, what of it was used, and the scopes that would have done.
 *
 * A use is remembered by a name, `TREE:/node action`, as declared, so that it outlives the snapshot
 * that saw it. What a key was given is counted in actions as well: those of which its roles and
 * scopes allow at least one permission, wherever, less what everybody may.
 *
 * The scopes that would have done cover all that was used and leave in nothing that the key did not
 * have; they are found by taking, again and again, the scope that adds least for what it covers of
 * the rest (Chvátal's greedy set cover, 1979), which is no proof that no narrower list would do.
 *
 * Pure. A struct pol_narrow is one thread's and its memory is for one snapshot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/status.h"

/* Longer names are cut, and are the same then: nobody declares such paths. */
#define POL_USED_NAME 4096

/* The name of the action to which a permission belongs, in `out`; the text's length. */
size_t pol_narrow_used_name(
	const struct pol_snapshot *snapshot, uint32_t permission, char out[static POL_USED_NAME]);

struct pol_narrow;

/* POL_OK or POL_ENOMEM. Borrows the snapshot. */
enum pol_status pol_narrow_create(const struct pol_snapshot *snapshot, struct pol_narrow **out);
void pol_narrow_destroy(struct pol_narrow *narrow); /* NULL is ignored */

/* Was the action of that name used? Asked once for each action that the key has; `action` is its
 * number in the snapshot, so that the answer's part can be kept. */
typedef bool (*pol_narrow_used)(void *context, uint32_t action, struct pol_str name);
/* One that was not. */
typedef void (*pol_narrow_unused)(void *context, struct pol_str name);

struct pol_narrow_ask {
	pol_narrow_used used;
	pol_narrow_unused unused; /* may be NULL */
	void *context;
};

struct pol_narrowed {
	uint32_t granted; /* actions */
	uint32_t used;    /* of them */
	uint32_t scope_count;
	uint32_t unused_count;
	uint32_t scopes[64]; /* snapshot numbers: these would have done; none: no narrower list */
	uint32_t unused_scopes[64]; /* those of the key of which nothing was used */
};

/* The facts are the who-part, of a key as if it were active; places are passed over. */
void pol_narrow_judge(struct pol_narrow *narrow, const struct pol_facts *facts,
	const struct pol_narrow_ask *ask, struct pol_narrowed *out);

/* Work that the last judge took, in steps of some ten nanoseconds. */
size_t pol_narrow_steps(const struct pol_narrow *narrow);
