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
#include "daemon/serve/attempt_history.h"
#include "daemon/serve/policy_entry.h"

struct build;
struct folder;
struct notify;
struct peer;
struct pol_snapshot;
struct secrets;
struct server;

/* Written by reload's thread, read by any. */
struct report_attempts {
	pthread_mutex_t lock;
	struct report_policy last;
	struct wire_buf diagnostics;
	struct dangling dangling; /* all zero before the first search */
	struct attempt_history history;
	char why[FOLDER_WHY]; /* of the last attempt */
};

/* The end of one attempt. */
struct report_outcome {
	int64_t at; /* Unix seconds */
	enum reload_trigger trigger;
	const struct peer *by; /* of RELOAD_REQUEST, else NULL */
	bool ok;
	bool exchanged;
	uint64_t serial;      /* of the policy that answers now */
	const char *revision; /* the same */
	const char *commit;   /* the same; empty: unknown */
};

/* In place, zeroed before. 0 or negative errno. */
int report_init(struct report_attempts *attempts);
void report_finish(struct report_attempts *attempts);

/* Says that the server started from a kept policy; until the first attempt that is ok. To be called
 * before the first report_add. */
void report_last_good(struct report_attempts *attempts, int64_t kept_at);

/* Keeps the outcome; takes the build's diagnostics and leaves it others to finish. False: the build
 * was refused for the one reason that the attempt before had too, which each look at the folder
 * finds again. */
bool report_add(
	struct report_attempts *attempts, struct build *build, struct report_outcome outcome);

/* Logs that the policy at `path` was refused, and `running` (a revision) stays. */
void report_refused(const struct build *build, const char *path, const char *running);

/* Removes the policy that was kept, before another one answers; logs a failure. */
void report_drop(const char *state);

/* Keeps the policy for a start with a broken folder (load/last_good); logs a failure. */
void report_keep(
	const char *state, const struct secrets *secrets, const struct pol_snapshot *snapshot);

/* Reports to the supervisor which policy answers, after `state`, such as `READY=1\n`. */
void report_notify(
	struct report_attempts *attempts, const struct notify *notify, const char *state);

/* Takes what was found. */
void report_dangling(struct report_attempts *attempts, struct dangling *found);

/* Lives as long as the server, whose reload must have been created before the first question. */
struct report_source report_source_of(struct server *server);
