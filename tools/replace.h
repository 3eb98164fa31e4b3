/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * replace: reads a file, and replaces its text in one step.
 *
 * The new text is written to a file beside it, whose name begins with a dot, and renamed: a
 * program that reads the file meanwhile, or after a crash, finds the old text or the new one. Mode
 * and owner are kept. A link is followed: the file that it names is replaced, the link stays. A
 * file with further names (hard links) is refused, because they would keep the old text. Functions
 * return EXIT_YES, or another exit status after a message.
 */

#include <sys/stat.h>

#include "tools/app.h"

struct replace_file {
	const char *path;    /* as it was given */
	struct pol_str text; /* in the app's arena */
	struct stat stat;    /* as it was when it was read; unused for standard input */
};

/* Reads a regular file, or standard input for "-", of at most POL_FILE_MAX bytes. */
int replace_read(struct app *app, const char *path, struct replace_file *out);

/* Writes the new text, unless the file changed since it was read. */
int replace_write(struct app *app, const struct replace_file *file, struct pol_str text);
