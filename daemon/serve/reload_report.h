/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * reload_report: how the attempts at a reload ended, for `status` and `policy.status`.
 *
 * Written by reload's thread, read by any: it has a lock of its own. What it keeps of a build it
 * takes from it.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/report.h"
#include "daemon/load/dangling.h"
#include "daemon/load/folder.h"

struct build;

struct reload_reports {
	pthread_mutex_t lock;
	struct report_policy last;
	struct wire_buf diagnostics;
	struct dangling dangling; /* all zero before it was looked for */
	char why[FOLDER_WHY];     /* of the last attempt */
};

/* What came of an attempt. */
struct reload_outcome {
	int64_t at; /* Unix seconds */
	bool ok;
	bool exchanged;
	uint64_t serial;      /* of the policy that answers now */
	const char *revision; /* likewise */
};

/* In place, zeroed before. 0 or negative errno. */
int reload_reports_init(struct reload_reports *reports);
void reload_reports_finish(struct reload_reports *reports);

/* Keeps the outcome; takes the build's diagnostics and leaves it others to finish. */
void reload_reports_add(
	struct reload_reports *reports, struct build *build, struct reload_outcome outcome);

/* Logs that the policy at `path` was refused, and `running` (a revision) stays. Before the attempt
 * is added: what is found so at every look is said once, unless somebody asked (`forced`). */
void reload_reports_refused(struct reload_reports *reports, const struct build *build,
	const char *path, const char *running, bool forced);

/* Takes what was found. */
void reload_reports_dangling(struct reload_reports *reports, struct dangling *found);

void reload_reports_get(struct reload_reports *reports, struct report_policy *out);
/* Puts the array of the last attempt's diagnostics. */
void reload_reports_put_diagnostics(struct reload_reports *reports, struct wire_buf *out);
/* Puts the array of what the store names and the policy lacks. */
void reload_reports_put_dangling(struct reload_reports *reports, struct wire_buf *out);
