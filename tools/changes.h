/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * changes: what a tree that was imported adds to an earlier one, removes from it and renames in it,
 * method by method.
 */

#include "policy/snapshot/snapshot.h"
#include "tools/app.h"

/* Compares tree `tree` of two snapshots, and prints it: `+`, `-` and `~`, or the document. EXIT_YES
 * when they have the same operations with the same names, else EXIT_NO; or another status,
 * reported. */
int changes_print(struct app *app, const char *tree, const struct pol_snapshot *before,
	const struct pol_snapshot *after);
