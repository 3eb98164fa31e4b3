/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * imported: a policy made of an API's description (tools/import), as the subcommands need it: read
 * from a file, compiled so that what is printed loads, and what could not be said on standard
 * error.
 */

#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "tools/app.h"
#include "tools/import/import.h"

/* Zeroed it is empty and may be finished. */
struct imported {
	struct import import;
	struct pol_str text; /* the policy */
	struct pol_source source;
	struct pol_diags diags;
	struct pol_snapshot *snapshot;
	bool begun;
};

typedef bool (*imported_reader)(struct import *import, struct pol_str text);

/* Reads the file ("-": standard input) as the tree of this name, `base` before all paths (NULL: as
 * the source says). EXIT_YES; or another status, reported. */
struct imported_from {
	const char *path;
	imported_reader reader;
	const char *tree;
	const char *base;
};
int imported_load(struct app *app, const struct imported_from *from, struct imported *out);
/* The same of text that is not a file's. */
int imported_load_text(struct app *app, const struct imported_from *from, struct pol_str text,
	struct imported *out);
void imported_finish(struct imported *imported);

/* What could not be said, and how much was: standard error. */
void imported_report(struct app *app, const char *path, const struct imported *imported);

/* The notes, for --json. */
json_t *imported_notes(struct app *app, const struct imported *imported);
