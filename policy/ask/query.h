/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * query: lists what a subject may do, from the sets that decide requests. Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"

/* One entry: a node and what is allowed on it, always or on one condition. The resource is as
 * declared (`api:/loans/{loan}`), or has the values of a place, when a place of a role or of the
 * key makes the difference. */
struct pol_allowed {
	struct pol_str resource;
	const struct pol_str *actions; /* names of actions and methods */
	size_t action_count;
	struct pol_str when; /* the condition (when.h); empty: always */
};

/* Called for each entry, whose views end when it returns. Return false to stop before this entry.
 */
typedef bool (*pol_query_visit)(void *context, const struct pol_allowed *allowed);

/* Where a walk goes on. The numbers are valid with one snapshot only. Zeroed: at the beginning. */
struct pol_query_cursor {
	uint32_t node, substitution;
	uint32_t entry; /* of those of one resource */
};

/* A step is one set or place that is read: about ten nanoseconds. */
#define POL_QUERY_STEPS ((size_t)64 * 1024) /* about a millisecond of a worker's turn */

struct pol_query {
	struct pol_str tree; /* only this tree; empty: all */
	struct pol_str at;   /* `TREE:/path`: only what is at or below it; empty: everything */
	/* The subject is no principal in particular but any that holds these roles: its id, tenant
	 * and kind are open in conditions. */
	bool any_principal;
	struct pol_query_cursor from;
	pol_query_visit visit;
	void *context;
};

struct pol_query_result {
	bool more; /* the walk is not at its end, and goes on at `next` */
	struct pol_query_cursor next;
	size_t steps;
};

/*
 * Visits every node on which the subject's roles and scopes, and `anyone`, allow something that
 * none of them denies, in tree order. A resource has one entry for what is allowed always, and
 * after it one for each condition on which more is. In a condition what is known is put in: the
 * subject's own facts, those given, and the values of a place; all else is open. Stacks, networks
 * and hours are not considered. A subject whose key or principal is not active has no entries.
 *
 * A walk ends at its end, where `visit` stops it, or after the node with which it passed
 * POL_QUERY_STEPS, even when there was no entry yet; where conditions make a difference, after the
 * resource. In the last two cases out->more is true. A
 * caller that goes on from out->next with the same query gets each entry once; when places changed
 * in between, some entries of that one node may come twice or not at all.
 *
 * The entries with the values of a place replace the more general ones before them for that
 * resource; there is one without actions when all that is allowed elsewhere is denied there. With
 * `at`, all entries have its values.
 *
 * POL_OK; POL_EINVALID: the tree is unknown, or `at` leads to no node; POL_ENOMEM or POL_ELIMIT: no
 * memory. *out is written on POL_OK only.
 */
enum pol_status pol_query_permissions(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_query *query, struct pol_query_result *out);
