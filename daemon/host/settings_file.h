/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * settings_file: reads a program's configuration file (policy/language/settings has its lines). A
 * user who can write the file commands the program, so it must belong to root or to the process's
 * user, and nobody else may be able to write it.
 */

#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/str.h"

#define SETTINGS_FILE_MAX (1024 * 1024) /* bytes */

/* The whole file, into the arena. 0, or a negative errno after a message on standard error. */
int settings_file_load(const char *path, struct pol_arena *arena, struct pol_str *out);

/* Writes the diagnostics on standard error, as FILE:LINE:COLUMN, sorted. 0; or -EINVAL if there is
 * an error among them. */
int settings_file_report(struct pol_diags *diags);
