/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * offline: runs authzd for what is done to a store while no daemon serves it.
 */

#include "tools/app.h"

#define OFFLINE_MAX_WORDS 4

struct offline {
	const char *words[OFFLINE_MAX_WORDS]; /* options of authzd; NULL: no more */
	const char *failed;                   /* what it means when authzd says no */
	const char *unchecked; /* and when it could not find out; NULL: it always can */
};

/* Finds authzd, runs it with --state and --config as they were given, and waits for it. It has our
 * standard output, or with --json standard error in its place. EXIT_YES, or another exit status
 * after a message; with --json that has the last line that authzd wrote, which says why. */
int offline_run(struct app *app, const struct offline *offline);
