/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * resource: nodes as text, `api:/loans/{loan}`, for those who read. For policy/ alone.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/compiled.h"
#include "policy/text/path.h"

/* Room for any: 64 segments, all of their bytes encoded. */
#define POL_RESOURCE_TEXT ((size_t)64 * 1024)

/* Text that grows in a buffer of POL_RESOURCE_TEXT bytes; what does not fit is cut. */
struct pol_resource {
	char *text;
	size_t len;
};

/* The nodes from the root, not itself included, down to this one. Returns how many. */
uint32_t pol_resource_node_chain(
	const struct pol_snapshot *snapshot, uint32_t node, uint32_t out[POL_PATH_SEGMENTS]);

void pol_resource_begin(struct pol_resource *resource, struct pol_str tree);
/* A slash and a value, with what a path cannot hold raw encoded. */
void pol_resource_value(struct pol_resource *resource, struct pol_str value);
/* A slash and a node's segment as declared: `loans`, `{loan}`, `{path...}`. */
void pol_resource_node(struct pol_resource *resource, const struct pol_node *node);
/* The whole; the root is a slash alone. */
struct pol_str pol_resource_end(struct pol_resource *resource);
