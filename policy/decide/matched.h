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
	/* Becomes true when a module asks for a segment that is open, and gets none. NULL: it is a
	 * path, and none is open. */
	bool *asked;
};

/* What a segment of a path is in a decision about a node: a value, or open, being `{loan}` or
 * `{path...}` as the node has it there. Misnamed: it is in braces, but something else. */
enum pol_open { POL_OPEN_NOT = 0, POL_OPEN_ANY, POL_OPEN_MISNAMED };
enum pol_open pol_matched_open(const struct pol_matched *matched, uint32_t segment);

/* A request with these facts and its functions; all else is zero. matched NULL: there is no node.
 */
struct pol_request pol_matched_request(
	const struct pol_facts *facts, const struct pol_matched *matched);
