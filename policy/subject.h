/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * subject: what a subject's roles and scopes say of one permission at one path.
 *
 * The one place where sets, places and narrowing meet. A decision asks it for the path of a
 * request, a query for every node, so that the two cannot differ. Pure, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/module.h"
#include "policy/path.h"
#include "policy/snapshot.h"

/* Zeroed: nothing allows it. */
struct pol_say {
	bool roles;  /* a held role allows it here */
	bool scopes; /* the key's scopes and places leave it in */
	bool anyone; /* role `anyone` allows it */
	bool denied; /* one of them denies it here */
};

struct pol_say pol_subject_say(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_str tree, const struct pol_path *path, uint32_t permission);

/* Whether all in all it is allowed, stacks, networks and the state of the key apart. */
bool pol_subject_allows(const struct pol_facts *facts, struct pol_say say);
