/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * attempt_history: how the last attempts at a policy ended, for `policy.status`.
 *
 * Its memory is bounded: ATTEMPT_HISTORY_KEPT attempts, each with the first diagnostics that fit
 * ATTEMPT_HISTORY_BYTES, so 260 KiB at most. An attempt that ended as the one before it did is
 * counted with it, so that a folder that stays broken, or a reload that is asked for each minute,
 * does not drive out the others. The caller has a lock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/load/commit.h"
#include "daemon/load/last_good.h"

struct build;
struct report_outcome;

enum {
	ATTEMPT_HISTORY_KEPT = 16,
	ATTEMPT_HISTORY_DIAGNOSTICS = 20,   /* of one attempt */
	ATTEMPT_HISTORY_BYTES = 16 * 1024,  /* of these, encoded */
	ATTEMPT_HISTORY_ACTOR = 4 + 10 + 1, /* "uid:4294967295" */
};

struct attempt_record {
	int64_t first_at, at;
	uint64_t times;
	const char *trigger; /* a constant */
	char actor[ATTEMPT_HISTORY_ACTOR];
	bool ok, exchanged;
	char revision[POL_REVISION_TEXT];
	char commit[COMMIT_TEXT];
	uint64_t errors, warnings;
	struct wire_buf diagnostics; /* an encoded array */
};

/* Zeroed before use. */
struct attempt_history {
	struct attempt_record records[ATTEMPT_HISTORY_KEPT];
	unsigned count;  /* of them in use */
	unsigned newest; /* if count > 0 */
};

void attempt_history_finish(struct attempt_history *history);

/* Adds an attempt, in the place of the oldest if there is no room. Copies what it needs. */
void attempt_history_add(struct attempt_history *history, const struct build *build,
	const struct report_outcome *outcome);

/* Appends an array of maps, newest first. */
void attempt_history_encode(const struct attempt_history *history, struct wire_buf *out);
