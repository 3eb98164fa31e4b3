/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * attributes: the attributes of a principal's record, which are names and texts, as facts of a
 * policy. `branch` is principal.branch, if the policy declares that; others are not read by any
 * condition. Any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/env.h"
#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/snapshot.h"

/* Members of all sets of one principal. */
#define ATTRIBUTES_MEMBERS 1024

/* Large, and not zeroed. */
struct attributes {
	struct pol_given given; /* its views are of this and of the record */
	struct pol_given_fact items[POL_GIVEN_FACTS];
	/* The next set is read after those before it, and may then be too large. */
	struct pol_str members[ATTRIBUTES_MEMBERS + POL_GIVEN_MEMBERS];
};

/* The next pair of a record's list; false at its end. */
bool attributes_next(struct store_list *attributes, struct pol_str *name, struct pol_str *text);

/* Reads all that are declared. One that is not of its fact's type is unknown. */
void attributes_read(
	const struct pol_snapshot *snapshot, struct store_list attributes, struct attributes *out);

/* The text of the attribute of that name. False if there is none. */
bool attributes_find(struct store_list attributes, struct pol_str name, struct pol_str *out);

/* May a principal that has `before` have `attributes`? One that is not a declared fact may be
 * anything, except the name of a fact that every principal has; one that is not of its type may
 * stay as it was. False: `why` names the first that may not be, without its text. */
bool attributes_check(const struct pol_snapshot *snapshot, struct store_list attributes,
	struct store_list before, char why[POL_GIVEN_WHY]);

/* Is any of them a declared fact? If not, no condition reads them. */
bool attributes_are_facts(const struct pol_snapshot *snapshot, struct store_list attributes);

/* Are those that are declared facts the same in both? */
bool attributes_same_facts(
	const struct pol_snapshot *snapshot, struct store_list a, struct store_list b);

/* Calls `visit` with the name of each that is unknown because it is not of its fact's type. */
void attributes_find_unknown(const struct pol_snapshot *snapshot, struct store_list attributes,
	void (*visit)(void *context, struct pol_str name), void *context);
