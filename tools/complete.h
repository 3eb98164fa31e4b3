/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * complete: what may follow on a command line, for the completions of shells.
 *
 *     authzcheck __complete WORD… ''      the words so far; the last one is being typed
 *
 * prints a line "WORD<tab>WHAT IT IS" for each word that the last one can become, and before them
 * the line "<tab>files" or "<tab>dirs" where a name of a file or folder may be meant: no word is
 * empty, so none can be taken for such a line. Ids, roles, scopes and the like are asked of the
 * daemon, which has a second to answer; without it there are none. The commands of policy folders
 * have them from the folder, of which nothing is run. complete.c reads the line, complete_values.c
 * knows the values, complete_folder.c those of folders and of git.
 *
 * The shells ask the authzcheck of their $PATH, whatever file the line names: a key that completes
 * must not run a program of the folder that one happens to be in.
 */

#include "tools/app.h"

/* Never fails, and writes nothing to standard error. */
int complete_run(struct app *app, int argc, char **argv);

/* The word that is being typed. */
struct completing {
	struct app *app;
	const char *before; /* what stays as it is: "--role=viewer," */
	const char *typed;  /* and the beginning that is completed */
};

/* Prints a candidate, if it begins as the word does and is not empty. */
void complete_offer(const struct completing *word, const char *value, const char *what);

/* Offers the values of an option, or of a command's word with this name in its usage ("KEY"). */
void complete_option(const struct completing *word, const struct command *command, enum flag flag);
void complete_word(
	const struct completing *word, const struct command *command, struct pol_str name);

/* Offers the names that the policy folder declares, even if it has mistakes. */
enum complete_kind {
	COMPLETE_ROLES,
	COMPLETE_SCOPES,
	COMPLETE_PRINCIPALS,
	COMPLETE_TREES,
	COMPLETE_FACTS, /* with the `=` that follows */
};
void complete_folder(const struct completing *word, enum complete_kind kind);

/* Offers the branches and tags of the git repository here, if this is one. */
void complete_revisions(const struct completing *word);
