/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * role_effect: what a principal that holds one role alone may do after a change of that role, and
 * could not do before, and the reverse. Pure, any thread.
 *
 * It is what pol_query_permissions lists for any principal that holds the role, with `anyone`, at
 * no place in particular: compared permission by permission, and what depends on conditions by its
 * formula, whatever a request's facts are. So a denial counts where the role or `anyone` allows
 * what it denies; what it takes from holders of other roles is not known here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/str.h"

/* One entry: a node, and what is gained or lost on it in the same way. */
struct pol_role_effect_item {
	bool gained; /* else lost */
	struct pol_str resource;
	const struct pol_str *actions; /* as in a listing of permissions (query.h) */
	size_t action_count;
	uint32_t count; /* of permissions */
	/* On what condition it is allowed with the change, if it is gained, or was allowed, if it
	 * is lost. Empty: always. */
	struct pol_str when;
	/* On what condition it was allowed before, if it is gained, or is still allowed, if it is
	 * lost. Empty: never. */
	struct pol_str other;
};

struct pol_role_change {
	const struct pol_snapshot *before, *after; /* of one policy */
	uint32_t role_before, role_after;          /* the role in each; POL_NONE: it is not there */
	/* Called for each item, whose views end when it returns, in tree order. False: no more of
	 * those that are gained, or of those that are lost. */
	bool (*visit)(void *context, const struct pol_role_effect_item *item);
	void *context;
};

/* How many permissions there are in all items, those that were not shown too. */
struct pol_role_effect {
	uint64_t gained, lost;
};

/* The work with conditions is bounded, to a hundredth of a second or two: what is not decided by
 * then, and what needs too much memory, counts as gained and as lost, with POL_WHEN_LARGE as a
 * condition that is not known. The rest takes some nanoseconds a permission. POL_OK; POL_ENOMEM. */
enum pol_status pol_role_effect_find(
	const struct pol_role_change *change, struct pol_role_effect *out);
