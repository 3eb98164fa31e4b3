/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * resource: the text of nodes, `api:/loans/{loan}`. Private to policy/.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/compiled.h"
#include "policy/text/path.h"

/* Bytes of a buffer that holds any text: POL_PATH_SEGMENTS segments, all of them encoded. */
#define POL_RESOURCE_TEXT ((size_t)64 * 1024)

/* Which bytes of literals and values are percent-encoded. */
enum pol_resource_form {
	POL_RESOURCE_SHOWN = 0, /* those that a path cannot have as they are: % ? # ; and \ */
	/* % and {, so that no literal looks like a parameter, and the blank before `when`, so that
	 * none looks like a condition */
	POL_RESOURCE_STORED
};

/* Text that grows in a buffer of POL_RESOURCE_TEXT bytes, or of as many as the text needs; what
 * does not fit is left out. The caller owns the buffer. */
struct pol_resource {
	char *text; /* the caller's, POL_RESOURCE_TEXT bytes */
	size_t len;
	size_t segment; /* where the last segment begins, after its slash */
	enum pol_resource_form form;
};

/* The nodes on the way from the root, which is not included, to this one. Returns their number. */
uint32_t pol_resource_node_chain(
	const struct pol_snapshot *snapshot, uint32_t node, uint32_t out[POL_PATH_SEGMENTS]);

/* A whole node as declared, in place of what was there: `api:/loans/{loan}`; a root is `api:/`. A
 * view into the buffer. */
struct pol_str pol_resource_of_node(
	struct pol_resource *resource, const struct pol_snapshot *snapshot, uint32_t node);
/* Appends the same, except that a root is `api:`. */
void pol_resource_append_node(
	struct pol_resource *resource, const struct pol_snapshot *snapshot, uint32_t node);

/* In parts: a tree, then segments, then the end. */

/* Appends text as it is. */
void pol_resource_put(struct pol_resource *resource, struct pol_str text);
/* Begins the text with the tree's name and a colon. */
void pol_resource_begin(struct pol_resource *resource, struct pol_str tree);
/* Adds a slash and a value, percent-encoded according to the form. */
void pol_resource_value(struct pol_resource *resource, struct pol_str value);
/* Adds a slash and a node's segment as declared: `loans`, `{loan}`, `{path...}`. */
void pol_resource_node(struct pol_resource *resource, const struct pol_node *node);
/* Ends the text and returns a view of it. Adds a slash if no segment was added: the root. */
struct pol_str pol_resource_end(struct pol_resource *resource);
