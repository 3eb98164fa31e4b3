/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suggest: "did you mean 'collections'?" for a name that the daemon does not know, from those that
 * it does.
 */

#include "tools/app.h"

/* A name that was typed, and what it should name: "role", "principal", "tenant", "scope", "tree",
 * "action", "fact", or "attribute", which is a fact of principals without `principal.`. */
struct suggest_name {
	const char *kind; /* NULL: the refusal is about no such name */
	const char *word;
};

/* Asks the daemon for what has such names, a page at most, and prints the one nearest to the word
 * on standard error. It prints nothing when there is none near, or when the daemon does not answer
 * or refuses this caller. Results of calls before are gone. */
void suggest_print(struct app *app, const struct suggest_name *name);
