/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * report: what `status` and `policy.status` show of a server: the counters of its threads, and how
 * the attempts at a policy ended.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/report.h"
#include "daemon/load/dangling.h"
#include "daemon/load/folder.h"

struct build;
struct server;

/* Written by reload's thread, read by any. */
struct report_attempts {
	pthread_mutex_t lock;
	struct report_policy last;
	struct wire_buf diagnostics;
	struct dangling dangling; /* all zero before the first search */
	char why[FOLDER_WHY];     /* of the last attempt */
};

/* The end of one attempt. */
struct report_outcome {
	int64_t at; /* Unix seconds */
	bool ok;
	bool exchanged;
	uint64_t serial;      /* of the policy that answers now */
	const char *revision; /* the same */
};

/* In place, zeroed before. 0 or negative errno. */
int report_init(struct report_attempts *attempts);
void report_finish(struct report_attempts *attempts);

/* Keeps the outcome; takes the build's diagnostics and leaves it others to finish. */
void report_add(
	struct report_attempts *attempts, struct build *build, struct report_outcome outcome);

/* Logs that the policy at `path` was refused, and `running` (a revision) stays. To be called before
 * report_add: a reason that each look finds again is logged once, unless a reload was asked for
 * (`forced`). */
void report_refused(struct report_attempts *attempts, const struct build *build, const char *path,
	const char *running, bool forced);

/* Takes what was found. */
void report_dangling(struct report_attempts *attempts, struct dangling *found);

/* Lives as long as the server, whose reload must have been created before the first question. */
struct report_source report_source_of(struct server *server);
