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
};

/* A request with these facts and its functions; all else is zero. matched NULL: there is no node.
 */
struct pol_request pol_matched_request(
	const struct pol_facts *facts, const struct pol_matched *matched);
