/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * query: what a subject may do, from the very sets that decide.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"

/* One node with what is allowed on it: the resource as declared (`api:/loans/{loan}`), or, where
 * an assignment's or a key's place is what allows it, with the place's own segments filled in. */
struct pol_allowed {
	struct pol_str resource;
	const struct pol_str *actions; /* action and bare method names */
	size_t action_count;
};

/* Return false to stop in front of this entry. Views die when the callback returns. */
typedef bool (*pol_allowed_seen)(void *context, const struct pol_allowed *allowed);

/* Where a walk goes on: numbers that mean something with one snapshot alone. Zeroed: the
 * beginning. */
struct pol_resume {
	uint32_t node, filling;
};

/* A step is one set or place looked at, some ten nanoseconds. */
#define POL_QUERY_STEPS ((size_t)64 * 1024) /* about a millisecond of a worker's turn */

struct pol_query {
	struct pol_str tree; /* that one alone; empty: all */
	struct pol_str at;   /* `TREE:/path`, only at or below it; empty: everything */
	struct pol_resume from;
	pol_allowed_seen seen;
	void *context;
};

struct pol_walked {
	bool more; /* it goes on at `next` */
	struct pol_resume next;
	size_t steps;
};

/*
 * Every node on which what the subject of `facts` holds (roles, scopes, `anyone`, less denies;
 * stacks, networks and hours apart) allows something, in tree order, one entry a resource.
 * POL_EINVALID: unknown tree or bad at.
 *
 * A walk ends at its end, where `seen` stops it, or behind the node with which it took more than
 * POL_QUERY_STEPS, whether that had entries or not: then out->more. Whoever goes on from out->next
 * with the same query sees each entry once; with places that changed in between, some entries of
 * that one node may come twice or not at all.
 *
 * An entry with a place's values in it says how that resource differs from the more general entry
 * before it; when everything that is allowed elsewhere is denied there it has no actions. With
 * `at` its values are filled in everywhere. Somebody whose key or principal is not active holds
 * nothing. Allocates; POL_ENOMEM or POL_ELIMIT when it cannot.
 */
enum pol_status pol_query_permissions(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_query *query, struct pol_walked *out);

/*
 * Walks the resource trees for `policy show`: every node in tree order, with every action and
 * whether it is allowed to the role, what `anyone` holds counted (POL_NONE: no role asked; allowed
 * is then false).
 */
struct pol_shown_action {
	struct pol_str name;
	struct pol_str methods; /* "PUT PATCH", or empty */
	struct pol_str description;
	bool allowed;
	bool denied;
};
struct pol_shown {
	struct pol_str tree;
	struct pol_str segment; /* as declared; the tree's name for the root */
	struct pol_str resource;
	struct pol_str description;
	unsigned depth;
	const struct pol_shown_action *actions;
	size_t action_count;
};
typedef bool (*pol_shown_seen)(void *context, const struct pol_shown *shown);
enum pol_status pol_show(const struct pol_snapshot *snapshot, struct pol_str tree, uint32_t role,
	pol_shown_seen seen, void *context);
