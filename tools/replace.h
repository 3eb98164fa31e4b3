/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * replace: writes a file in one step.
 *
 * The text is written to a file beside it, whose name begins with a dot, and renamed: a program
 * that reads the file meanwhile, or after a crash or a full disk, finds the old text or the new
 * one. Mode and owner of an old file are kept. A link is followed: the file that it names is
 * replaced, the link stays. Functions return EXIT_YES, or another exit status after a message.
 */

#include <stdio.h>
#include <sys/stat.h>

#include "tools/app.h"

struct replace_file {
	const char *path;    /* as it was given */
	struct pol_str text; /* in the app's arena */
	struct stat stat;    /* as it was when it was read; unused for standard input */
};

/* Reads a regular file, or standard input for "-", of at most POL_FILE_MAX bytes. */
int replace_read(struct app *app, const char *path, struct replace_file *out);

/* Writes the new text, unless the file changed since it was read. A file with further names (hard
 * links) is refused, because they would keep the old text. */
int replace_write(struct app *app, const struct replace_file *file, struct pol_str text);

/* A file that is being written. */
struct replace_new {
	const char *path; /* as it was given */
	FILE *file;
	bool fresh;                   /* nothing of its name may be there */
	const char *place;            /* its path without links */
	char *aside;                  /* what is written; NULL: the place itself */
	const struct stat *unchanged; /* as which the place must be; NULL: any */
};

/* Begins to write to out->file. What exists there and is not a regular file, such as /dev/stdout or
 * a pipe, is written itself. fresh: a file that is there is left as it is, an error. */
int replace_begin(struct app *app, const char *path, bool fresh, struct replace_new *out);

/* EXIT_YES: the file is whole, and gets its name. Any other status drops it, and is returned. */
int replace_end(struct app *app, struct replace_new *new, int status);
