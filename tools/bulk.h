/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * bulk: one verb for one key, or for all that the options name.
 *
 *     key VERB KEY
 *     key VERB [--all] [--principal P] [--label X] [--status S] [--dry-run] [--yes]
 *
 * For many it counts them first, and asks on a terminal; without a terminal it needs --yes.
 * When a principal or label has none, that is a failure, except with --all; when none of them wants
 * it, there is no question.
 */

#include "tools/rpc.h"

struct bulk {
	const char *done;   /* "disabled" */
	const char *status; /* of the keys that are chosen without --status; NULL: any */
	/* Is there anything to do for this record? NULL: always. */
	bool (*wants)(const struct app *app, struct wire_cursor record);
};

/* For the `run` of a row that has at most one word, KEY, and these options. */
int bulk_run(struct app *app);

#define BULK_FLAGS                                                                                 \
	FLAG_ALL, FLAG_PRINCIPAL, FLAG_LABEL, FLAG_STATUS, FLAG_TENANT, FLAG_DRY_RUN, FLAG_YES
