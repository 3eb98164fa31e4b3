/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * input: a whole file, or standard input, that a subcommand reads.
 */

#include "tools/app.h"

/* Reads the file, "-" being standard input, to the app's arena. EXIT_YES; or EXIT_USAGE, reported,
 * when it cannot be read or has more than `limit` bytes. */
int input_read(struct app *app, const char *path, size_t limit, struct pol_str *out);

/* What a message calls it: the path, or "standard input". */
const char *input_name(const char *path);
