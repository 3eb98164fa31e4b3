/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * nodes: the nodes that the trees of a folder declare. They come from the statements and not from
 * the compiler, so that they are known while the policy has mistakes.
 *
 * They live as long as the files that declare them; lsp_nodes_of makes them again after a change.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/language/parse.h"

struct lsp;
struct lsp_kept;

/* An action with its methods, or a method by itself. */
struct lsp_verb {
	struct pol_str name;
	const struct pol_words *methods; /* NULL: a method by itself */
	struct pol_str description;
	struct lsp_verb *next;
};

struct lsp_node {
	enum pol_segment_kind kind;
	struct pol_str text; /* as it is compared; of a root the tree's name */
	struct pol_str raw;  /* as it is declared: `{loan}`, `"a b"` */
	struct pol_str description;
	struct lsp_node *parent; /* NULL: a root */
	struct lsp_node *first, *last, *next;
	struct lsp_node *wild;          /* {name}, if one is declared */
	struct lsp_node *rest;          /* {name...} */
	struct lsp_verb *verbs, *final; /* in the order of declaration */
	uint32_t mark;                  /* of lsp_nodes_mark, for the caller to set */
};

struct lsp_nodes;

/* NULL: no memory. */
struct lsp_nodes *lsp_nodes_of(struct lsp *lsp, struct lsp_kept *kept);
void lsp_nodes_destroy(struct lsp_nodes *nodes); /* NULL is ignored */

/* The roots, the first of a list; the built-in tree is the last. */
struct lsp_node *lsp_nodes_roots(const struct lsp_nodes *nodes);
/* The root of a tree, or NULL. */
struct lsp_node *lsp_nodes_tree(const struct lsp_nodes *nodes, struct pol_str name);

/* A number that no node has as its mark, so that a caller can count each node once. */
uint32_t lsp_nodes_mark(struct lsp_nodes *nodes);

/* Return false to stop. */
typedef bool (*lsp_nodes_visit)(void *context, struct lsp_node *node);

/* Visits the nodes that a pattern selects. False: it was stopped. */
bool lsp_nodes_select(const struct lsp_nodes *nodes, const struct pol_ast_pattern *pattern,
	lsp_nodes_visit visit, void *context);
/* Visits a node and those below it. */
bool lsp_nodes_below(struct lsp_node *node, lsp_nodes_visit visit, void *context);
/* The node of a request's path, TREE:/path; NULL: there is none. */
struct lsp_node *lsp_nodes_requested(const struct lsp_nodes *nodes, struct pol_str place);

/* All actions and methods of the nodes, each once, in the order of declaration. */
const struct pol_str *lsp_nodes_verbs(const struct lsp_nodes *nodes, size_t *out_count);
/* Does the node have the action or the method? */
bool lsp_nodes_has(const struct lsp_node *node, struct pol_str verb);
