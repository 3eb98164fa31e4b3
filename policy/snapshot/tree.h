/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * tree: looks up the node of a request's path, and its permissions.
 *
 * The nodes of all trees are in one array in preorder, so that a node and all nodes below it are
 * one range, and so are their permissions. Literal children of all nodes are in one hash table, by
 * parent and name. The hash ignores case (Unicode's simple folding) and trailing dots and spaces,
 * so that one look-up also finds a literal that is merely similar to the segment. No allocation,
 * any thread.
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

/* Finds the node of a place's path. POL_ENOTFOUND: there is none. POL_EINVALID: a segment that
 * would become the name of a literal child, or one similar to it, if it were decoded again. A node
 * without permissions is found too; for a request such a node is `unknown_resource`. */
enum pol_status pol_tree_find(const struct pol_snapshot *snapshot, uint32_t tree,
	const struct pol_path *path, uint32_t *out_node);

/* pol_tree_find for a request's path. In a tree with `strict_slash yes` a '/' at the end begins an
 * empty segment, which only a rest can have; elsewhere it has no meaning. */
enum pol_status pol_tree_find_requested(const struct pol_snapshot *snapshot, uint32_t tree,
	const struct pol_path *path, uint32_t *out_node);

/* All permissions of a node. */
struct pol_run pol_tree_node_run(const struct pol_snapshot *snapshot, uint32_t node);

/* The permissions that a verb needs on a node, all of them. If `http`, the verb must be a method,
 * else it may be an action too. HEAD needs the permission of GET unless the node declares HEAD.
 * POL_ENOTFOUND: the node has no such verb (`unknown_action`). */
enum pol_status pol_tree_node_verb(const struct pol_snapshot *snapshot, uint32_t node,
	struct pol_str verb, bool http, struct pol_run *out);

/* The node that has a permission. */
uint32_t pol_tree_permission_node(const struct pol_snapshot *snapshot, uint32_t permission);
/* The number of the node's action that has all permissions of the run, or POL_NONE. */
uint32_t pol_tree_run_action(
	const struct pol_snapshot *snapshot, uint32_t node, struct pol_run run);

/* Looks up a literal child by its name. *out_node is set if the match is exact. The hash may be
 * computed once with pol_tree_literal_hash. */
enum pol_literal_match {
	POL_LITERAL_NONE = 0,
	POL_LITERAL_ALIKE, /* a child differs only in case or in trailing dots and spaces */
	POL_LITERAL_EXACT
};
enum pol_literal_match pol_tree_literal_find(const struct pol_snapshot *snapshot, uint32_t parent,
	struct pol_str name, uint32_t *out_node);
uint32_t pol_tree_literal_hash(uint32_t parent, struct pol_str name);
enum pol_literal_match pol_tree_literal_find_hashed(const struct pol_snapshot *snapshot,
	uint32_t parent, struct pol_str name, uint32_t hash, uint32_t *out_node);
