/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * show_page: the resource trees and what each role and scope may do in them, as one HTML page.
 *
 * The page needs no other file and asks for none; its Content Security Policy allows its own style
 * and script alone. What the policy says is data in it: JSON in which no '<' is left.
 */

#include "policy/ask/show.h"
#include "tools/app.h"

struct show_page {
	const struct pol_snapshot *snapshot;
	const char *folder;
	struct pol_str tree;                  /* empty: all */
	const struct pol_show_holder *holder; /* whose marks are shown first; NULL: nobody's */
	const char *search;                   /* what is searched for first; NULL: nothing */
};

/* Writes the page to the file; "-": to standard output. If there are too many marks, only those of
 * the holder are in it. EXIT_YES, or another status after a message. */
int show_page_write(struct app *app, const struct show_page *page, const char *path);
