/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * help: the tables of subcommands, and their help.
 */

#include <stddef.h>
#include <stdio.h>

#include "tools/app.h"

/* Finds "check", or "key" and "create": *out_used is 1 or 2. NULL when there is none. */
const struct command *help_find(const char *const *words, size_t count, size_t *out_used);

/* The command at this place in the order of the help; NULL after the last one. */
const struct command *help_command(size_t at);

/* Is this the first word of subcommands with two? */
bool help_is_group(const char *word);

/* The nearest subcommand to what was typed (`group` NULL: of first words, else of that group's
 * second words), or NULL. */
const char *help_nearest(const char *group, const char *word);

/* Reports that there is none of this name (`group` as above), with the nearest. EXIT_USAGE. */
int help_unknown(struct app *app, const char *group, const char *word);

/* Lists every subcommand, or those of one group. */
void help_print(const struct app *app, const char *group, FILE *file);

/* One subcommand: usage, text, options, examples. */
void help_print_command(const struct app *app, const struct command *command, FILE *file);

/* The options of a command, and --token and --token-file if it manages by a token; how many. */
size_t help_flags(const struct command *command, enum flag out[static FLAG_COUNT]);
