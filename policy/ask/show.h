/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * show: the resource trees as text, for `policy show`. Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/ask/when.h"
#include "policy/snapshot/snapshot.h"

/* Whose permissions are marked: a role or a scope of the policy, as for a caller that holds it and
 * so `anyone` too. */
struct pol_show_holder {
	bool scope;
	uint32_t number; /* of pol_snapshot_role or pol_snapshot_scope */
};

/* What the holder may do of an action. Zeroed: nothing. */
struct pol_show_marks {
	bool allowed;   /* all of its permissions always, and none is denied */
	bool partly;    /* some of its permissions are always allowed, but not all */
	bool sometimes; /* any of its permissions is allowed on a condition */
	bool denied;    /* any of its permissions, always */
};

/* The marks of an action by its number. The holder must be one of the snapshot's. `when` becomes
 * the text of the condition (when.h) if there is one; where methods have different ones, of each:
 * `PUT: A; PATCH: B`. */
struct pol_show_marks pol_show_mark(const struct pol_snapshot *snapshot,
	const struct pol_show_holder *holder, uint32_t action, char when[POL_WHEN_TEXT]);

struct pol_shown_action {
	struct pol_str name;
	struct pol_str methods; /* "PUT PATCH", or empty */
	struct pol_str description;
	uint32_t number; /* for pol_show_mark, with this snapshot */
	struct pol_show_marks marks;
	struct pol_str when; /* of the marks; empty: there is no condition */
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

/* Visits every node of the tree (empty: of all trees) in tree order, with all of its actions.
 * holder NULL: no marks. POL_OK, also when it was stopped; POL_EINVALID: the tree or holder is
 * unknown; POL_ENOMEM or POL_ELIMIT: no memory. */
enum pol_status pol_show(const struct pol_snapshot *snapshot, struct pol_str tree,
	const struct pol_show_holder *holder, pol_show_visit visit, void *context);
