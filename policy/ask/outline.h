/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * outline: the trees as the policy declares them, node by node, each with its actions. Nodes are
 * numbered through all trees in tree order, parents before children. Pure, any thread; views live
 * as long as the snapshot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"

struct pol_outline_tree {
	struct pol_str name;
	struct pol_str description; /* empty: none */
	uint32_t first, end;        /* its nodes; the first is its root */
};

/* False: there are fewer trees. */
bool pol_outline_tree(
	const struct pol_snapshot *snapshot, uint32_t number, struct pol_outline_tree *out);

struct pol_outline_node {
	struct pol_str resource;     /* as declared, `api:/loans/{loan}`; a view of the buffer */
	struct pol_str description;  /* empty: none */
	uint32_t action, action_end; /* the numbers of its actions */
};

/* Bytes of the buffer that a node's resource is written to. */
#define POL_OUTLINE_TEXT ((size_t)64 * 1024)

/* `node` is less than the `end` of some tree. */
void pol_outline_node(const struct pol_snapshot *snapshot, uint32_t node,
	char buffer[static POL_OUTLINE_TEXT], struct pol_outline_node *out);

struct pol_outline_action {
	struct pol_str name;         /* of an action, or of a method that belongs to none */
	struct pol_str description;  /* empty: none */
	uint32_t method, method_end; /* for pol_outline_method; an action may have no methods */
};

/* `action` is one of a node. */
void pol_outline_action(
	const struct pol_snapshot *snapshot, uint32_t action, struct pol_outline_action *out);
struct pol_str pol_outline_method(const struct pol_snapshot *snapshot, uint32_t method);
