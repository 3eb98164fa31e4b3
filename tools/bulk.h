/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * bulk: one verb for one key, or for all that the options name.
 *
 *     key VERB KEY
 *     key VERB [--all] [--principal P] [--label X] [--status S] [--dry-run] [--yes]
 *
 * Of many it tells the count first and asks on a terminal; without one it wants --yes.
 */

#include "tools/rpc.h"

struct bulk {
	const char *method; /* "keys.disable" */
	const char *verb;   /* "disable" */
	const char *done;   /* "disabled" */
	const char *status; /* what keys.list is asked for unless told; NULL: any */
	/* Is there anything to do for this record? NULL: always. */
	bool (*wants)(const struct app *app, struct wire_cursor record);
	/* Puts parameters beside the id. NULL: there are none. EXIT_YES, or reported. */
	int (*fill)(struct app *app, struct params *params);
	/* Shows the answer for one key. NULL: as show_key does. */
	int (*show)(struct app *app, struct wire_cursor record);
};

/* The verb of a command whose words are at most one KEY. */
int bulk_run(struct app *app, const struct bulk *bulk);

/* The options that say which; for a command's own table. */
#define BULK_FLAGS                                                                                 \
	FLAG_ALL, FLAG_PRINCIPAL, FLAG_LABEL, FLAG_STATUS, FLAG_TENANT, FLAG_DRY_RUN, FLAG_YES

/* Asks on the terminal whether to go on; --yes answers. EXIT_YES; EXIT_NO: no; EXIT_USAGE: there
 * is nobody to ask, reported. */
int bulk_confirm(struct app *app, const char *question);
