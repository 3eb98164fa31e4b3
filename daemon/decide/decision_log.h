/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decision_log: the decisions that the policy has logged, one JSON object a line.
 *
 * Workers put lines into a buffer of DECISION_LOG_BUFFER bytes and never wait: a line that does not
 * fit is dropped and counted, and a line of the log says how many were. A thread of its own takes
 * the buffer, and leaves an empty one, as soon as there is something in it and DECISION_LOG_PAUSE
 * has passed, or it is half full; what it writes to may stand still without harm to other threads.
 */

#include <stdint.h>

#include "policy/text/str.h"

#define DECISION_LOG_BUFFER ((size_t)1 << 20) /* two of them */
#define DECISION_LOG_PAUSE  100               /* ms */
#define DECISION_LOG_DRAIN  2000              /* ms, for what stands still at the end */

struct decision_log;

/* path NULL: standard output. The file is appended to, and made with mode 0600 when missing. 0, or
 * a negative errno: it cannot be opened. The thread begins with decision_log_start. */
int decision_log_create(const char *path, struct decision_log **out);
int decision_log_start(struct decision_log *log);
/* Writes what is left, within DECISION_LOG_DRAIN. NULL is ignored. */
void decision_log_destroy(struct decision_log *log);

/* Any thread: a line, its newline included. */
void decision_log_put(struct decision_log *log, const char *line, size_t len);

/* Any thread: reopens the file once what was put before is written, so that it can be renamed
 * away. On failure the old file stays open, and the daemon's log has an error. */
void decision_log_reopen(struct decision_log *log);

struct decision_log_counts {
	uint64_t written; /* lines */
	uint64_t dropped; /* for want of room, or for a disk that takes no more */
};
void decision_log_count(struct decision_log *log, struct decision_log_counts *out);
