/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authz_nodes: the nodes and actions of the built-in tree `authz`, in its order, for handlers that
 * ask about each of them. policy/compile/compile_authz.c declares the tree; tests compare the two.
 */

#include <stdbool.h>
#include <stddef.h>

/* An id that no record has, so that only what holds for all ids matches it. */
#define AUTHZ_ANY_ID "\x01"

enum { AUTHZ_ACTIONS = 8, AUTHZ_NODES = 10 };

struct authz_node {
	const char *noun;                       /* keys, grants/roles */
	const char *param;                      /* of /NOUN/{PARAM}; NULL: the node is /NOUN */
	const char *actions[AUTHZ_ACTIONS + 1]; /* NULL ends them */
};

extern const struct authz_node authz_nodes[AUTHZ_NODES];
