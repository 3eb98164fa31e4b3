/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * revision: a policy folder of a git revision, read through git(1). Neither a checkout nor the
 * index is touched.
 *
 * What is read is what the daemon would read of a checkout: every *.policy file, no name that
 * begins with a dot; a symbolic link to a file or folder inside of the folder is followed, any
 * other one of a *.policy name is refused. Bounds are those of a folder.
 */

#include <stdbool.h>

#include "tools/policy.h"

/* One of the two policies of a comparison, as it was given. */
struct revision {
	const char *given;  /* the argument */
	const char *folder; /* a folder of the file system; NULL: a revision */
	const char *in;     /* of a revision: where git is run */
	const char *tree;   /* REV:PATH */
};

/*
 * Says what the arguments mean: a folder, `REV:PATH` with PATH from the top of the work tree, or
 * REV alone, with the PATH of the other argument or, when that is a revision alone too, the current
 * folder. EXIT_YES; or another status, reported.
 */
int revision_parse(struct app *app, const char *const words[2], struct revision out[2]);

/* Does the argument name a folder of the file system? */
bool revision_is_folder(const char *word);

/* Reads the files of a revision into *out, which the caller destroys. Their names begin with
 * REV:PATH. EXIT_YES; or another status, reported. */
int revision_read(struct app *app, const struct revision *revision, struct folder **out);

/* As it is shown to people. */
const char *revision_name(const struct revision *revision);

/* Reads it, and compiles it. EXIT_YES even for an invalid policy, as policy_load; another status,
 * reported. */
int revision_load(struct app *app, const struct revision *revision, struct policy *policy);
