/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * matched: the node and the path of a request, as modules see them. Private to policy/; no
 * allocation, any thread.
 */

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/path.h"

/* Lives as long as the decision. */
struct pol_matched {
	const struct pol_snapshot *snapshot;
	uint32_t node; /* POL_NONE: none, or not found yet */
	const struct pol_path *path;
	uint64_t open; /* bit 1 << i: segment i may be anything, and has no value */
	bool *asked;   /* becomes true when a module asks for an open one; not NULL if any is */
};

/* A request with these facts and its functions; all else is zero. matched NULL: there is no node.
 */
struct pol_request pol_matched_request(
	const struct pol_facts *facts, const struct pol_matched *matched);
