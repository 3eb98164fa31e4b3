/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * show_tree: the nodes of resource trees with their actions, drawn as trees.
 *
 * With marks, a node below which everything is allowed, or nothing is, is drawn as one line, unless
 * the tree is unfolded. Lines are broken at the terminal's width.
 */

#include "policy/ask/show.h"
#include "tools/app.h"

struct show_row;

/* Set the first five; zero the rest. Memory is that of the app's arena. */
struct show_tree {
	struct app *app;
	bool marked; /* the actions have marks */
	bool unfolded;
	size_t columns; /* of the terminal; 0: as many as a line needs */
	struct show_row *rows;
	size_t count;
	size_t capacity;
	bool conditional; /* something is allowed on a condition */
};

/* Adds a node, in the order of pol_show. Only nodes that are kept, and those above them, are drawn.
 * False: no memory. */
bool show_tree_add(struct show_tree *tree, const struct pol_shown *shown, bool kept);

/* Draws what was added, with a legend if there are marks. Once. */
void show_tree_draw(struct show_tree *tree, FILE *file);
