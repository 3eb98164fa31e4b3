/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * resources: what is allowed, resource by resource, drawn as a tree.
 */

#include <stdbool.h>

#include "policy/text/str.h"
#include "tools/app.h"
#include "tools/draw.h"

/* Zeroed except for `app`, it is empty. */
struct resources {
	struct app *app;
	struct draw drawing;
	struct pol_str before; /* the resource that was added last */
};

/* Adds a resource, `api:/loans/{loan}`, in the order of the tree; the actions, fit to show, stand
 * after it, and then the condition, which may be empty. False: no memory. */
bool resources_add(struct resources *resources, struct pol_str resource, const char *actions,
	struct pol_str when);

/* Draws them on standard output; "nothing" when there are none. */
void resources_print(struct resources *resources);

/* What a command's word says: a tree, or a place in one; both NULL without a word. */
struct resources_part {
	const char *tree;
	const char *at;
};

/* Reads TREE or TREE:/path; a slash and two stars at the end change nothing. word NULL: none, and
 * the tree is that of --tree. EXIT_YES, or EXIT_USAGE, reported. */
int resources_read_part(struct app *app, const char *word, struct resources_part *out);

/* Has a path a segment that selects nodes only in a grant, `*` or `**`? As one of a request it
 * would be the value of a parameter. */
bool resources_is_pattern(const char *resource);
#define RESOURCES_ONE "'%s' is a pattern: ask about one resource, such as api:/loans/7"
