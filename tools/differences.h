/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * differences: what policy/ask/compare finds, shown: as lines for people, as Markdown for a comment
 * on a merge request, or as items of the document of --json.
 */

#include "policy/ask/compare.h"
#include "tools/app.h"

enum differences_form { DIFFERENCES_TEXT = 0, DIFFERENCES_MARKDOWN, DIFFERENCES_JSON };

/* Differences with the same changes, which are shown once. */
struct differences_group;

/* The caller sets the first three and zeroes the rest. */
struct differences {
	struct app *app;
	enum differences_form form;
	const char *tenant; /* whose record of the store it is; NULL: it is the policy's */
	size_t count;
	size_t gaining, losing;                 /* differences with such an effect */
	struct differences_group *first, *last; /* of a list; not of JSON */
	struct differences_group **table;       /* by their text; table_size */
	size_t table_size, group_count;
};

/* Takes one, for differences_end to show, or for --json shows it; a pol_compare_visit. */
void differences_show(void *context, const struct pol_difference *difference);

/* Shows all, and how many there are. Nothing of a text without any. */
void differences_end(struct differences *differences);
