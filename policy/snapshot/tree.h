/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * tree: nodes and actions; from a request's segments to its node.
 *
 * The nodes of all trees stand in one array in preorder, so that a node and all below it are one
 * range, and so are their permissions. Literal children are found through one table for all
 * nodes, by parent and folded segment: the same probes tell whether a value only looks like a
 * literal. Finding is allocation-free and for any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/permset.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/path.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* The number of a tree, or POL_NONE. */
uint32_t pol_tree_number(const struct pol_snapshot *snapshot, struct pol_str name);

/* The node that a path means. POL_ENOTFOUND: none (`unknown_resource`); a node without
 * permissions is found (see pol_tree_node_run) so that places may lead through it. */
enum pol_status pol_tree_find(const struct pol_snapshot *snapshot, uint32_t tree,
	const struct pol_path *path, uint32_t *out_node);

/* All permissions of a node; count 0: `unknown_resource` for a request. */
struct pol_run pol_tree_node_run(const struct pol_snapshot *snapshot, uint32_t node);

/* What a verb means on a node: the permissions that all must be held. http: a method and nothing
 * else; else an action's name, or a method. HEAD is GET unless the node says otherwise.
 * POL_ENOTFOUND: `unknown_action`. */
enum pol_status pol_tree_node_verb(const struct pol_snapshot *snapshot, uint32_t node,
	struct pol_str verb, bool http, struct pol_run *out);

/* The node that has a permission. */
uint32_t pol_tree_permission_node(const struct pol_snapshot *snapshot, uint32_t permission);
/* The number of the node's action that has all permissions of the run, or POL_NONE. */
uint32_t pol_tree_run_action(
	const struct pol_snapshot *snapshot, uint32_t node, struct pol_run run);

/* For the compiler: a literal child by its name, and the hash of its place in the table. */
enum pol_literal_match {
	POL_LITERAL_NONE = 0,
	POL_LITERAL_ALIKE, /* one differs in ASCII case, or in dots and spaces at the end, alone */
	POL_LITERAL_EXACT
};
enum pol_literal_match pol_tree_literal_find(const struct pol_snapshot *snapshot, uint32_t parent,
	struct pol_str name, uint32_t *out_node);
uint32_t pol_tree_literal_hash(uint32_t parent, struct pol_str name);
enum pol_literal_match pol_tree_literal_find_hashed(const struct pol_snapshot *snapshot,
	uint32_t parent, struct pol_str name, uint32_t hash, uint32_t *out_node);
