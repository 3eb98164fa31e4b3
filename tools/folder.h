/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * folder: a policy folder's files, as sources to compile.
 *
 * Every *.policy file below the folder, in byte order of its relative path; names that begin with
 * a dot are skipped, links followed inside the folder and refused out of it. Whose the files are
 * is not asked: that is the daemon's business, which acts on them. A source's name is the folder
 * as it was given, joined with the relative path.
 */

#include <stddef.h>

#include "policy/text/diag.h"
#include "tools/app.h"

/* Sources and texts live in the app's arena. */
struct folder {
	struct pol_source *sources;
	size_t count;
	size_t capacity;
	size_t bytes;
};

/* EXIT_YES and *out; or another status, reported. */
int folder_read(struct app *app, const char *path, struct folder *out);
