/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * show: the resource trees as text, for `policy show`. Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"

struct pol_shown_action {
	struct pol_str name;
	struct pol_str methods; /* "PUT PATCH", or empty */
	struct pol_str description;
	bool allowed; /* all of its permissions, by the role or `anyone` */
	bool denied;  /* any of its permissions, by the role or `anyone` */
};

struct pol_shown {
	struct pol_str tree;
	struct pol_str segment; /* as declared; the tree's name for the root */
	struct pol_str resource;
	struct pol_str description;
	unsigned depth;
	bool strict_slash; /* of the tree; set for its root alone */
	const struct pol_shown_action *actions;
	size_t action_count;
};

/* Called for each node, whose views end when it returns. Return false to stop. */
typedef bool (*pol_show_visit)(void *context, const struct pol_shown *shown);

/* Visits every node of the tree (empty: of all trees) in tree order, with all of its actions. role:
 * whose permissions are marked, as for a caller that holds it and so `anyone` too; POL_NONE: no
 * marks. POL_OK, also when it was stopped; POL_EINVALID: the tree or role is unknown; POL_ENOMEM or
 * POL_ELIMIT: no memory. */
enum pol_status pol_show(const struct pol_snapshot *snapshot, struct pol_str tree, uint32_t role,
	pol_show_visit visit, void *context);
