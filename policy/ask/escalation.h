/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * gain: what a change gives somebody, beside what whoever makes it has himself.
 *
 * Nobody gives what he has not: all that the subject may do after a change and could not do before
 * must lie within the giver's own, at the same path or above it. Compared are the very sets that
 * decide, permission by permission, at every place that one of the three speaks of and once for
 * all other paths. Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/snapshot/snapshot.h"

/* Who gives. Zeroed, he has what everybody has. */
struct pol_giver {
	const struct pol_facts *facts; /* what he may do himself; NULL: as somebody without a key */
	const uint32_t *roles;         /* numbers; all that they allow he may give, anywhere */
	size_t role_count;
	const uint32_t *scopes;
	size_t scope_count;
	const struct pol_run *runs; /* permissions that he has everywhere, beside */
	size_t run_count;
};

#define POL_GAIN_TEXT 256

/* The first that would be too much: an action and a node as declared, cut to fit. */
struct pol_gain {
	bool found;
	char action[64];
	char resource[POL_GAIN_TEXT];
};

/*
 * Of `before` and `after` the who-part counts, and they are judged as they are: give a key that is
 * not active as active. NULL is somebody without a key, who may do what `anyone` may. POL_OK or
 * POL_ENOMEM, on which nothing may be given.
 */
enum pol_status pol_gain_find(const struct pol_snapshot *snapshot, const struct pol_facts *before,
	const struct pol_facts *after, const struct pol_giver *giver, struct pol_gain *out);

/* The permission of the tree authz: that an action is: on `/NOUN`, or on a node below it. False:
 * there is none. */
bool pol_gain_permission(const struct pol_snapshot *snapshot, const char *noun, bool below,
	const char *action, struct pol_run *out);

/* Likewise for what a role allows anew, or no longer denies, whoever holds it wherever: all of it
 * must be the giver's, everywhere. `before` may be POL_NONE, a new role. Each is a number in its
 * own snapshot; both have the same base, and the giver's are those of the old one. */
enum pol_status pol_gain_of_role(const struct pol_snapshot *old, uint32_t before,
	const struct pol_snapshot *snapshot, uint32_t after, const struct pol_giver *giver,
	struct pol_gain *out);
